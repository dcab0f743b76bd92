package gen

import (
	"fmt"
	"strings"
	"time"

	"github.com/tapline/tapline/schema"
)

// Kind is a kind of file.
type Kind string

// The kinds of files. CSV files get a header with the union of all columns that their records use.
const (
	Segment        Kind = "segment"       // a Segment track call a line
	SegmentCSV     Kind = "segment-csv"   // the same as CSV: event, userId, prop:<name> ...
	CleverTap      Kind = "clevertap"     // CleverTap's JSON export, an event a line
	CleverTapCSV   Kind = "clevertap-csv" // CleverTap's CSV export
	defaultEvents       = 1000
	maxWideColumns      = 1000 // so that a line that fills them all stays below 32 KiB
)

// Options say what to make. The zero value makes 1,000 Segment lines.
type Options struct {
	// Seed chooses one of many worlds; the same seed gives the same bytes.
	Seed uint64
	// Events is the number of records, bad and repeated ones counted. Defaults to 1,000.
	Events int64
	// Kind defaults to Segment.
	Kind Kind
	// From and To bound the events' times. They default to January 2026 in the zone of TimeZone.
	From, To time.Time
	// TimeZone is the CleverTap project's: its exports have local times. Defaults to Asia/Kolkata.
	TimeZone *time.Location
	// Users is the size of the population. Defaults to an eighth of Events, at least 40 and at most 20,000.
	Users int
	// Custom is how many of a hundred scenes are shopping trips, which are custom events (Product Viewed, Charged ...).
	// 0 makes system events only, 100 custom events only.
	Custom int
	// Only keeps the events of that name and drops all others; empty keeps all.
	Only string
	// Hostile makes every n-th record a bad or an odd one; 0 none.
	Hostile int64
	// Duplicates makes every n-th record a repeat of an earlier one, byte for byte; 0 none. Segment's have the same
	// messageId, so they are duplicates. CleverTap's have no id: within one file they are twins, which are kept (rule 25).
	Duplicates int64
	// Tables, if not 0, makes no realistic events but those of that many tables ("Wide Event 1" ...), each with Columns
	// properties, of which every line fills Fill in turn. Only for Kind Segment. Columns defaults to 25, Fill to Columns.
	Tables, Columns, Fill int
}

// Stats say what was made, and what a loader must report of it when it loads the output once, from the start.
type Stats struct {
	// Records is the number of records that a loader accepts: all but blank lines and the header.
	Records, Bytes int64
	// Rows is how many rows each event's table gets, by the event's name as sent.
	Rows map[string]int64
	// Repeats is how many records have a messageId that was there before.
	Repeats int64
	// Quarantined is how many records end in quarantine, Discarded how many values end in discards.
	Quarantined, Discarded map[schema.Reason]int64
}

// Total returns the number of rows of all tables.
func (s *Stats) Total() int64 {
	var n int64
	for _, rows := range s.Rows {
		n += rows
	}
	return n
}

// withDefaults returns o with the defaults filled in, or says which options contradict each other.
func (o Options) withDefaults() (Options, error) {
	if o.Events == 0 {
		o.Events = defaultEvents
	}
	if o.Kind == "" {
		o.Kind = Segment
	}
	if o.TimeZone == nil {
		zone, err := time.LoadLocation("Asia/Kolkata")
		if err != nil {
			return o, fmt.Errorf("load default time zone: %w", err)
		}
		o.TimeZone = zone
	}
	if o.From.IsZero() {
		o.From = time.Date(2026, 1, 1, 0, 0, 0, 0, o.TimeZone)
	}
	if o.To.IsZero() {
		o.To = o.From.AddDate(0, 1, 0)
	}
	if o.Users == 0 {
		o.Users = int(min(max(o.Events/8, 40), 20_000))
	}
	if o.Tables > 0 && o.Columns == 0 {
		o.Columns = 25
	}
	if o.Fill == 0 || o.Fill > o.Columns {
		o.Fill = o.Columns
	}
	return o, o.check()
}

func (o *Options) check() error {
	switch o.Kind {
	case Segment, SegmentCSV, CleverTap, CleverTapCSV:
	default:
		return fmt.Errorf("unknown kind %q: use %s, %s, %s or %s", o.Kind, Segment, SegmentCSV, CleverTap, CleverTapCSV)
	}
	switch {
	case o.Events < 0, o.Users < 0, o.Hostile < 0, o.Duplicates < 0, o.Tables < 0, o.Columns < 0, o.Fill < 0:
		return fmt.Errorf("a count is negative")
	case o.To.Sub(o.From) < time.Hour:
		return fmt.Errorf("times from %s to %s are less than an hour", o.From, o.To)
	case o.Custom < 0 || o.Custom > 100:
		return fmt.Errorf("custom events per cent: %d is not from 0 to 100", o.Custom)
	case o.Tables > 0 && o.Kind != Segment:
		return fmt.Errorf("wide tables are made as kind %q only", Segment)
	case o.Tables > 0 && (o.Hostile > 0 || o.Only != ""):
		return fmt.Errorf("wide tables go with neither hostile records nor a single event")
	case o.Columns > maxWideColumns:
		return fmt.Errorf("%d columns: a line would be too long beyond %d", o.Columns, maxWideColumns)
	}
	return o.checkOnly()
}

// checkOnly refuses an event that would never come: Write would look for it for ever.
func (o *Options) checkOnly() error {
	if o.Only == "" {
		return nil
	}
	for e := range numEvents {
		if eventNames[e] != o.Only {
			continue
		}
		if e >= firstCustom && o.Custom == 0 || e < firstCustom && o.Custom == 100 {
			return fmt.Errorf("event %q does not happen when %d %% of the scenes are custom", o.Only, o.Custom)
		}
		return nil
	}
	return fmt.Errorf("unknown event %q: use one of %s", o.Only, strings.Join(eventNames[:], ", "))
}
