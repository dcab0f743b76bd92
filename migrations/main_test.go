package migrations_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

const shop = "shop"

func TestMain(m *testing.M) { pgtest.Main(m) }

// open returns a Migrator of the schema shop on a database of the test's own.
func open(t *testing.T, pool *pgxpool.Pool, o migrations.Options) *migrations.Migrator {
	t.Helper()
	return openSchema(t, pool, shop, o)
}

func openSchema(t *testing.T, pool *pgxpool.Pool, name string, o migrations.Options) *migrations.Migrator {
	t.Helper()
	m, err := migrations.Open(t.Context(), pool.Config().ConnConfig, name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// ready returns a database with a bootstrapped schema shop, and a Migrator of it.
func ready(t *testing.T, o migrations.Options) (*pgxpool.Pool, *migrations.Migrator) {
	t.Helper()
	pool := pgtest.Pool(t)
	m := open(t, pool, o)
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	return pool, m
}

// relations returns what is in the schema shop, as kind and name in order.
func relations(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `select c.relkind::text || ' ' || c.relname from pg_class c
		join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 order by 1`, shop)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}
