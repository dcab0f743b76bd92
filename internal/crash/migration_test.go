package crash_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/pgtest"
)

// golang-migrate writes the version as dirty, runs the file, and writes it as clean. A kill in both gaps leaves it dirty,
// once with the file not applied and once with it applied; the next loader repairs that and goes on.
func TestKilledWhileMigrating(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{false, true} {
		name := "before the file"
		if applied {
			name = "after the file"
		}
		t.Run(name, func(t *testing.T) {
			b := newDatabase(t, pgtest.Server(t), sound, small)
			all := b.paths
			b.paths = all[:1]
			b.start("").mustFinish()
			b.paths = all

			hold := b.hold("every_file")
			p := b.start("")
			b.until("the migration waits for the table", waiting, p.tag, "every_file")
			if applied {
				version := b.hold("_migrations")
				hold()
				b.until("the version waits to be written", waiting, p.tag, "_migrations")
				hold = version
			}
			p.signal(syscall.SIGKILL)
			if !p.killed() {
				t.Fatalf("the loader ended by itself: %s", p.log())
			}
			b.gone(b.pool) // while it may not have the lock: a statement that gets it outlives its client
			hold()
			const query = `select dirty, exists (select from crash_test._migration_files f
				where f.version = m.version and f.applied_at is not null) from crash_test._migrations m`
			if got := pgtest.Query(t, b.pool, query)[0]; got[0] != true || got[1] != applied {
				t.Errorf("after the kill: dirty %v, applied %v, want dirty and applied %v", got[0], got[1], applied)
			}
			b.start("").mustFinish()
			b.mustBeClean()
		})
	}
}

// waiting asks whether a loader waits for a table.
const waiting = `select exists (select from pg_stat_activity a join pg_locks l on l.pid = a.pid and not l.granted
	where a.application_name = $1 and l.relation = to_regclass('crash_test.' || $2))`

// hold keeps a table from being changed until the returned function is called.
func (b *bench) hold(table string) (release func()) {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.dsn)
	if err != nil {
		b.t.Fatal(err)
	}
	pgtest.Exec(b.t, conn, "begin")
	pgtest.Exec(b.t, conn, "lock table crash_test."+table+" in access share mode")
	release = func() { _ = conn.Close(context.Background()) } // which ends the transaction
	b.t.Cleanup(release)
	return release
}

// until waits until a query returns true.
func (b *bench) until(what, query string, args ...any) {
	b.t.Helper()
	for limit := time.Now().Add(patience); !pgtest.Value[bool](b.t, b.pool, query, args...); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			b.t.Fatalf("it never happens that %s", what)
		}
	}
}
