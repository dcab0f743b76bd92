package migrations_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// connect returns a connection of its own that is closed with the test.
func connect(t *testing.T, pool *pgxpool.Pool) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// addAmounts needs the locks of two tables that have readers.
func addAmounts() schema.Diff {
	column := schema.Column{Name: "context_amount", Type: schema.Bigint, Path: []string{"amount"}}
	return schema.Diff{Columns: []schema.Added{
		{Table: "app_launched", Column: column}, {Table: "utm_visited", Column: column},
	}}
}

// reading returns a connection that has read one of those tables and holds its lock until it is rolled back.
func reading(t *testing.T, pool *pgxpool.Pool) *pgx.Conn {
	t.Helper()
	reader := connect(t, pool)
	pgtest.Exec(t, reader, `begin`)
	pgtest.Query(t, reader, `select count(*) from shop.utm_visited`)
	return reader
}

// evolving begins addAmounts and returns what gets its error.
func evolving(ctx context.Context, m *migrations.Migrator) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := m.Evolve(ctx, addAmounts())
		done <- err
	}()
	return done
}

// waits polls until the query is true; the test's own deadline is the only clock.
func waits(t *testing.T, pool *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	for !pgtest.Value[bool](t, pool, query, args...) {
		if t.Context().Err() != nil {
			t.Fatal("the test ended first")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A reader holds its lock for long. DDL waits in short turns, other readers pass in the pauses, and as soon as the
// reader is done the migration is, too.
func TestLongReaderBlocksNobodyElse(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{LockTimeout: 50 * time.Millisecond, RetryPause: 20 * time.Millisecond})
	reader := reading(t, pool)
	done := evolving(t.Context(), m)
	// Two turns at least: it is seen waiting for a lock, then not waiting, then again.
	const waiting = `select exists (select from pg_locks l join pg_stat_activity a using (pid)
		where not l.granted and l.mode = 'AccessExclusiveLock' and a.datname = current_database())`
	other := connect(t, pool)
	for range 2 {
		waits(t, pool, waiting)
		// With the ALTER in the queue this reader stands behind it, and gets its turn all the same.
		pgtest.Query(t, other, `select count(*) from shop.utm_visited`)
		pgtest.Query(t, other, `select count(*) from shop.app_launched`)
		waits(t, pool, `select not (`+waiting[len("select "):]+`)`)
	}
	select {
	case err := <-done:
		t.Fatalf("Evolve ended while the reader held its lock: %v", err)
	default:
	}
	pgtest.Exec(t, reader, `rollback`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if tables(t, m)["utm_visited"].Column("context_amount") == nil {
		t.Error("the column is not there")
	}
}

// While it waits for a table's lock, the file holds others; all waits of a file come out of one lock_timeout.
func TestWaitsOfAFileShareOneBudget(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	plan, err := m.Plan(t.Context(), addAmounts())
	if err != nil {
		t.Fatal(err)
	}
	reader := reading(t, pool)
	conn := connect(t, pool)
	done := make(chan error, 1)
	go func() {
		// The timeout is one day, so that what is left of it tells how it was passed on.
		_, err := conn.PgConn().Exec(t.Context(), `begin; set lock_timeout = '1d';`+plan).ReadAll()
		done <- err
	}()
	waits(t, pool, `select exists (select from pg_locks l join pg_stat_activity a using (pid)
		where not l.granted and a.datname = current_database())`)
	pgtest.Query(t, reader, `select pg_sleep(0.01)`) // at least that much of the day is gone
	pgtest.Exec(t, reader, `rollback`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	left := pgtest.Value[float64](t, conn, `select extract(epoch from current_setting('lock_timeout')::interval)::float8`)
	if left > 86400-0.01 || left < 82800 {
		t.Errorf("lock_timeout after the locks = %v s, want what is left of a day", left)
	}
	held := pgtest.Value[int64](t, conn, `select count(*) from pg_locks where pid = pg_backend_pid()
		and mode = 'AccessExclusiveLock' and relation in ('shop.tracks'::regclass, 'shop.app_launched'::regclass, 'shop.utm_visited'::regclass)`)
	if held != 3 {
		t.Errorf("%d locks are held, want 3", held)
	}
	pgtest.Exec(t, conn, `rollback`)
}

func TestLockNotHad(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{LockTimeout: 10 * time.Millisecond, RetryFor: -1})
	reader := reading(t, pool)
	_, err := m.Evolve(t.Context(), addAmounts())
	var failure *migrations.FileError
	if !errors.As(err, &failure) || !migrations.LockNotHad(err) {
		t.Fatalf("Evolve = %v, want a *FileError about a lock", err)
	}
	version, dirty, err := m.Version(t.Context())
	if err != nil || version != 1 || dirty {
		t.Errorf("Version = %d, %v, %v, want 1, clean", version, dirty, err)
	}
	if files, err := m.Files(t.Context()); err != nil || len(files) != 1 {
		t.Errorf("%d files are kept, %v; want the one that is applied", len(files), err)
	}
	noAdvisoryLocks(t, pool)
	pgtest.Exec(t, reader, `rollback`)
	evolve(t, m, addAmounts())
}

// Somebody else holds golang-migrate's own lock. Giving up must not leave a waiter behind that gets it later.
func TestForeignMigratorDoesNotLeakTheLock(t *testing.T) {
	t.Parallel()
	pool, _ := ready(t, migrations.Options{})
	key, err := database.GenerateAdvisoryLockId("/"+pool.Config().ConnConfig.Database, shop, "_migrations")
	if err != nil {
		t.Fatal(err)
	}
	foreign := connect(t, pool)
	pgtest.Exec(t, foreign, `select pg_advisory_lock(`+key+`)`)
	m := open(t, pool, migrations.Options{LockTimeout: 10 * time.Millisecond, RetryFor: -1})
	if _, err := m.Evolve(t.Context(), purchases()); !migrations.LockNotHad(err) {
		t.Fatalf("Evolve = %v, want a lock not had", err)
	}
	pgtest.Exec(t, foreign, `select pg_advisory_unlock(`+key+`)`)
	noAdvisoryLocks(t, pool)
	evolve(t, m, purchases())
	noAdvisoryLocks(t, pool)
}

func noAdvisoryLocks(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	// The server ends a closed connection's session a moment later.
	waits(t, pool, `select not exists (select from pg_locks l join pg_database d on d.oid = l.database
		where l.locktype = 'advisory' and d.datname = current_database())`)
}

func TestEndOfContextEndsTheWait(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{LockTimeout: time.Hour})
	reader := reading(t, pool)
	ctx, cancel := context.WithCancel(t.Context())
	done := evolving(ctx, m)
	waits(t, pool, turn)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("Evolve = %v, want context.Canceled", err)
	}
	leftNothing(t, pool)
	pgtest.Exec(t, reader, `rollback`)
	evolve(t, m, addAmounts())
}

// leftNothing makes sure that a migration which was given up left nothing behind: the schema's version is as it was, and no text of what was not applied is kept.
func leftNothing(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	got := pgtest.Query(t, pool, `select version, dirty, (select count(*) from shop._migration_files) from shop._migrations`)
	if diff := cmp.Diff([][]any{{int64(1), false, int64(1)}}, got); diff != "" {
		t.Errorf("version, dirty and kept texts (-want +got):\n%s", diff)
	}
	noAdvisoryLocks(t, pool)
}

// turn is whether somebody waits for the lock of a table that has a reader.
const turn = `select exists (select from pg_locks where not granted and mode = 'AccessExclusiveLock'
	and relation = 'shop.utm_visited'::regclass)`

// The end comes between two tries: the request that cancels must not hit the statement which gives the lock back.
func TestEndOfContextInAPause(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{LockTimeout: 200 * time.Millisecond, RetryPause: time.Hour})
	reader := reading(t, pool)
	unlocked := make(chan error, 10)
	migrations.SlowUnlock(m, unlocked)
	ctx, cancel := context.WithCancel(t.Context())
	done := evolving(ctx, m)
	waits(t, pool, turn)
	waits(t, pool, `select not (`+turn[len("select "):]+`)`)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("Evolve = %v, want context.Canceled", err)
	}
	leftNothing(t, pool)
	close(unlocked)
	for err := range unlocked {
		if err != nil {
			t.Errorf("give the lock back: %v", err)
		}
	}
	pgtest.Exec(t, reader, `rollback`)
	evolve(t, m, addAmounts())
}

func TestConnectionLostInAMigration(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{LockTimeout: time.Hour})
	reader := reading(t, pool)
	done := evolving(t.Context(), m)
	waits(t, pool, turn)
	pgtest.Query(t, pool, `select pg_terminate_backend(pid) from pg_locks where not granted and mode = 'AccessExclusiveLock'
		and relation = 'shop.utm_visited'::regclass`)
	var failure *migrations.FileError
	if err := <-done; !errors.As(err, &failure) {
		t.Fatalf("Evolve = %v, want a *FileError", err)
	}
	leftNothing(t, pool)
	pgtest.Exec(t, reader, `rollback`)
	evolve(t, m, addAmounts())
}
