package schema_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tapline/tapline/schema"
)

// TestInstantsAgainstTime writes instants of all years in all ways of RFC 3339 and reads them again.
func TestInstantsAgainstTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// From year 0 to 9999, and far enough from both that an offset does not leave them.
		at := time.Unix(rapid.Int64Range(-62167132800, 253402214400).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		offset := rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "offset")
		layout := rapid.SampledFrom([]string{
			time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000000000Z07:00", "2006-01-02T15:04:05.000-07:00",
		}).Draw(t, "layout")
		text := at.In(time.FixedZone("", offset*60)).Format(layout)
		if rapid.Bool().Draw(t, "lower case") {
			text = strings.ToLower(text)
		}
		agree(t, text)
		if _, ok := schema.ParseRFC3339([]byte(text)); !ok {
			t.Fatalf("%s is not read", text)
		}
	})
}

// canonical is the form that has to be read; package time reads more than the RFC allows.
var canonical = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// agree fails if ParseRFC3339 and package time do not agree on what instant text is, or whether it is one.
func agree(t interface{ Fatalf(string, ...any) }, text string) {
	upper := strings.ToUpper(text)
	got, ok := schema.ParseRFC3339([]byte(text))
	want, err := time.Parse(time.RFC3339Nano, upper)
	switch {
	case ok && (err != nil || want.UnixMicro() != int64(got)):
		t.Fatalf("%q is %d, want %v (%v)", text, got, want, err)
	case !ok && err == nil && canonical.MatchString(upper):
		t.Fatalf("%q is refused, want %v", text, want)
	}
}

func FuzzParseRFC3339(f *testing.F) {
	for _, s := range []string{
		"2026-01-15T10:00:00Z", "2024-02-29t23:59:59.999999999z", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-00:00",
		"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-01-15T24:00:00Z", "2026-01-15T23:59:60Z", "2026-01-15T10:00:00.Z",
		"2026-01-15T10:00:00,5Z", "2026-01-15 10:00:00Z", "2026-01-15T10:00:00+0530", "2026-01-15T10:00:00+24:00", "2026-13-01T00:00:00Z",
		"2026-01-15T10:00:00", "2026-01-15", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "20२६-01-15T10:00:00Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { agree(t, s) })
}

func TestOnlyFullRFC3339IsATime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"2024-02-29T00:00:00Z": true, "2000-02-29T00:00:00+05:30": true, "2026-01-15t10:00:00.1234567z": true,
		"2023-02-29T00:00:00Z": false, "1900-02-29T00:00:00Z": false, "2026-04-31T00:00:00Z": false,
		"2026-01-15T24:00:00Z": false, "2026-01-15T10:00:60Z": false, "2026-01-15T10:00:00": false,
		"2026-01-15 10:00:00Z": false, "2026-01-15T10:00:00+0530": false, "2026-01-15T10:00:00.Z": false,
		"2026-01-15T10:00:00,5Z": false, "2026-01-15": false, "": false, "2026-01-15T10:00:00+05:60": false,
	} {
		if _, ok := schema.ParseRFC3339([]byte(text)); ok != want {
			t.Errorf("%q is a time: %t, want %t", text, ok, want)
		}
	}
	if m, _ := schema.ParseRFC3339([]byte("1969-12-31T23:59:59.9999999Z")); m != -1 {
		t.Errorf("a fraction before 1970 is cut to %d, want -1", m)
	}
}
