// Package loader loads events into Postgres: one typed table per event, in a schema named after the source, each unit
// (a file) exactly once and whole.
//
//	l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod"})
//	files, err := loader.Files([]string{"events/"}, loader.FileOptions{})
//	report, err := l.Load(ctx, files)
//
// The flow of one event, read from top to bottom: the source's reader decodes it ([Source]), schema.State makes it a row
// of a table (reading.go), a chunk of rows waits in Arrow columns (internal/batch) until migrations has added what the
// tables lack (evolve.go), then the chunk is copied in the unit's transaction (writing.go), which ends with the row of
// the ledger (commit.go).
package loader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/source"
)

// Source yields the units to load. Files makes one of paths.
type Source = source.Source

// Unit is one piece of a Source that is loaded whole or not at all.
type Unit = source.Unit

// Loader loads the events of one source. Its methods may be called by one goroutine at a time, but for Progress.
type Loader struct {
	cfg      Config
	pool     *pgxpool.Pool
	ledger   *ledger.Ledger
	workers  []*worker
	clock    clock
	progress progress
}

// New returns a loader that uses pool, which stays the caller's. It does not connect. A loader without a pool, nil, can
// only Plan.
func New(pool *pgxpool.Pool, cfg Config) (*Loader, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Loader{cfg: cfg, pool: pool, ledger: ledger.New(cfg.Schema), clock: clock{now: cfg.Now}}
	workers := cfg.Workers
	if pool != nil {
		workers = min(workers, max(1, int(pool.Config().MaxConns)-1)) // one more connection for what is asked in between
	}
	for range workers {
		l.workers = append(l.workers, newWorker(l))
	}
	return l, nil
}

// Close releases what Load keeps between calls. The pool stays open.
func (l *Loader) Close() {
	for _, w := range l.workers {
		w.close()
	}
}

// Load loads each unit of src whole: all of it is visible afterwards, or nothing. A unit has a transaction of its own, or
// shares one with its neighbours if it is small: see Config.SmallUnit. Units that were
// loaded before are skipped. A unit that cannot be loaded as a whole (a broken gzip stream, ...) fails alone; the error
// is then a *UnitsError, and the Report says which. Any other error ended the Load early; what the Report counts is
// committed in that case too. Cancelling ctx rolls the open units back.
//
// Units are loaded in their order, but large ones side by side: see Config.Workers.
func (l *Loader) Load(ctx context.Context, src Source) (Report, error) {
	start := l.cfg.Now()
	sum := newTally(l.cfg.Schema, l.cfg.Ended != nil)
	if l.pool == nil {
		return *sum.report, errors.New("load: the loader was made without a pool")
	}
	err := l.explainRight(ctx, l.load(ctx, src, sum))
	l.analyze(ctx, sum.report)
	if err == nil {
		l.index(ctx, sum.report)
	}
	sum.report.Duration = l.cfg.Now().Sub(start)
	if err == nil {
		err = sum.report.unitsError()
	}
	return *sum.report, err
}

func (l *Loader) load(ctx context.Context, src Source, sum *tally) error {
	for _, w := range l.workers {
		w.refused, w.lockless, w.state = map[[2]string]bool{}, map[[2]string]time.Time{}, nil
	}
	if err := Check(ctx, l.pool); err != nil {
		return err
	}
	if err := l.workers[0].prepare(ctx); err != nil {
		return err
	}
	d := newDispatch(ctx, l, sum)
	if l.cfg.Share {
		stop, err := d.startSharing()
		if err != nil {
			return err
		}
		defer stop()
	}
	f := newFeed(d.ctx, &l.cfg, src)
	for units, failed := range f.groups() {
		if d.ctx.Err() != nil {
			break // also the cause of an error
		}
		if failed.err != nil {
			l.unread(sum, failed)
			continue
		}
		d.load(d.queue(units))
		d.revisit(laterUnits)
	}
	d.revisit(0)
	err := d.wait()
	f.wait()
	return err
}

// unread reports what a source could not make a unit of.
func (l *Loader) unread(sum *tally, i item) {
	u := UnitReport{Unit: unitName(i.unit), Status: Failed, Err: i.err}
	sum.set(sum.unit(u), u)
	if l.cfg.Ended != nil && i.unit != nil {
		l.cfg.Ended(i.unit, u)
	}
}

func unitName(u Unit) string {
	if u == nil {
		return ""
	}
	return u.Name()
}

// UnitsError says that some units could not be loaded. The others were.
type UnitsError struct {
	Failed, Total int
	Errs          []error
}

// Error names the first failure.
func (e *UnitsError) Error() string {
	return fmt.Sprintf("%d of %d units not loaded: %v", e.Failed, e.Total, errors.Join(e.Errs...))
}

// Unwrap returns the units' errors.
func (e *UnitsError) Unwrap() []error { return e.Errs }

func (r *Report) unitsError() error {
	e := &UnitsError{Total: r.FinishedUnits() + r.SkippedUnits() + r.FailedUnits(), Failed: r.FailedUnits()}
	if e.Failed == 0 {
		return nil
	}
	for i := range r.Units {
		if r.Units[i].Err != nil {
			e.Errs = append(e.Errs, r.Units[i].Err)
		}
	}
	return e
}
