package loader

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Status is how a unit ended.
type Status string

// How units end.
const (
	Finished Status = "finished" // committed, with all its rows
	Skipped  Status = "skipped"  // was loaded before
	Failed   Status = "failed"   // cannot be loaded; nothing of it is visible
	// Interrupted is a unit that was rolled back because the Load ended: it was cancelled, or lost its database. Nothing of
	// the unit is visible and the next Load loads it.
	Interrupted Status = "interrupted"
)

// Counts are sums over the records of a unit, or of several.
type Counts struct {
	// Accepted = Loaded + Quarantined + Duplicates. Filtered records, left out by Config.Filter, are none of these.
	Accepted, Loaded, Quarantined, Duplicates, Filtered int64
	// Discarded is how many single values went to _discards.
	Discarded int64
	// Bytes is how much was read, before decompression.
	Bytes int64
}

func (c *Counts) add(o Counts) {
	c.Accepted += o.Accepted
	c.Loaded += o.Loaded
	c.Quarantined += o.Quarantined
	c.Duplicates += o.Duplicates
	c.Filtered += o.Filtered
	c.Discarded += o.Discarded
	c.Bytes += o.Bytes
}

// TableReport is what happened to one table.
type TableReport struct {
	Loaded, Duplicates, Discarded int64
	New                           bool     // the table was made for these events
	NewColumns                    []string // columns that were added to a table that was there
	Widened                       []string // columns that became wider
}

// UnitReport is what became of one unit.
type UnitReport struct {
	Unit   string
	Status Status
	// Load is the key of its row in _loads; zero for a unit without one: skipped, interrupted, or not to be opened at all.
	Load uuid.UUID
	Counts
	// Err is why it failed. It names the unit.
	Err error
}

// Report is what a Load did.
type Report struct {
	Schema string
	Counts
	// Units are all units of the source; with Config.Ended only those that failed.
	Units      []UnitReport
	Tables     map[string]*TableReport
	Quarantine map[schema.Reason]int64
	Discards   map[schema.Reason]int64
	// Refused counts, of a replay, records that go on waiting in quarantine. They are none of Counts.
	Refused map[schema.Reason]int64
	Notes   source.Notes
	// Blocked are the columns, as table and column, in name order, that met numbers they have to be widened for by hand.
	Blocked [][2]string
	// Indexes says what became of those of Config.Indexes. None of them fails a Load.
	Indexes []migrations.IndexResult
	// Plan is the SQL that a dry run would have applied.
	Plan     string
	Duration time.Duration
	// Committed is when the last transaction was committed.
	Committed time.Time

	// Statuses counts the units by what became of them. Nil if Units has them all.
	Statuses map[Status]int
}

func newReport(schemaName string) *Report {
	return &Report{
		Schema: schemaName, Tables: map[string]*TableReport{},
		Quarantine: map[schema.Reason]int64{}, Discards: map[schema.Reason]int64{}, Refused: map[schema.Reason]int64{},
	}
}

func (r *Report) count(s Status) (n int) {
	if r.Statuses != nil {
		return r.Statuses[s]
	}
	for i := range r.Units {
		if r.Units[i].Status == s {
			n++
		}
	}
	return n
}

// FinishedUnits is how many units were loaded by this Load.
func (r *Report) FinishedUnits() int { return r.count(Finished) }

// FailedUnits is how many units failed.
func (r *Report) FailedUnits() int { return r.count(Failed) }

// SkippedUnits is how many units had been loaded before.
func (r *Report) SkippedUnits() int { return r.count(Skipped) }

func (r *Report) table(name string) *TableReport {
	t := r.Tables[name]
	if t == nil {
		t = &TableReport{}
		r.Tables[name] = t
	}
	return t
}

// merge adds what one committed unit did.
func (r *Report) merge(u *Report) {
	r.Counts.add(u.Counts)
	for name, t := range u.Tables {
		sum := r.table(name)
		sum.Loaded += t.Loaded
		sum.Duplicates += t.Duplicates
		sum.Discarded += t.Discarded
	}
	for k, n := range u.Quarantine {
		r.Quarantine[k] += n
	}
	for k, n := range u.Discards {
		r.Discards[k] += n
	}
	for k, n := range u.Refused {
		r.Refused[k] += n
	}
	r.note(u.Notes)
}

func (r *Report) note(n source.Notes) {
	r.Notes.AmbiguousHours += n.AmbiguousHours
	r.Notes.MissingHours += n.MissingHours
	r.Notes.Future += n.Future
	if n.TimeZone != "" {
		r.Notes.TimeZone = n.TimeZone
	}
}

// block adds columns to Blocked.
func (r *Report) block(columns [][2]string) {
	r.Blocked = append(r.Blocked, columns...)
	slices.SortFunc(r.Blocked, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	r.Blocked = slices.Compact(r.Blocked)
}

// evolved records what a migration changed.
func (r *Report) evolved(d schema.Diff) {
	for i := range d.Tables {
		r.table(d.Tables[i].Name).New = true
	}
	for _, a := range d.Columns {
		t := r.table(a.Table)
		t.NewColumns = append(t.NewColumns, a.Column.Name)
	}
	for _, w := range d.Widen {
		t := r.table(w.Table)
		t.Widened = append(t.Widened, w.Column)
	}
}
