package migrations_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// withRole makes a role that can log in, and returns its name and a Migrator of its own.
func withRole(t *testing.T, pool *pgxpool.Pool, setup string) (string, *migrations.Migrator) {
	t.Helper()
	cfg := pool.Config().ConnConfig
	role := "role_" + cfg.Database
	pgtest.Exec(t, pool, `create role `+role+` login`) // it goes with the server
	if _, err := connect(t, pool).PgConn().Exec(t.Context(), strings.ReplaceAll(setup, "ROLE", role)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	cfg.User = role
	m, err := migrations.Open(t.Context(), cfg, shop, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return role, m
}

// A control schema that a DBA has made and owns is used as it is.
func TestSchemasOwnedByADBA(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	_, m := withRole(t, pool, `create schema tapline; create schema shop; grant usage, create on schema tapline, shop to ROLE`)
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	evolve(t, m, purchases())
}

// A role that could not take a failed migration back keeps none: it would stay for ever, and loads would wait for it.
func TestMigrationThatCouldNotBeTakenBack(t *testing.T) {
	t.Parallel()
	pool, first := ready(t, migrations.Options{})
	_, m := withRole(t, pool, `grant usage, create on schema shop to ROLE; grant usage on schema tapline to ROLE;
		grant all on all tables in schema shop, tapline to ROLE; revoke delete on shop._migration_files from ROLE`)
	_, err := m.Evolve(t.Context(), purchases())
	if err == nil || !strings.Contains(err.Error(), `grant select, insert, update, delete on table "shop"."_migration_files"`) {
		t.Errorf("Evolve = %v, want the grant that is missing", err)
	}
	if files, err := first.Files(t.Context()); err != nil || len(files) != 1 {
		t.Errorf("%d files are kept, %v; want the one that is applied", len(files), err)
	}
}

// Default privileges are the same for all tables of a schema. Migrations make the exceptions: what changes the schema is
// read only, and rows of users can be written over.
func TestExceptionsFromDefaultPrivileges(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema shop`)
	role, _ := withRole(t, pool, `alter default privileges in schema shop grant select, insert on tables to ROLE`)
	m := open(t, pool, migrations.Options{})
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	d := purchases()
	users := schema.Table{Name: schema.TableUsers, Columns: d.Tables[0].Columns}
	d.Tables = append(d.Tables, users)
	evolve(t, m, d)
	for table, want := range map[string]string{
		"_columns": "select", "_migrations": "select", "_migration_files": "select", "_loads": "select insert",
		"_quarantine": "select insert", "purchase": "select insert", "users": "select insert update",
	} {
		var got []string
		for _, right := range []string{"select", "insert", "update", "delete", "truncate", "references", "trigger"} {
			if pgtest.Value[bool](t, pool, `select has_table_privilege($1, $2, $3)`, role, "shop."+table, right) {
				got = append(got, right)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("rights to %s: %v, want %s", table, got, want)
		}
	}
}
