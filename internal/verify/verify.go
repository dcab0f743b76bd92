// Package verify compares what a source has with what is in Postgres: every record of the source has to be in its table or to
// wait in quarantine, under the id that loading it gives it, and a table has to have no other rows of the same days.
package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/schema"
)

// Options say what is compared. Pool, Schema, Source and Location are required.
type Options struct {
	Pool   *pgxpool.Pool
	Schema string
	Source source.Source
	// Location is the time zone of the days.
	Location *time.Location
	// From and To are the first and the last day, as 2026-10-01. Events of other days are left out. They default to all.
	From, To string
	// Events returns, once the source is read, the events of which it has told everything from From to To: rows of those days
	// that it does not have are a difference, but for windows that could not be read. Defaults to none.
	Events func() []string
	// Filter is what loads leave out. Defaults to nothing.
	Filter schema.Filter
	// TempDir is where counts of repeated records are spilled. Defaults to the system's folder.
	TempDir string
}

// Row is what was found of an event on a day.
type Row struct {
	Event string `json:"event"`
	Table string `json:"table"`
	// Day is empty for records whose time cannot be read.
	Day string `json:"day"`
	// Source is how many records the source has: Source = Rows + Quarantined + Duplicates + Missing.
	Source int64 `json:"source"`
	// Rows are in their table, Quarantined wait in quarantine; Duplicates have the id of a record before them.
	Rows        int64 `json:"rows"`
	Quarantined int64 `json:"quarantined"`
	Duplicates  int64 `json:"duplicates"`
	// Missing are neither. Extra are rows of the day that the source does not have.
	Missing int64 `json:"missing"`
	Extra   int64 `json:"extra"`
	// Samples are ids of some that are missing.
	Samples []string `json:"samples,omitempty"`
}

// Differs reports whether source and Postgres differ.
func (r *Row) Differs() bool { return r.Missing > 0 || r.Extra > 0 }

// Add adds the counts of another row.
func (r *Row) Add(o *Row) {
	r.Source += o.Source
	r.Rows += o.Rows
	r.Quarantined += o.Quarantined
	r.Duplicates += o.Duplicates
	r.Missing += o.Missing
	r.Extra += o.Extra
}

// Report is what was found.
type Report struct {
	// Rows are in the order of tables and days. One without a table is of records that cannot be read.
	Rows []Row
	// Filtered is how many records are not to be loaded.
	Filtered int64
	// Failed are the units that could not be read, so not compared.
	Failed []error
}

// Differences returns the rows that differ.
func (r *Report) Differences() (out []Row) {
	for i := range r.Rows {
		if r.Rows[i].Differs() {
			out = append(out, r.Rows[i])
		}
	}
	return out
}

// key is an event on a day.
type key struct{ table, day string }

// comparison is one Run.
type comparison struct {
	Options
	rows    map[key]*Row
	report  *Report
	paths   *schema.Paths
	seen    *occurrence.Counter // tables and ids
	nth     *occurrence.Counter // of the unit's records that cannot be read
	pending map[string][]record // by table
	waits   int                 // records in pending
	found   map[key]int64       // rows that the source has, by the day that Postgres has
	untold  map[key]bool        // windows that could not be read
}

// record is one that is to be looked for.
type record struct {
	id  string
	raw [32]byte // digest of its bytes
	day string
}

// maxPending is how many records of a table are looked for at once, maxWaiting how many of all tables wait for that.
const maxPending, maxWaiting = 4000, 100_000

