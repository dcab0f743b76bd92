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

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/copyin"
	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Source yields the units to load. Files makes one of paths.
type Source = source.Source

// Unit is one piece of a Source that is loaded whole or not at all.
type Unit = source.Unit

// Loader loads the events of one source. Its methods may be called by one goroutine at a time, but for Progress.
type Loader struct {
	cfg      Config
	pool     *pgxpool.Pool
	migrator *migrations.Migrator
	ledger   *ledger.Ledger

	state    *schema.State
	refused  map[[2]string]bool // columns that could not be widened, for the rest of this Load
	paths    *schema.Paths
	chunks   [2]*batch.Chunk
	writer   copyin.Writer
	progress progress
}

// New returns a loader that uses pool, which stays the caller's. It does not connect. A loader without a pool, nil, can
// only Plan.
func New(pool *pgxpool.Pool, cfg Config) (*Loader, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Loader{cfg: cfg, pool: pool, ledger: ledger.New(cfg.Schema), writer: copyin.Writer{Schema: cfg.Schema}}
	for i := range l.chunks {
		l.chunks[i] = batch.NewChunk(cfg.ChunkBytes)
	}
	return l, nil
}

// Close releases what Load keeps between calls. The pool stays open.
func (l *Loader) Close() {
	if l.migrator != nil {
		l.migrator.Close()
	}
}

// Load loads each unit of src in a transaction of its own: all of it is visible afterwards, or nothing. Units that were
// loaded before are skipped. A unit that cannot be loaded as a whole (a broken gzip stream, ...) fails alone; the error
// is then a *UnitsError, and the Report says which. Any other error ended the Load early; what the Report counts is
// committed in that case too. Cancelling ctx rolls the open unit back.
func (l *Loader) Load(ctx context.Context, src Source) (Report, error) {
	start := l.cfg.Now()
	report := newReport(l.cfg.Schema)
	if l.pool == nil {
		return *report, errors.New("load: the loader was made without a pool")
	}
	l.refused = map[[2]string]bool{}
	err := l.load(ctx, src, report)
	l.analyze(ctx, report)
	report.Duration = l.cfg.Now().Sub(start)
	if err == nil {
		err = report.unitsError()
	}
	return *report, err
}

func (l *Loader) load(ctx context.Context, src Source, report *Report) error {
	if err := l.prepare(ctx); err != nil {
		return err
	}
	for unit, err := range src.Units(ctx) {
		if ctx.Err() != nil {
			break // also the cause of err
		}
		if err != nil {
			report.Units = append(report.Units, UnitReport{Unit: unitName(unit), Status: Failed, Err: err})
			continue
		}
		u, err := l.loadUnit(ctx, unit, report)
		report.Units = append(report.Units, u)
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func unitName(u Unit) string {
	if u == nil {
		return ""
	}
	return u.Name()
}

// prepare makes sure that the source's schema is there and reads what it holds. A server that cannot be reached at all is
// an error at once; a fault after that may pass.
func (l *Loader) prepare(ctx context.Context) error {
	if err := Check(ctx, l.pool); err != nil {
		return err
	}
	for faults := 1; ; faults++ {
		err := l.bootstrap(ctx)
		if err == nil || !passes(err) || faults > l.cfg.Attempts {
			return err
		}
		l.cfg.Logger.WarnContext(ctx, "schema is prepared again", "schema", l.cfg.Schema, "attempt", faults, "cause", err)
		if err := sleep(ctx, backOff(faults)); err != nil {
			return err
		}
	}
}

func (l *Loader) bootstrap(ctx context.Context) error {
	if err := l.openMigrator(ctx); err != nil {
		return err
	}
	if err := l.migrator.Bootstrap(ctx, l.cfg.Source); err != nil {
		return fmt.Errorf("prepare schema %s: %w", l.cfg.Schema, err)
	}
	return l.readCatalog(ctx)
}

func (l *Loader) readCatalog(ctx context.Context) error {
	tables, err := catalog.Read(ctx, l.pool, l.cfg.Schema)
	if err != nil {
		return fmt.Errorf("read catalog of %s: %w", l.cfg.Schema, err)
	}
	l.newState(tables, l.widener(ctx))
	return nil
}

func (l *Loader) newState(have schema.Tables, w schema.Widener) {
	l.paths = schema.NewPaths(0)
	l.state = schema.NewState(have, schema.Options{
		Managed: l.cfg.Evolve == Managed, MaxColumns: l.cfg.MaxColumns, MaxTables: l.cfg.MaxTables,
		Filter: l.cfg.Filter, Widener: w,
	})
	for i := range l.chunks {
		l.chunks[i] = batch.NewChunk(l.cfg.ChunkBytes) // made of the old state's columns
	}
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
	e := &UnitsError{Total: len(r.Units), Failed: r.FailedUnits()}
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

// now is the loader's clock in the database's resolution.
func (l *Loader) now() time.Time { return l.cfg.Now().UTC().Truncate(time.Microsecond) }
