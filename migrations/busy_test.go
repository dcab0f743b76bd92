package migrations_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-migrate/migrate/v4/database"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

// Of two migrators one works; the other waits for so long, says who works, and does its part when it is asked again.
func TestSecondMigratorSaysWhoIsAtWork(t *testing.T) {
	t.Parallel()
	pool, _ := ready(t, migrations.Options{})
	reader := connect(t, pool)
	pgtest.Exec(t, reader, `begin`)
	pgtest.Query(t, reader, `select count(*) from shop.utm_visited`)
	cfg := pool.Config().ConnConfig
	cfg.RuntimeParams["application_name"] = "the first"
	first, err := migrations.Open(t.Context(), cfg, shop, migrations.Options{LockTimeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(first.Close)
	before := pgtest.Value[time.Time](t, pool, `select date_trunc('second', clock_timestamp())`)
	done := make(chan error, 1)
	go func() {
		_, err := first.Evolve(t.Context(), addAmounts())
		done <- err
	}()
	waits(t, pool, `select exists (select from shop._migration_files where version = 2)`)

	second := open(t, pool, migrations.Options{LockWait: 20 * time.Millisecond})
	_, err = second.Evolve(t.Context(), purchases())
	var busy *migrations.BusyError
	if !errors.As(err, &busy) {
		t.Fatalf("Evolve = %v, want a *BusyError", err)
	}
	pid := pgtest.Value[int32](t, pool, `select pid from pg_stat_activity where application_name = 'the first' and datname = current_database()`)
	if busy.PID != int(pid) || busy.Application != "the first" || busy.Role != cfg.User || busy.Waited != 20*time.Millisecond {
		t.Errorf("%+v, want process %d of the first", busy, pid)
	}
	if now := pgtest.Value[time.Time](t, pool, `select clock_timestamp()`); busy.Since.Before(before) || busy.Since.After(now) {
		t.Errorf("since %v, want between %v and %v", busy.Since, before, now)
	}
	if text := err.Error(); !strings.Contains(text, "application the first, since 2") {
		t.Errorf("error %q", text)
	}
	pgtest.Exec(t, reader, `rollback`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if done := evolve(t, second, purchases()); done.Version != 3 {
		t.Errorf("the second's number is %d, want 3", done.Version)
	}
	noAdvisoryLocks(t, pool)
}

// golang-migrate's own command is waited for too, from the first look on, and named.
func TestForeignMigratorIsNamed(t *testing.T) {
	t.Parallel()
	pool, _ := ready(t, migrations.Options{})
	key, err := database.GenerateAdvisoryLockId("/"+pool.Config().ConnConfig.Database, shop, "_migrations")
	if err != nil {
		t.Fatal(err)
	}
	foreign := connect(t, pool)
	pgtest.Exec(t, foreign, `set application_name = 'migrate'`)
	pgtest.Exec(t, foreign, `select pg_advisory_lock(`+key+`)`)
	m := open(t, pool, migrations.Options{LockTimeout: 10 * time.Millisecond, RetryFor: -1})
	_, err = m.Evolve(t.Context(), purchases())
	var busy *migrations.BusyError
	if !errors.As(err, &busy) || busy.Application != "migrate" || busy.PID != int(foreign.PgConn().PID()) || busy.Since.IsZero() {
		t.Fatalf("Evolve = %v, want a *BusyError about migrate", err)
	}

	patient := open(t, pool, migrations.Options{LockTimeout: 10 * time.Millisecond, RetryPause: time.Millisecond})
	done := make(chan error, 1)
	go func() {
		_, err := patient.Evolve(t.Context(), purchases())
		done <- err
	}()
	const waiting = `select exists (select from pg_locks where not granted and locktype = 'advisory'
		and database = (select oid from pg_database where datname = current_database()))`
	for range 2 { // it gives up and tries again
		for _, query := range []string{waiting, `select not (` + waiting[len("select "):] + `)`} {
			for !pgtest.Value[bool](t, pool, query) {
				select {
				case err := <-done:
					t.Fatalf("Evolve ended while golang-migrate's lock was held: %v", err)
				case <-time.After(time.Millisecond):
				}
			}
		}
	}
	pgtest.Exec(t, foreign, `select pg_advisory_unlock_all()`)
	if err := <-done; err != nil {
		t.Errorf("after golang-migrate's command ended: %v", err)
	}
	noAdvisoryLocks(t, pool)
}

// golang-migrate's command cannot begin between the moment a Migrator reads what is applied and the one it acts on it: both
// would give the same number to something else.
func TestForeignMigratorWaitsForTheWholeChange(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{LockTimeout: time.Hour})
	key, err := database.GenerateAdvisoryLockId("/"+pool.Config().ConnConfig.Database, shop, "_migrations")
	if err != nil {
		t.Fatal(err)
	}
	foreign := connect(t, pool)
	pgtest.Exec(t, foreign, `begin`)
	pgtest.Exec(t, foreign, `lock table shop._columns in access exclusive mode`) // the Migrator reads it with the tables
	done := make(chan error, 1)
	go func() {
		_, err := m.Evolve(t.Context(), purchases())
		done <- err
	}()
	waits(t, pool, `select exists (select from pg_locks where not granted and relation = 'shop._columns'::regclass)`)
	if pgtest.Value[bool](t, foreign, `select pg_try_advisory_lock(`+key+`)`) {
		t.Error("golang-migrate's lock can be had while a Migrator works")
	}
	pgtest.Exec(t, foreign, `rollback`)
	pgtest.Exec(t, foreign, `select pg_advisory_unlock_all()`)
	if err := <-done; err != nil {
		t.Error(err)
	}
	noAdvisoryLocks(t, pool)
}