// Run reads the whole source and compares. An error ends it; units that cannot be read do not.
func Run(ctx context.Context, o Options) (_ Report, err error) {
	c := &comparison{
		Options: o, rows: map[key]*Row{}, report: &Report{}, paths: schema.NewPaths(0), pending: map[string][]record{},
		found: map[key]int64{}, untold: map[key]bool{}, seen: occurrence.New(occurrence.Options{Dir: o.TempDir}), nth: occurrence.New(occurrence.Options{Dir: o.TempDir}),
	}
	defer func() { err = errors.Join(err, c.seen.Close(), c.nth.Close()) }()
	for u, err := range o.Source.Units(ctx) {
		if ctx.Err() != nil {
			return *c.report, context.Cause(ctx)
		}
		if err == nil {
			err = c.unit(ctx, u)
			if w, ok := u.(interface{ Release() }); ok { // its space on disk
				w.Release()
			}
		}
		var fatal *databaseError
		if errors.As(err, &fatal) || ctx.Err() != nil {
			return *c.report, err
		}
		if err != nil {
			c.failed(err)
		}
	}
	if ctx.Err() != nil {
		return *c.report, context.Cause(ctx)
	}
	if err := c.lookAll(ctx); err != nil {
		return *c.report, err
	}
	if err := c.extra(ctx); err != nil {
		return *c.report, err
	}
	c.sum()
	return *c.report, nil
}

// failed notes a unit that could not be read.
func (c *comparison) failed(err error) {
	c.report.Failed = append(c.report.Failed, err)
	var w *clevertap.WindowError
	if errors.As(err, &w) {
		c.untold[key{schema.TableOf(&schema.Event{Call: schema.Track, Name: []byte(w.Window.Event)}), w.Window.Day.String()}] = true
	}
}

// sum puts the rows in order.
func (c *comparison) sum() {
	for _, r := range c.rows {
		c.report.Rows = append(c.report.Rows, *r)
	}
	slices.SortFunc(c.report.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Day, b.Day))
	})
}

// databaseError is one that ends the Run.
type databaseError struct{ err error }

func (e *databaseError) Error() string { return e.err.Error() }
func (e *databaseError) Unwrap() error { return e.err }

// unit reads one unit.
func (c *comparison) unit(ctx context.Context, u source.Unit) (err error) {
	r, err := u.Open(ctx, c.paths)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := c.nth.Close(); err != nil { // it is empty again
		return err
	}
	var ev schema.Event
	for n := 0; ; n++ {
		if n&1023 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.Next(&ev); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := c.take(ctx, &ev); err != nil {
			return err
		}
	}
}

// take looks at one record.
func (c *comparison) take(ctx context.Context, ev *schema.Event) error {
	if ev.Reason != "" {
		return c.bad(ctx, ev)
	}
	table, day := schema.TableOf(ev), c.day(ev)
	switch {
	case c.Filter != nil && ev.Call == schema.Track && !c.Filter.Event(string(ev.Name), table):
		c.report.Filtered++
		return nil
	case day != "" && (c.From != "" && day < c.From || c.To != "" && day > c.To):
		return nil
	}
	row := c.row(key{table, day}, string(ev.Name))
	row.Source++
	n, err := c.seen.Next(sha256.Sum256(fmt.Appendf(nil, "%s\x00%s", table, ev.ID)))
	if err != nil {
		return err
	}
	if n > 1 {
		row.Duplicates++
		return nil
	}
	c.pending[table] = append(c.pending[table], record{string(ev.ID), ev.RawDigest(), day})
	c.waits++
	switch {
	case len(c.pending[table]) >= maxPending:
		return c.look(ctx, table)
	case c.waits >= maxWaiting:
		return c.lookAll(ctx)
	}
	return nil
}

// lookAll looks for all records that are pending.
func (c *comparison) lookAll(ctx context.Context) error {
	for table := range c.pending {
		if err := c.look(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// day is the local day of an event, empty if its time cannot be read.
func (c *comparison) day(ev *schema.Event) string {
	if ev.Timestamp == schema.NoTime {
		return ""
	}
	return time.UnixMicro(int64(ev.Timestamp)).In(c.Location).Format(time.DateOnly)
}

func (c *comparison) row(k key, event string) *Row {
	r := c.rows[k]
	if r == nil {
		if event == "" {
			event = k.table
		}
		r = &Row{Event: event, Table: k.table, Day: k.day}
		c.rows[k] = r
	}
	return r
}

// maxSamples is how many missing records of a day are named.
const maxSamples = 5

func (r *Row) missing(id string) {
	r.Missing++
	if len(r.Samples) < maxSamples {
		r.Samples = append(r.Samples, id)
	}
}
