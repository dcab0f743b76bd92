package loader

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/copyin"
	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// worker loads one unit at a time. Each has its own idea of the schema and its own connection for migrations: workers
// of one Loader meet in the database alone, as those of several processes do.
type worker struct {
	*Loader
	migrator *migrations.Migrator // nil until prepared
	state    *schema.State
	refused  map[[2]string]bool      // columns that could not be widened, for the rest of this Load
	lockless map[[2]string]time.Time // columns whose lock is not had, and since when
	unsure   error                   // why it could not be told whether a column can be widened: the State's answers are not to be used
	paths    *schema.Paths
	chunks   [2]*batch.Chunk
	writer   copyin.Writer
}

func newWorker(l *Loader) *worker {
	return &worker{
		Loader: l, writer: copyin.Writer{Schema: l.cfg.Schema},
		refused: map[[2]string]bool{}, lockless: map[[2]string]time.Time{},
	}
}

func (l *worker) close() {
	if l.migrator != nil {
		l.migrator.Close()
	}
}

// prepare makes sure that the source's schema is there and reads what it holds. A server that cannot be reached at all is
// an error at once; a fault after that may pass.
func (l *worker) prepare(ctx context.Context) error {
	return l.retry(ctx, "schema is prepared again", l.bootstrap)
}

// retry calls f until it succeeds, or its fault does not pass. again says what is tried.
func (l *Loader) retry(ctx context.Context, again string, f func(context.Context) error) error {
	for faults := 1; ; faults++ {
		err := f(ctx)
		if err == nil || !passes(err) || faults > l.cfg.Attempts {
			return err
		}
		l.cfg.Logger.WarnContext(ctx, again, "schema", l.cfg.Schema, "attempt", faults, "cause", err)
		if err := sleep(ctx, backOff(faults)); err != nil {
			return err
		}
	}
}

// write runs f in a transaction that may write, whatever a DBA has set for the role.
func (l *Loader) write(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, l.pool, ledger.Options(), f)
}

func (l *worker) bootstrap(ctx context.Context) error {
	if err := l.openMigrator(ctx); err != nil {
		return err
	}
	if err := l.migrator.Bootstrap(ctx, l.cfg.Source); err != nil {
		return fmt.Errorf("prepare schema %s: %w", l.cfg.Schema, err)
	}
	return l.readCatalog(ctx)
}

func (l *worker) openMigrator(ctx context.Context) error {
	if l.migrator != nil {
		return nil
	}
	m, err := migrations.Open(ctx, l.pool.Config().ConnConfig, l.cfg.Schema, migrations.Options{
		Logger: l.cfg.Logger, Managed: l.cfg.Evolve == Managed,
	})
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	l.migrator = m
	return nil
}

func (l *worker) readCatalog(ctx context.Context) error {
	tables, err := catalog.Read(ctx, l.pool, l.cfg.Schema)
	if err != nil {
		return fmt.Errorf("read catalog of %s: %w", l.cfg.Schema, err)
	}
	l.newState(tables, l.widener(ctx))
	return nil
}

func (l *worker) newState(have schema.Tables, w schema.Widener) {
	l.unsure = nil
	l.paths = schema.NewPaths(0)
	l.state = schema.NewState(have, schema.Options{
		Managed: l.cfg.Evolve == Managed, MaxColumns: l.cfg.MaxColumns, MaxTables: l.cfg.MaxTables,
		Filter: l.cfg.Filter, Widener: w,
	})
	for i := range l.chunks {
		l.chunks[i] = batch.NewChunk(l.cfg.ChunkBytes) // made of the old state's columns
	}
}

// clock gives the instants of loads, in the database's resolution.
type clock struct {
	now  func() time.Time
	mu   sync.Mutex
	last schema.Micros
}

// instant returns the time now, or a microsecond after the last instant: loads are told apart by theirs.
func (c *clock) instant() schema.Micros {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(schema.Micros(c.now().UnixMicro()), c.last+1)
	return c.last
}

// now is the loader's clock in the database's resolution.
func (l *Loader) now() time.Time { return l.cfg.Now().UTC().Truncate(time.Microsecond) }
