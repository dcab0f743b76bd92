// Package schedule says when something is due: a cron expression, or an interval, in a time zone. It is pure: instants go
// in, instants come out, and it looks at no clock.
//
// The expressions are read by robfig/cron; where the clocks change, its own answers are not wanted: it leaves out a job of
// 02:30 on the day that has no 02:30, and runs it twice on the day that has two.
package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule is when something is due. The zero value is not usable. It may be used by several goroutines.
type Schedule struct {
	text  string
	zone  *time.Location
	every time.Duration      // of @every; 0 for an expression
	cron  *cron.SpecSchedule // on a clock without time zone; nil for @every
	often bool               // every hour of the day: it goes by elapsed time
}

// allHours are the bits of an hour field that leaves out no hour.
const allHours = 1<<24 - 1

// Parse reads a cron expression of five fields (minute, hour, day of month, month, day of week; names and @daily and its
// like are understood), or "@every 90m", which is due at the multiples of its length since 1970.
func Parse(text string, zone *time.Location) (*Schedule, error) {
	s := &Schedule{text: strings.Join(strings.Fields(text), " "), zone: zone}
	if strings.Contains(text, "TZ=") {
		return nil, errors.New("the time zone is a setting of its own, timezone")
	}
	if length, found := strings.CutPrefix(s.text, "@every "); found {
		every, err := time.ParseDuration(length)
		if err != nil || every < time.Second || every%time.Second != 0 {
			return nil, fmt.Errorf("%q is no interval of whole seconds, such as @every 90m", s.text)
		}
		s.every = every
		return s, nil
	}
	if fields := strings.Fields(text); len(fields) != 5 && !strings.HasPrefix(s.text, "@") {
		return nil, fmt.Errorf("%d fields, not 5: minute, hour, day of month, month, day of week, such as \"30 2 * * *\"", len(fields))
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor).Parse(s.text)
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q is no cron expression", s.text)
	}
	spec.Location = time.UTC
	s.cron, s.often = spec, spec.Hour&allHours == allHours
	if s.cron.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("there is no such day")
	}
	return s, nil
}

// String returns the expression and its zone.
func (s *Schedule) String() string {
	if s.every > 0 {
		return s.text
	}
	return s.text + " " + s.zone.String()
}

// Zone is the time zone.
func (s *Schedule) Zone() *time.Location { return s.zone }

// slack is more than clocks were ever changed by: Samoa has once left out a day.
const slack = 26 * time.Hour

// Next returns the first instant after another at which something is due.
//
// Where clocks are changed: what is due in every hour of the day goes by elapsed time. Anything else is due once a day
// also then: at a local time that does not exist, as much later as the clocks go forward, and at one that exists twice,
// the first time.
func (s *Schedule) Next(after time.Time) time.Time {
	if s.every > 0 {
		return s.nextMultiple(after)
	}
	from := s.civil(after)
	if s.changes(after, after.Add(slack)) {
		from = from.Add(-slack) // a local time that is past comes again
	}
	var best time.Time
	for c := s.cron.Next(from.Add(-time.Second)); !c.IsZero() && !s.beyond(c, best); c = s.cron.Next(c) {
		for _, at := range s.instants(c) {
			if at.After(after) && (best.IsZero() || at.Before(best)) {
				best = at
			}
		}
	}
	return best
}

func (s *Schedule) nextMultiple(after time.Time) time.Time {
	length := int64(s.every / time.Second)
	return time.Unix((after.Unix()/length+1)*length, 0).In(s.zone)
}

// beyond reports whether no local time from c on can be an earlier instant than best.
func (s *Schedule) beyond(c, best time.Time) bool {
	if best.IsZero() {
		return false
	}
	end := s.civil(best)
	if s.changes(best.Add(-slack), best.Add(slack)) {
		end = end.Add(slack)
	}
	return c.After(end)
}

// Last returns the last instant at which something was due, after one and not after another, and how many there were
// before it, at most maxMissed. It is the zero time if there was none.
func (s *Schedule) Last(after, until time.Time) (last time.Time, before int) {
	for _, back := range []time.Duration{time.Hour, 25 * time.Hour, 32 * 24 * time.Hour, 400 * 24 * time.Hour, 9 * 366 * 24 * time.Hour} {
		from := until.Add(-back)
		if from.Before(after) {
			from = after
		}
		for at := s.Next(from); !at.IsZero() && !at.After(until); at = s.Next(at) {
			last = at
		}
		if !last.IsZero() || !from.After(after) {
			break
		}
	}
	if last.IsZero() {
		return last, 0
	}
	for at := s.Next(after); at.Before(last) && before < maxMissed; at = s.Next(at) {
		before++
	}
	return last, before
}

// maxMissed is how many instants are counted at most.
const maxMissed = 1000

// changes reports whether the zone's clocks show another offset at the second of two instants.
func (s *Schedule) changes(a, b time.Time) bool { return s.offset(a) != s.offset(b) }

func (s *Schedule) offset(t time.Time) time.Duration {
	_, seconds := t.In(s.zone).Zone()
	return time.Duration(seconds) * time.Second
}

// civil is what clocks show at an instant, as if they were UTC's.
func (s *Schedule) civil(t time.Time) time.Time { return t.UTC().Add(s.offset(t)) }

// instants returns when clocks show a local time at which something is due.
func (s *Schedule) instants(c time.Time) []time.Time {
	var out []time.Time
	for _, near := range []time.Duration{-slack, 0, slack} {
		at := c.Add(-s.offset(c.Add(near)))
		if s.civil(at).Equal(c) && !slices.ContainsFunc(out, at.Equal) {
			out = append(out, at.In(s.zone))
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	switch {
	case s.often:
		return out
	case len(out) == 0:
		return []time.Time{c.Add(-s.offset(c.Add(-slack))).In(s.zone)}
	}
	return out[:1]
}
