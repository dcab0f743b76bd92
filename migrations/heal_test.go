package migrations_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

// A migration that was interrupted is one of these states: golang-migrate writes dirty, runs the file, writes clean, and
// each is a transaction. The file's text is kept before all of it.
func TestKilledMigrationHeals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		state func(t *testing.T, pool *pgxpool.Pool, m *migrations.Migrator)
	}{
		{"after the text was kept", func(t *testing.T, pool *pgxpool.Pool, m *migrations.Migrator) {
			undo(t, m)
		}},
		{"after dirty", func(t *testing.T, pool *pgxpool.Pool, m *migrations.Migrator) {
			undo(t, m)
			pgtest.Exec(t, pool, `update shop._migrations set version = 2, dirty = true`)
		}},
		{"after the file", func(t *testing.T, pool *pgxpool.Pool, m *migrations.Migrator) {
			pgtest.Exec(t, pool, `update shop._migrations set dirty = true`)
		}},
		{"after clean", func(*testing.T, *pgxpool.Pool, *migrations.Migrator) {}},
		{"on the way down after dirty", func(t *testing.T, pool *pgxpool.Pool, m *migrations.Migrator) {
			pgtest.Exec(t, pool, `update shop._migrations set version = 1, dirty = true`)
		}},
		{"on the way down after the file", func(t *testing.T, pool *pgxpool.Pool, m *migrations.Migrator) {
			undo(t, m)
			pgtest.Exec(t, pool, `update shop._migrations set dirty = true`)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pool, m := ready(t, migrations.Options{})
			evolve(t, m, purchases())
			want := relations(t, pool)
			test.state(t, pool, m)
			next := open(t, pool, migrations.Options{})
			if err := next.Bootstrap(t.Context(), "Shop"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, relations(t, pool)); diff != "" {
				t.Errorf("after the repair (-want +got):\n%s", diff)
			}
			version, dirty, err := next.Version(t.Context())
			if err != nil || version != 2 || dirty {
				t.Errorf("Version = %d, %v, %v, want 2, clean", version, dirty, err)
			}
			second := purchases()
			second.Tables[0].Name, second.Tables[0].Event = "refund", "Refund"
			if done := evolve(t, next, second); done.Version != 3 {
				t.Errorf("the next number is %d, want 3", done.Version)
			}
		})
	}
}

func undo(t *testing.T, m *migrations.Migrator) {
	t.Helper()
	if _, err := m.Down(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
}

func TestKilledBaselineHeals(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	want := relations(t, pool)
	if _, err := m.Down(t.Context(), migrations.All); err != nil {
		t.Fatal(err)
	}
	// Killed between golang-migrate's first commit and the file's.
	pgtest.Exec(t, pool, `create table shop._migrations (version bigint not null primary key, dirty boolean not null)`)
	pgtest.Exec(t, pool, `insert into shop._migrations values (1, true)`)
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, relations(t, pool)); diff != "" {
		t.Errorf("after the repair (-want +got):\n%s", diff)
	}
}

// Number 1 of a schema with tables of its own is killed after its transaction: its way back is known all the same, and
// leaves these tables alone.
func TestKilledAdoption(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema shop`)
	pgtest.Exec(t, pool, `create table shop.app_launched (id text primary key, event_text text)`)
	pgtest.Exec(t, pool, `insert into shop.app_launched values ('a', 'App Launched')`)
	// What golang-migrate's last transaction has written cannot be followed by anything.
	pgtest.Exec(t, pool, `create function public.kill() returns trigger language plpgsql as $$ begin
		if new.up is not null then raise exception 'killed'; end if; return new; end $$`)
	pgtest.Exec(t, pool, `create function public.lie_in_wait() returns event_trigger language plpgsql as $$ begin
		if to_regclass('shop._migration_files') is not null and not exists (select from pg_trigger where tgname = 'kill') then
			create trigger kill before update on shop._migration_files for each row execute function public.kill();
		end if; end $$`)
	pgtest.Exec(t, pool, `create event trigger lie_in_wait on ddl_command_end when tag in ('CREATE TABLE') execute function public.lie_in_wait()`)
	m := open(t, pool, migrations.Options{})
	if err := m.Bootstrap(t.Context(), "Shop"); err == nil {
		t.Fatal("nothing was killed")
	}
	pgtest.Exec(t, pool, `drop event trigger lie_in_wait`)
	pgtest.Exec(t, pool, `drop trigger kill on shop._migration_files`)
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Down(t.Context(), migrations.All); err != nil {
		t.Fatal(err)
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from shop.app_launched`); n != 1 {
		t.Errorf("%d rows are left, want 1", n)
	}
}

func TestRefusedMigrationIsNotKept(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	// A view where the table should be: Postgres refuses the file every time.
	pgtest.Exec(t, pool, `create view shop.purchase as select 1 as one`)
	if _, err := m.Evolve(t.Context(), purchases()); err == nil {
		t.Fatal("Evolve over a view gave no error")
	}
	version, dirty, err := m.Version(t.Context())
	if err != nil || version != 1 || dirty {
		t.Errorf("Version = %d, %v, %v, want 1, clean", version, dirty, err)
	}
	pgtest.Exec(t, pool, `drop view shop.purchase`)
	if done := evolve(t, m, purchases()); done.Version != 2 {
		t.Errorf("number = %d, want 2", done.Version)
	}
}

func TestRestartedServer(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	pgtest.Exec(t, pool, `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
	evolve(t, m, purchases())
}
