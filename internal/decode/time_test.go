package decode_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		number bool
		want   string
	}{
		{"2026-01-15T10:00:00Z", false, "2026-01-15T10:00:00Z"},
		{"2026-1-5t10:00:00.1234567z", false, "2026-01-05T10:00:00.123456Z"},
		{"2026-01-15 10:00:00,5-05:30", false, "2026-01-15T15:30:00.5Z"},
		{"2026-01-15T10:00:00+2359", false, "2026-01-14T10:01:00Z"},
		{"1969-12-31T23:59:59.5Z", false, "1969-12-31T23:59:59.5Z"},
		{"2000-02-29", false, "2000-02-29T00:00:00Z"},
		{"1768471200", true, "2026-01-15T10:00:00Z"},
		{"1768471200.1234567", true, "2026-01-15T10:00:00.123456Z"},
		{"1768471200.5", false, "2026-01-15T10:00:00.5Z"},
		{"1768471200123", false, "2026-01-15T10:00:00.123Z"},
		{"", false, ""},
		{"1900-02-29", false, ""},
		{"2026-04-31", false, ""},
		{"2026-00-10", false, ""},
		{"2026-01-00", false, ""},
		{"2026-01-15T", false, ""},
		{"2026-01-15T10:00", false, ""},
		{"2026-01-15T10:00Z", false, ""},
		{"2026-01-15T1:00:00Z", false, ""},
		{"2026-01-15T10:60:00Z", false, ""},
		{"2026-01-15T10:00:00.Z", false, ""},
		{"2026-01-15T10:00:00+24:00", false, ""},
		{"2026-01-15T10:00:00+10:60", false, ""},
		{"2026-01-15T10:00:00+1:00", false, ""},
		{"2026-01-15T10:00:00 Z", false, ""},
		{"2026-01-15T10:00:00ZZ", false, ""},
		{"2026-001-15", false, ""},
		{"26-01-15", false, ""},
		{"20260115", false, ""},
		{"1768471200.", false, ""},
		{"1768471200,5", false, ""},
		{"17684712001", false, ""},
		{"17684712e2", true, ""},
		{"2026", true, ""},
		{"-1768471200", true, ""},
		{"yesterday", false, ""},
	} {
		at, ok := decode.ParseTime([]byte(c.text), c.number)
		if got := instant(at); got != c.want || ok != (c.want != "") {
			t.Errorf("ParseTime(%q, %t) = %q, %t; want %q", c.text, c.number, got, ok, c.want)
		}
	}
}

// Whatever time.Parse accepts as RFC 3339 is the same instant here.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"2026-01-15T10:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999999-00:01", "2024-02-29T00:00:00Z",
		"1768471200", "2026-1-5", "0000-02-29T00:00:00Z", "0000-01-01T00:00:00+24:00", "2026-01-15T10:00:00+10:60",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := decode.ParseTime([]byte(s), false)
		want, err := time.Parse(time.RFC3339Nano, s)
		if err == nil && len(s) >= 20 && s[13] == ':' && realOffset(s) { // Go accepts an hour of one digit
			if !ok || int64(got) != want.Truncate(time.Microsecond).UnixMicro() {
				t.Errorf("%q is %d, %t; want %d", s, got, ok, want.UnixMicro())
			}
		}
	})
}

// realOffset reports whether the offset s ends with is one that RFC 3339 has; Go accepts +24:00 and +10:60 too.
func realOffset(s string) bool {
	if strings.HasSuffix(s, "Z") {
		return true
	}
	offset := s[len(s)-5:]
	return offset[:2] < "24" && offset[3:] < "60"
}

func TestCallTimes(t *testing.T) {
	t.Parallel()
	const ten, eleven, twelve, noon5 = "2026-01-15T10:00:00Z", "2026-01-15T11:00:00Z", "2026-01-15T12:00:00Z", "2026-01-15T12:05:00Z"
	for _, c := range []struct {
		name, keys         string
		original, at, sent string
		discards           []string
		arrival            schema.Micros
	}{
		{"none", ``, "", "", "", []string{}, 0},
		{"one", `,"timestamp":"` + ten + `"`, ten, ten, "", []string{}, 0},
		{"null", `,"timestamp":null,"sentAt":null`, "", "", "", []string{}, 0},
		{"not received", `,"timestamp":"` + ten + `","sentAt":"` + eleven + `"`, ten, ten, eleven, []string{}, 0},
		{
			"corrected", `,"timestamp":"` + ten + `","sentAt":"` + eleven + `","receivedAt":"` + noon5 + `"`,
			ten, "2026-01-15T11:05:00Z", eleven,
			[]string{},
			0,
		},
		{
			"door", `,"originalTimestamp":"` + ten + `","sentAt":"` + eleven + `"`,
			ten, twelve, eleven,
			[]string{},
			1_768_482_000_000_000,
		},
		{
			"own timestamp", `,"timestamp":"` + twelve + `","originalTimestamp":"` + ten + `","sentAt":"` + eleven + `","receivedAt":"` + noon5 + `"`,
			ten, twelve, eleven,
			[]string{},
			0,
		},
		{
			"bad own timestamp", `,"timestamp":"x","originalTimestamp":"` + ten + `"`,
			ten, ten, "",
			[]string{`timestamp="x" invalid_timestamp`},
			0,
		},
		{
			"bad original", `,"timestamp":"` + ten + `","originalTimestamp":{}`,
			"", ten, "",
			[]string{`original_timestamp={} invalid_timestamp`},
			0,
		},
		{
			"all bad", `,"timestamp":true,"sentAt":"","receivedAt":5`, "", "", "",
			[]string{`sent_at="" invalid_timestamp`, `received_at=5 invalid_timestamp`, `original_timestamp=true invalid_timestamp`},
			0,
		},
	} {
		opt := options(decode.Segment)
		opt.Arrival = c.arrival
		ev := one(t, newWith(t, opt), `{"type":"track","event":"E","userId":"u"`+c.keys+`}`)
		got := []string{instant(ev.OriginalTimestamp), instant(ev.Timestamp), instant(ev.SentAt)}
		if diff := cmp.Diff([]string{c.original, c.at, c.sent}, got); diff != "" {
			t.Errorf("%s: instants (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.discards, discards(ev.Discards)); diff != "" {
			t.Errorf("%s: discards (-want +got):\n%s", c.name, diff)
		}
	}
}
