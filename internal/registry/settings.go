package registry

import (
	"slices"
	"time"

	"github.com/tapline/tapline/internal/config"
)

// Settings are what is known of a source beside its names. The zero value of each leaves it to defaults and flags. Their
// keys in JSON are those of the column settings.
type Settings struct {
	// Region is where the source's data may be: us, eu or a name of one's own. Empty means anywhere.
	Region string `json:"region,omitempty"`
	// UserIdentity is what becomes user_id of CleverTap's records; see config.UserIdentities.
	UserIdentity string `json:"user_identity,omitempty"`
	// Timezone is the IANA name of the CleverTap project's zone.
	Timezone string `json:"timezone,omitempty"`
	// Account is the CleverTap account's id.
	Account string `json:"account,omitempty"`
}

// Check refuses values that cannot be. The error is a *config.Error.
func (s Settings) Check() error {
	if err := config.CheckRegion("--region", s.Region); err != nil {
		return err
	}
	if s.UserIdentity != "" && !slices.Contains(config.UserIdentities(), s.UserIdentity) {
		return &config.Error{
			Setting: "--user-identity", Value: s.UserIdentity, Problem: "unknown value",
			Hint: "use " + config.AnyOf(config.UserIdentities(), ""),
		}
	}
	if _, err := time.LoadLocation(s.Timezone); err != nil || s.Timezone == "Local" {
		return &config.Error{
			Setting: "--timezone", Value: s.Timezone, Problem: "unknown time zone",
			Hint: "use the IANA name of the CleverTap project's zone, such as Asia/Kolkata, America/New_York or UTC",
		}
	}
	return nil
}

// over returns s with what o sets in its place.
func (s Settings) over(o Settings) Settings {
	for _, f := range []struct{ to, from *string }{
		{&s.Region, &o.Region},
		{&s.UserIdentity, &o.UserIdentity},
		{&s.Timezone, &o.Timezone},
		{&s.Account, &o.Account},
	} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	return s
}
