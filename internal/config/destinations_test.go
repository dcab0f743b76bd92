package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/config"
)

// A destination of the file, with everything that it can say.
func TestDestination(t *testing.T) {
	t.Parallel()
	f := parse(t, `
sources:
  Web Shop: {}
destinations:
  segment:
    write_key_file: keys/segment
    since: 2026-01-31
    sample: 0.25
    rate: 10
    hashed: email
    hash_key_secret: hash
    integrations: {All: false, Mixpanel: {token: abc, n: 2, tags: [a, null]}}
`)
	got, ok := f.Destination("segment")
	if !ok || got.Source != "Web Shop" || !strings.HasPrefix(got.KeyFrom, "file:/") || !strings.HasSuffix(got.KeyFrom, "/keys/segment") ||
		got.HashKeyFrom != "secret:hash" || !got.SinceTime.Equal(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)) || got.Sample != 0.25 || got.Rate != 10 {
		t.Errorf("got %+v", got)
	}
	want := map[string]any{"All": false, "Mixpanel": map[string]any{"token": "abc", "n": 2.0, "tags": []any{"a", nil}}}
	if diff := cmp.Diff(want, got.Integrations); diff != "" {
		t.Errorf("integrations (-want +got):\n%s", diff)
	}
	if _, ok := f.Destination("other"); ok {
		t.Error("there is one that nobody named")
	}
}

// What is wrong with a destination is told with its place, and never with what may be a key.
func TestDestinationErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"write_key: s3cr3t":                                   `unknown setting "write_key"`,
		"region: us":                                          "it is not named",
		"{write_key_env: K, write_key_file: /k}":              "it is named twice",
		"{write_key_env: K, hashed: [a]}":                     "the key of hashed properties of destination d: it is not named",
		"{write_key_env: K, since: yesterday}":                `since "yesterday": no time`,
		"{write_key_env: K, sample: 2}":                       "sample is 2",
		"{write_key_env: K, rate: -1}":                        "rate is -1",
		"{write_key_env: K, source: A, integrations: s3cr3t}": "integrations has no settings below it",
	} {
		if !strings.HasPrefix(text, "{") {
			text = "{" + text + "}"
		}
		_, err := config.ParseFile("f.yaml", []byte("sources: {A: {}}\ndestinations:\n  d: "+text))
		var wrong *config.FileError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) || wrong.Line != 3 || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	_, err := config.ParseFile("f.yaml", []byte("destinations: {d: {write_key_env: K}}"))
	if err == nil || !strings.Contains(err.Error(), "destination d has no source") {
		t.Errorf("without a source: %v", err)
	}
}
