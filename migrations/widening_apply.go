package migrations

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/schema"
)

// Widen makes columns wider where they are: one numbered migration, whose ALTER TABLE writes their tables anew while
// nobody can read them. Each column must have its type From, or it is a *ChangedError.
func (m *Migrator) Widen(ctx context.Context, ws []Widening) (File, error) {
	return m.widen(ctx, ws, func(s *session, r *renderer, f File) error { return s.apply(ctx, f) })
}

// Swap records columns as widened by one numbered migration, that of Widen, but does it otherwise: do makes the change,
// in the transaction that records it and that has the locks of the tables and of the tracks view already. Columns that
// tracks shows it does not show while do runs. Whoever applies the migrations to an empty schema comes to the same types.
//
// do may run several times: a lock that is not had is tried for again, after everything was rolled back. With rehearse
// everything is rolled back in the end, which tells whether it would work.
func (m *Migrator) Swap(ctx context.Context, ws []Widening, rehearse bool, do func(context.Context, pgx.Tx) error) (File, error) {
	return m.widen(ctx, ws, func(s *session, r *renderer, f File) error {
		return s.swap(ctx, swapping{r: r, file: f, rehearse: rehearse, do: do})
	})
}

// WidenSQL returns the migration of Widen without applying it.
func (m *Migrator) WidenSQL(ctx context.Context, ws []Widening) (File, error) {
	var file File
	err := m.read(ctx, func(s *session) (err error) {
		have, err := catalog.Read(ctx, s.conn, s.schema)
		if err != nil {
			return err
		}
		_, file, err = s.widening(ctx, have, ws)
		return err
	})
	return file, err
}

func (m *Migrator) widen(ctx context.Context, ws []Widening, how func(*session, *renderer, File) error) (File, error) {
	var file File
	err := m.change(ctx, func(s *session) error {
		have, err := s.upToDate(ctx)
		if err != nil {
			return err
		}
		if err := s.unchanged(ctx, ws); err != nil {
			return err
		}
		var r *renderer
		if r, file, err = s.widening(ctx, have, ws); err != nil {
			return err
		}
		return how(s, r, file)
	})
	return file, err
}

// widening makes the migration for ws.
func (s *session) widening(ctx context.Context, have schema.Tables, ws []Widening) (*renderer, File, error) {
	var d schema.Diff
	from := make(map[schema.Widens]string, len(ws))
	for _, w := range ws {
		one := schema.Widens{Table: w.Table, Column: w.Column, From: schema.ParseType(w.From), To: w.To}
		from[one] = w.From
		d.Widen = append(d.Widen, one)
	}
	shown, err := s.shown(ctx, have)
	if err != nil {
		return nil, File{}, err
	}
	last, err := s.lastKept(ctx)
	if err != nil {
		return nil, File{}, err
	}
	r := &renderer{schema: s.schema, before: have, diff: sorted(d), tracks: tracksChange(s.schema, have, shown, d), from: from}
	up, down := r.up(), r.down()
	return r, generated(s.schema, last+1, fileName(d), up, down), nil
}

// unchanged makes sure that the columns have the types that they are widened from.
func (s *session) unchanged(ctx context.Context, ws []Widening) error {
	for _, w := range ws {
		has, err := ColumnType(ctx, s.conn, s.schema, w.Table, w.Column)
		if err != nil {
			return err
		}
		if has != w.From {
			return &ChangedError{Widening: w, Has: has}
		}
	}
	return nil
}

// ColumnType returns the type of a column as Postgres prints it, and nothing for one that is not there.
func ColumnType(ctx context.Context, q catalog.Querier, schemaName, table, column string) (string, error) {
	rows, err := q.Query(ctx, `select case a.atttypid when 'pg_catalog.text'::pg_catalog.regtype then 'text'
		else pg_catalog.format_type(a.atttypid, a.atttypmod) end
		from pg_catalog.pg_attribute a where a.attrelid = pg_catalog.to_regclass($1) and a.attname = $2
		and a.attnum > 0 and not a.attisdropped`, qualified(schemaName, table), column)
	if err != nil {
		return "", fmt.Errorf("read type of column %s.%s: %w", table, column, err)
	}
	types, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(types) == 0 {
		return "", err
	}
	return types[0], nil
}

// ChangedError says that a column is not, or no longer, what it was to be widened from.
type ChangedError struct {
	Widening
	Has string // empty if there is no such column
}

// Error says what it is instead.
func (e *ChangedError) Error() string {
	has := e.Has
	if has == "" {
		has = "gone"
	}
	return fmt.Sprintf("column %s.%s is not %s any more but %s: somebody has changed it meanwhile", e.Table, e.Column, e.From, has)
}

// swapping is one Swap.
type swapping struct {
	r        *renderer
	file     File
	rehearse bool
	do       func(context.Context, pgx.Tx) error
}

func (s *session) swap(ctx context.Context, w swapping) error {
	start := time.Now()
	if err := s.driver.Lock(); err != nil {
		return fmt.Errorf("lock schema %s: %w", s.schema, err)
	}
	err := patient(ctx, s.options, "swap", func() error {
		err := pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
			return s.swapIn(ctx, tx, w)
		})
		if err == errRehearsed { //nolint:errorlint // it is this very value
			return nil
		}
		return err
	})
	if unlockErr := plain(s.driver.Unlock()); err == nil {
		err = unlockErr
	}
	if err != nil || w.rehearse {
		return err
	}
	s.options.Logger.InfoContext(ctx, "applied migration by a swap", slog.String("schema", s.schema),
		slog.Int("version", int(w.file.Version)), slog.String("name", w.file.Name), slog.Duration("took", time.Since(start)))
	return nil
}

// errRehearsed rolls a rehearsal back.
var errRehearsed = fmt.Errorf("rehearsed")

func (s *session) swapIn(ctx context.Context, tx pgx.Tx, w swapping) error {
	r := w.r
	r.lock()
	for _, table := range r.altered() {
		r.add("lock table only ", qualified(s.schema, table), " in access exclusive mode;\n")
	}
	r.add(r.tracks.upFirst)
	first := r.take()
	r.dictionary()
	r.add(r.tracks.upLast)
	last := r.take()
	if _, err := tx.Conn().PgConn().Exec(ctx, "set local synchronous_commit = on;\n"+first).ReadAll(); err != nil {
		return fmt.Errorf("lock tables: %w", err)
	}
	if err := w.do(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Conn().PgConn().Exec(ctx, last).ReadAll(); err != nil {
		return fmt.Errorf("describe columns: %w", err)
	}
	if err := s.recordSwap(ctx, tx, w.file); err != nil {
		return err
	}
	if w.rehearse {
		return errRehearsed
	}
	failpoint.Hit("widen-in-swap")
	return nil
}

// recordSwap notes a file as applied, with its text, and with golang-migrate too.
func (s *session) recordSwap(ctx context.Context, tx pgx.Tx, f File) error {
	_, err := tx.Exec(ctx, "insert into "+qualified(s.schema, "_migration_files")+
		" (version, name, up, down, applied_at, applied_by) values ($1, $2, $3, $4, pg_catalog.now(), current_user)",
		int64(f.Version), f.Name, f.Up, f.Down)
	if err == nil {
		_, err = tx.Exec(ctx, "update "+qualified(s.schema, versionTable)+" set version = $1, dirty = false", int64(f.Version))
	}
	if err != nil {
		return fmt.Errorf("record migration %d: %w", f.Version, err)
	}
	return nil
}
