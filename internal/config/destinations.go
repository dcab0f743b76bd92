package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Destination is what the file says of one place that rows of a source are forwarded to. Keys are never in the file, only
// where they are.
type Destination struct {
	Source         string   `yaml:"source" doc:"Nickname of the source. Defaults to the only one of this file."`
	Endpoint       string   `yaml:"endpoint" doc:"URL of a Tracking API. Defaults to Segment's of the region."`
	Region         string   `yaml:"region" doc:"Region of the endpoint, which has to be the source's: us, eu. Defaults to the source's, else us."`
	WriteKeyEnv    string   `yaml:"write_key_env" doc:"Environment variable that has the write key."`
	WriteKeyFile   string   `yaml:"write_key_file" doc:"Or the file that has it."`
	WriteKeySecret string   `yaml:"write_key_secret" doc:"Or the name of a secret that systemd or the container has it in."`
	Events         []string `yaml:"events" doc:"The only events that are sent. Defaults to all."`
	NotEvents      []string `yaml:"not_events" doc:"Events that are not sent."`
	Since          string   `yaml:"since" doc:"Send nothing that happened earlier: a date, or a time with its zone."`
	// Sample is between 0 and 1; 0 means all.
	Sample        float64  `yaml:"sample" doc:"Share of the users whose events are sent, such as 0.1. Defaults to all."`
	Properties    []string `yaml:"properties" doc:"The only properties and traits that are sent. Defaults to all."`
	NotProperties []string `yaml:"not_properties" doc:"Properties, and context.NAME, that are not sent."`
	Hashed        []string `yaml:"hashed" doc:"Properties, and context.NAME, that are sent as their HMAC-SHA-256."`
	HashKeyEnv    string   `yaml:"hash_key_env" doc:"Environment variable that has the key of that."`
	HashKeyFile   string   `yaml:"hash_key_file" doc:"Or the file that has it."`
	HashKeySecret string   `yaml:"hash_key_secret" doc:"Or the name of a secret."`
	// Integrations is sent with every message.
	Integrations map[string]any `yaml:"integrations" doc:"Sent with every message, such as {All: false, Mixpanel: true}."`
	Rate         float64        `yaml:"rate" doc:"The most events a second. Defaults to no limit."`
	AllowHTTP    bool           `yaml:"allow_http" doc:"Allow an endpoint without TLS. Defaults to false."`
	AllowPrivate bool           `yaml:"allow_private" doc:"Allow addresses of this machine and of private networks. Defaults to false."`
	FromNow      bool           `yaml:"from_now" doc:"When it is added, begin with the next load, not with the first. Defaults to false."`
}

// DestinationSettings are a Destination whose words have become values.
type DestinationSettings struct {
	Destination
	Name string
	// KeyFrom and HashKeyFrom are where the keys are: env:NAME, file:PATH or secret:NAME; HashKeyFrom may be empty.
	KeyFrom, HashKeyFrom string
	SinceTime            time.Time
}

// DestinationNames are the destinations that the file names, in order.
func (f *File) DestinationNames() []string { return slices.Sorted(maps.Keys(f.Destinations)) }

// Destination returns the settings of a destination of a file that was checked; false if there is none of that name.
func (f *File) Destination(name string) (DestinationSettings, bool) {
	d := f.Destinations[name]
	if d == nil {
		return DestinationSettings{}, false
	}
	s, _ := f.destination(name, d)
	return s, true
}

// checkDestinations returns what is wrong with destinations, one thing each. What only their own rules know, such as the
// form of an endpoint, is checked when they are written to the database.
func (f *File) checkDestinations() (wrong []error) {
	for _, name := range f.DestinationNames() {
		if _, err := f.destination(name, f.Destinations[name]); err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}

func (f *File) destination(name string, d *Destination) (s DestinationSettings, err error) {
	s = DestinationSettings{Destination: *d, Name: name}
	bad := func(key, problem, hint string) error { return f.wrong(problem, hint, "destinations", name, key) }
	if s.Source == "" && len(f.Sources) == 1 {
		s.Source = f.Nicknames()[0]
	}
	if s.Source == "" {
		return s, bad("source", "destination "+name+" has no source", "name the source whose rows it gets")
	}
	var problem string
	if s.KeyFrom, problem = f.reference(d.WriteKeyEnv, d.WriteKeyFile, d.WriteKeySecret); problem != "" {
		return s, bad("write_key_env", "the write key of destination "+name+": "+problem, "say where it is: write_key_env, write_key_file or write_key_secret")
	}
	if s.HashKeyFrom, problem = f.reference(d.HashKeyEnv, d.HashKeyFile, d.HashKeySecret); problem != "" && (problem != noReference || len(d.Hashed) > 0) {
		return s, bad("hashed", "the key of hashed properties of destination "+name+": "+problem, "say where it is: hash_key_env, hash_key_file or hash_key_secret")
	}
	if d.Since != "" {
		var ok bool
		if s.SinceTime, ok = ParseInstant(d.Since); !ok {
			return s, bad("since", fmt.Sprintf("since %q: no time", d.Since), InstantHint)
		}
	}
	if d.Sample < 0 || d.Sample > 1 || d.Sample != d.Sample {
		return s, bad("sample", fmt.Sprintf("sample is %v", d.Sample), "use a share between 0 and 1, such as 0.1")
	}
	if d.Rate < 0 || d.Rate != d.Rate {
		return s, bad("rate", fmt.Sprintf("rate is %v", d.Rate), "use a number of events a second, or leave it out")
	}
	return s, nil
}

const noReference = "it is not named"

// reference makes one reference of the settings that say where a key is.
func (f *File) reference(env, file, secret string) (reference, problem string) {
	given := 0
	for kind, name := range map[string]string{"env:": env, "file:": file, "secret:": secret} {
		if name == "" {
			continue
		}
		if given++; kind == "file:" && !filepath.IsAbs(name) {
			if path, err := filepath.Abs(filepath.Join(filepath.Dir(f.Path), name)); err == nil {
				name = path
			}
		}
		reference = kind + name
	}
	switch given {
	case 0:
		return "", noReference
	case 1:
		return reference, ""
	}
	return "", "it is named twice"
}

// InstantHint says what ParseInstant takes.
const InstantHint = "use a date, such as 2026-01-31, or a time with its zone, such as 2026-01-31T12:00:00Z"

// ParseInstant reads a date, which is its beginning in UTC, or a time of RFC 3339.
func ParseInstant(word string) (time.Time, bool) {
	word = strings.TrimSpace(word)
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if at, err := time.Parse(layout, word); err == nil && at.Year() > 0 {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}
