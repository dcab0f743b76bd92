package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Pull is what flags and file say of pulling a source from CleverTap's API. A zero field is left to the defaults.
type Pull struct {
	Region       string   `yaml:"region" doc:"Region of the CleverTap account: eu1, in1, sg1, us1, aps3, mec1 or sk1. Defaults to that of the source's region."`
	Endpoint     string   `yaml:"endpoint" doc:"URL in place of the region's, such as that of a proxy."`
	PasscodeEnv  string   `yaml:"passcode_env" doc:"Environment variable that has the account's passcode. Defaults to CLEVERTAP_PASSCODE."`
	PasscodeFile string   `yaml:"passcode_file" doc:"Or the file that has it, from this file's folder on."`
	Events       []string `yaml:"events" doc:"Events to pull beside the catalogue's and those that the account tells of."`
	Lookback     *int64   `yaml:"lookback" doc:"How many days after its end a day is read again for late events. Defaults to 2."`
	BatchSize    int64    `yaml:"batch_size" doc:"How many records an answer may have. Defaults to 5000, the most."`
	Profile      *bool    `yaml:"profile" doc:"Whether the users' custom profile properties, as of today, come too. Defaults to true."`
}

// PullRegions are the values of a region.
func PullRegions() []string { return []string{"eu1", "in1", "sg1", "us1", "aps3", "mec1", "sk1"} }

// PullRegionOf returns the region of the API of an account whose data may be in a region: one of PullRegions, and that of us and eu.
// It is empty for others.
func PullRegionOf(region string) string {
	switch {
	case region == "us" || region == "eu":
		return region + "1"
	case slices.Contains(PullRegions(), region):
		return region
	}
	return ""
}

// What is asked if nothing names the account or its passcode.
const (
	AccountEnv  = "CLEVERTAP_ACCOUNT_ID"
	PasscodeEnv = "CLEVERTAP_PASSCODE"
)

// maxLookback is the longest lookback, in days, maxBatch the largest answer that may be asked for.
const (
	maxLookback = 366
	maxBatch    = 5000
)

// Fill takes from the file what no flag has set. Files are relative to dir.
func (p *Pull) Fill(f *Pull, dir string) {
	if f == nil {
		return
	}
	if p.Region == "" && p.Endpoint == "" {
		p.Region, p.Endpoint = f.Region, f.Endpoint
	}
	if p.PasscodeEnv == "" && p.PasscodeFile == "" {
		p.PasscodeEnv, p.PasscodeFile = f.PasscodeEnv, f.PasscodeFile
		if p.PasscodeFile != "" && !filepath.IsAbs(p.PasscodeFile) {
			p.PasscodeFile = filepath.Join(dir, p.PasscodeFile)
		}
	}
	if len(p.Events) == 0 {
		p.Events = f.Events
	}
	p.BatchSize = cmp.Or(p.BatchSize, f.BatchSize)
	if p.Lookback == nil {
		p.Lookback = f.Lookback
	}
	if p.Profile == nil {
		p.Profile = f.Profile
	}
}

// Near takes the region of the API from where the source's data may be, if nothing says how to reach it.
func (p *Pull) Near(region string) {
	if p.Region == "" && p.Endpoint == "" {
		p.Region = PullRegionOf(region)
	}
}

// Validate checks what can be checked without the account. The error is an *Error.
func (p *Pull) Validate() error {
	switch {
	case p.Region != "" && !slices.Contains(PullRegions(), p.Region):
		return &Error{"--region", p.Region, "unknown region", "use " + AnyOf(PullRegions(), "") + ", as in the dashboard's address"}
	case p.PasscodeEnv != "" && p.PasscodeFile != "":
		return &Error{"--passcode-env", p.PasscodeEnv, "--passcode-file is given, too", "keep one of them"}
	case p.Region != "" && p.Endpoint != "":
		return &Error{"--region", p.Region, "--endpoint is given, too", "keep one of them"}
	case p.Lookback != nil && (*p.Lookback < 0 || *p.Lookback > maxLookback):
		return &Error{"--lookback", strconv.FormatInt(*p.Lookback, 10), fmt.Sprintf("no number of days from 0 to %d", maxLookback), ""}
	case p.BatchSize < 0 || p.BatchSize > maxBatch:
		return &Error{"--batch-size", strconv.FormatInt(p.BatchSize, 10), fmt.Sprintf("not from 1 to %d", maxBatch), "leave it out for the largest"}
	}
	return nil
}

// Passcode returns the account's passcode. The error, an *Error, says where it was looked for, never what was there.
func (p *Pull) Passcode(env func(string) string) (string, error) {
	if p.PasscodeFile == "" {
		name := cmp.Or(p.PasscodeEnv, PasscodeEnv)
		if secret := strings.TrimSpace(env(name)); secret != "" {
			return secret, nil
		}
		return "", &Error{"--passcode-env", name, "there is nothing in this environment variable", "put the account's passcode there, or into a file and name it with --passcode-file"}
	}
	text, err := os.ReadFile(p.PasscodeFile)
	secret := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", &Error{"--passcode-file", p.PasscodeFile, err.Error(), "name the file that has the account's passcode"}
	case secret == "":
		return "", &Error{"--passcode-file", p.PasscodeFile, "there is nothing in it", "put the account's passcode there"}
	}
	return secret, nil
}

// checkPull checks a source's section pull of the file.
func (f *File) checkPull(name string, s *Source) error {
	if s.Pull == nil {
		return nil
	}
	if err := s.Pull.Validate(); err != nil {
		e := err.(*Error) //nolint:errorlint,forcetypeassert // Validate has no other
		key := strings.ReplaceAll(strings.TrimPrefix(e.Setting, "--"), "-", "_")
		return f.wrong(fmt.Sprintf("%s %q: %s", key, e.Value, keyed(e.Problem)), e.Hint, "sources", name, "pull", key)
	}
	return nil
}

// keyed writes flags as keys of the file.
func keyed(text string) string {
	return strings.NewReplacer("--passcode-file", "passcode_file", "--endpoint", "endpoint").Replace(text)
}

// ParseDay reads a day: 2026-10-01, 20261001, today, yesterday, or 7d for that many days ago. The second result is how many days
// before today it is, -1 for a date; ok is false for anything else.
func ParseDay(word string) (date time.Time, ago int, ok bool) {
	switch word {
	case "today":
		return date, 0, true
	case "yesterday":
		return date, 1, true
	}
	if days, found := strings.CutSuffix(word, "d"); found {
		n, err := strconv.Atoi(days)
		return date, n, err == nil && n >= 0 && n <= 3660
	}
	for _, layout := range []string{time.DateOnly, "20060102"} {
		if t, err := time.Parse(layout, word); err == nil {
			return t, -1, true
		}
	}
	return date, 0, false
}
