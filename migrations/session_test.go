package migrations_test

import (
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

// openWith returns a Migrator of the schema shop whose session begins with other settings than the server's.
func openWith(t *testing.T, pool *pgxpool.Pool, settings map[string]string) *migrations.Migrator {
	t.Helper()
	cfg := pool.Config().ConnConfig
	maps.Copy(cfg.RuntimeParams, settings)
	m, err := migrations.Open(t.Context(), cfg, shop, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// What a DBA has set for a role or a database, and what a DSN says, is the same to a migration.
func TestSettingsOfARole(t *testing.T) {
	t.Parallel()
	for _, settings := range []map[string]string{
		{"default_transaction_read_only": "on"},
		{"default_transaction_isolation": "serializable", "default_transaction_deferrable": "on"},
		{"quote_all_identifiers": "on", "standard_conforming_strings": "off", "backslash_quote": "off"},
		{"IntervalStyle": "sql_standard", "DateStyle": "SQL,DMY", "TimeZone": "Asia/Kathmandu", "extra_float_digits": "-3"},
		{"options": "-c search_path=shop,pg_catalog -c lock_timeout=1"},
		{"client_encoding": "LATIN1"},
	} {
		t.Run(slices.Sorted(maps.Keys(settings))[0], func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			m := openWith(t, pool, settings)
			if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
				t.Fatal(err)
			}
			d := purchases()
			d.Tables[0].Event = `Käufe '\ 名`
			evolve(t, m, d)
			got := pgtest.Value[string](t, pool, `select distinct event from shop._columns where table_name = 'purchase'`)
			if got != d.Tables[0].Event {
				t.Errorf("the event became %q", got)
			}
			pgtest.Exec(t, pool, `create schema bi; create view bi.amounts as select amount from shop.purchase`)
			if _, reason, err := m.CanWiden(t.Context(), "purchase", "amount", 0); err != nil || reason == "" {
				t.Errorf("CanWiden of a column that a view uses = %q, %v", reason, err)
			}
		})
	}
}

// A timeout that is meant for people's queries must not end a migration. Which ones there are depends on the server.
func TestTimeoutsOfARole(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	settings := map[string]string{}
	const timeouts = `unit = 'ms' and name like '%\_timeout' and context = 'user' and name not in ('deadlock_timeout', 'lock_timeout', 'wal_sender_timeout')`
	for _, row := range pgtest.Query(t, pool, `select name from pg_settings where `+timeouts+` and name <> 'tcp_user_timeout'`) {
		settings[row[0].(string)] = "1h"
	}
	pgtest.Exec(t, pool, `create table public.seen as select name, setting from pg_settings limit 0`)
	pgtest.Exec(t, pool, `create function public.see() returns event_trigger language plpgsql as $$ begin
		insert into public.seen select name, setting from pg_catalog.pg_settings where `+timeouts+`; end $$`)
	pgtest.Exec(t, pool, `create event trigger see on ddl_command_end execute function public.see()`)
	if err := openWith(t, pool, settings).Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	for name := range settings {
		got := pgtest.Query(t, pool, `select distinct setting from public.seen where name = $1`, name)
		if len(got) != 1 || got[0][0] != "0" {
			t.Errorf("%s was %v while migrating, want 0", name, got)
		}
	}
}

// Where a DBA has made the schemas, the role needs no right to make any.
func TestSchemasMadeByADBA(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	role := "role_" + pool.Config().ConnConfig.Database
	pgtest.Exec(t, pool, `create role `+role+` login`) // it goes with the server
	for _, name := range []string{"tapline", shop} {
		pgtest.Exec(t, pool, `create schema `+name+` authorization `+role)
	}
	pgtest.Exec(t, pool, `revoke create on database `+pool.Config().ConnConfig.Database+` from public`)
	cfg := pool.Config().ConnConfig
	cfg.User = role
	m, err := migrations.Open(t.Context(), cfg, shop, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	evolve(t, m, purchases())
}

// golang-migrate does not give its connection back if it cannot open a schema. Not parallel: the collector, which closes
// forgotten sockets sooner or later, must not do so for this test.
func TestFailureToOpenGivesTheLocksBack(t *testing.T) {
	pool, _ := ready(t, migrations.Options{})
	key, err := database.GenerateAdvisoryLockId("/"+pool.Config().ConnConfig.Database, shop, "_migrations")
	if err != nil {
		t.Fatal(err)
	}
	foreign := connect(t, pool)
	pgtest.Exec(t, foreign, `select pg_advisory_lock(`+key+`)`)
	m := open(t, pool, migrations.Options{LockTimeout: 10 * time.Millisecond, RetryFor: -1})
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := m.Evolve(t.Context(), purchases()); !migrations.LockNotHad(err) {
		t.Fatalf("Evolve = %v, want a lock not had", err)
	}
	pgtest.Exec(t, foreign, `select pg_advisory_unlock(`+key+`)`)
	noAdvisoryLocks(t, pool)
	if runtime.ReadMemStats(&after); after.NumGC != before.NumGC {
		t.Error("the lock was held until the garbage collector came by")
	}
}
