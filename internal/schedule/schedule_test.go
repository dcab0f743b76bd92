package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tapline/tapline/internal/schedule"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func parse(t testing.TB, text, zoneName string) *schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(text, zone(t, zoneName))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The days on which clocks are changed, in zones that do it at different hours and by different amounts.
func TestClocksAreChanged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, expr, zone, after, want string }{
		{
			"a local time that does not exist is as much later", "30 2 * * *", "America/New_York", "2026-03-07T12:00:00-05:00",
			"2026-03-08T03:30:00-04:00 2026-03-09T02:30:00-04:00",
		},
		{
			"one that exists twice is due the first time", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00-04:00",
			"2026-11-01T01:30:00-04:00 2026-11-02T01:30:00-05:00",
		},
		{"asked for between the two", "30 1 * * *", "America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
		{
			"every hour goes by elapsed time in autumn", "0 * * * *", "Europe/Berlin", "2026-10-25T01:30:00+02:00",
			"2026-10-25T02:00:00+02:00 2026-10-25T02:00:00+01:00 2026-10-25T03:00:00+01:00",
		},
		{
			"and in spring", "0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00+01:00",
			"2026-03-29T01:00:00+01:00 2026-03-29T03:00:00+02:00",
		},
		{
			"quarters of the second hour", "*/15 * * * *", "Europe/Berlin", "2026-10-25T02:40:00+02:00",
			"2026-10-25T02:45:00+02:00 2026-10-25T02:00:00+01:00 2026-10-25T02:15:00+01:00",
		},
		{
			"every second hour", "0 */2 * * *", "Europe/Berlin", "2026-03-29T00:30:00+01:00",
			"2026-03-29T03:00:00+02:00 2026-03-29T04:00:00+02:00",
		},
		{
			"what is moved does not pass what is not", "0,30 2-3 * * *", "America/New_York", "2026-03-08T01:00:00-05:00",
			"2026-03-08T03:00:00-04:00 2026-03-08T03:30:00-04:00 2026-03-09T02:00:00-04:00",
		},
		{
			"half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30",
			"2026-10-04T02:45:00+11:00 2026-10-05T02:15:00+11:00",
		},
		{
			"half an hour back", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00+11:00",
			"2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30",
		},
		{
			"midnight does not exist", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00-04:00",
			"2026-09-06T01:00:00-03:00 2026-09-07T00:00:00-03:00",
		},
		{
			"a whole day does not exist", "0 9 * * *", "Pacific/Apia", "2011-12-29T08:00:00-10:00",
			"2011-12-29T09:00:00-10:00 2011-12-31T09:00:00+14:00 2012-01-01T09:00:00+14:00",
		},
		{
			"no change at all", "0 9 * * 1-5", "Asia/Kolkata", "2026-11-20T12:00:00+05:30",
			"2026-11-23T09:00:00+05:30 2026-11-24T09:00:00+05:30",
		},
		{
			"names, and days of month or week", "0 0 13 * fri", "UTC", "2026-11-01T00:00:00Z",
			"2026-11-06T00:00:00Z 2026-11-13T00:00:00Z 2026-11-20T00:00:00Z",
		},
		{"a leap day", "0 0 29 2 *", "UTC", "2026-11-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"a macro", "@daily", "Asia/Tokyo", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00+09:00"},
		{"multiples", "@every 90m", "UTC", "2026-11-01T01:00:00Z", "2026-11-01T01:30:00Z 2026-11-01T03:00:00Z"},
	} {
		s := parse(t, test.expr, test.zone)
		var got []string
		from := at(t, test.after)
		for range strings.Fields(test.want) {
			from = s.Next(from)
			got = append(got, from.Format(time.RFC3339))
		}
		if diff := cmp.Diff(strings.Fields(test.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "0 fields, not 5", "* * * *": "4 fields, not 5", "* * * * * *": "6 fields, not 5", "61 * * * *": "61",
		"0 0 30 2 *": "no such day", "TZ=UTC * * * * *": "a setting of its own", "CRON_TZ=": "a setting of its own",
		"@every 1x": "no interval", "@every 100ms": "no interval", "@every 1.5s": "no interval", "@dayly": "@dayly", "a b c d e": "a",
	} {
		if _, err := schedule.Parse(text, time.UTC); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	if got := parse(t, " 0  2 * * * ", "Asia/Kolkata").String(); got != "0 2 * * * Asia/Kolkata" {
		t.Errorf("got %q", got)
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expr, after, until, want string
		before                   int
	}{
		{"0 2 * * *", "2026-11-01T02:00:00Z", "2026-11-02T01:59:59Z", "", 0},
		{"0 2 * * *", "2026-11-01T02:00:00Z", "2026-11-02T02:00:00Z", "2026-11-02T02:00:00Z", 0},
		{"0 2 * * *", "2026-11-01T02:00:00Z", "2026-11-09T12:00:00Z", "2026-11-09T02:00:00Z", 7},
		{"* * * * *", "2016-11-01T02:00:00Z", "2026-11-09T12:00:30Z", "2026-11-09T12:00:00Z", 1000},
		{"0 0 1 1 *", "2016-11-01T02:00:00Z", "2026-11-09T12:00:30Z", "2026-01-01T00:00:00Z", 9},
		{"0 0 29 2 *", "2016-11-01T02:00:00Z", "2027-11-09T12:00:30Z", "2024-02-29T00:00:00Z", 1},
	} {
		got, before := parse(t, test.expr, "UTC").Last(at(t, test.after), at(t, test.until))
		text := ""
		if !got.IsZero() {
			text = got.UTC().Format(time.RFC3339)
		}
		if text != test.want || before != test.before {
			t.Errorf("%+v: got %s and %d before", test, text, before)
		}
	}
}

// In any zone, at any time: what is due comes later, is found from every instant before it, and a daily job is due once
// each local day that there is.
func TestNextIsTheFirst(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "Africa/Casablanca", "Pacific/Apia"}
	exprs := []string{"30 2 * * *", "0 0 * * *", "*/20 * * * *", "15 1,3 * * *", "0 */3 * * *", "45 23 * * 0", "59 * * * *"}
	rapid.Check(t, func(r *rapid.T) {
		s := parse(t, rapid.SampledFrom(exprs).Draw(r, "expr"), rapid.SampledFrom(zones).Draw(r, "zone"))
		from := time.Unix(rapid.Int64Range(1_300_000_000, 1_900_000_000).Draw(r, "from"), 0)
		next := s.Next(from)
		if !next.After(from) {
			r.Fatalf("%s: %s is not after %s", s, next, from)
		}
		between := from.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(from)-1)).Draw(r, "between")))
		if got := s.Next(between); !got.Equal(next) {
			r.Fatalf("%s: after %s comes %s, but after %s, later, %s", s, from, next, between, got)
		}
	})
}
