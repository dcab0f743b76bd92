package clevertap

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Day is a calendar day, whatever the time zone.
type Day struct {
	Year  int
	Month time.Month
	Date  int
}

// DayOf returns the day that t's clock shows.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day{y, m, d}
}

// String returns the day as 2026-10-01.
func (d Day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Date) }

// Number returns the day as the API has it, 20261001.
func (d Day) Number() int { return d.Year*10_000 + int(d.Month)*100 + d.Date }

// Add returns the day n days later.
func (d Day) Add(n int) Day {
	return DayOf(time.Date(d.Year, d.Month, d.Date+n, 12, 0, 0, 0, time.UTC))
}

// After reports whether d is later than o.
func (d Day) After(o Day) bool { return d.Number() > o.Number() }

// Start returns the instant at which the day begins in a time zone.
func (d Day) Start(in *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Date, 0, 0, 0, 0, in)
}

// Window is one event on one day of the project's time zone: a unit.
type Window struct {
	Event string // exactly as the account calls it
	Day   Day
}

// Name is the window as people know it.
func (w Window) Name() string { return w.Event + " " + w.Day.String() }

// Key identifies the window of an account in the ledger (rule 33).
func (w Window) Key(account string) string {
	return WindowPrefix(account) + w.Day.String() + ":" + w.Event
}

// WindowPrefix is how the keys of an account's windows begin. The day follows, as ten bytes.
func WindowPrefix(account string) string { return "clevertap:" + account + ":" }

// WindowOf returns the window of an account that has a key, if it is one.
func WindowOf(account, key string) (w Window, ok bool) {
	rest, found := strings.CutPrefix(key, WindowPrefix(account))
	day, event, cut := strings.Cut(rest, ":")
	at, err := time.Parse(time.DateOnly, day)
	return Window{event, DayOf(at)}, found && cut && err == nil
}

// Windows returns the windows of some events from one day to another, both included: day by day, so that all tables
// advance together.
func Windows(events []string, from, to Day) []Window {
	var out []Window
	for day := from; !day.After(to); day = day.Add(1) {
		for _, event := range events {
			out = append(out, Window{event, day})
		}
	}
	return out
}

// maxEventName is the longest name of an event, in bytes; CleverTap's limit is lower.
const maxEventName = 1024

// isEventName reports whether a name can be kept in the ledger and asked for: an account may have odd ones.
func isEventName(name string) bool {
	return name != "" && len(name) <= maxEventName && utf8.ValidString(name) && !strings.Contains(name, "\x00")
}

// CheckEventName refuses what no person means as an event's name.
func CheckEventName(name string) error {
	if !isEventName(name) || strings.TrimSpace(name) != name ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%q is no event's name", name)
	}
	return nil
}
