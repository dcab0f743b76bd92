package loader_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// schemaOf returns the tables of the source Web.
func schemaOf(t *testing.T, pool *pgxpool.Pool) schema.Tables {
	t.Helper()
	have, err := catalog.Read(t.Context(), pool, "web")
	if err != nil {
		t.Fatal(err)
	}
	return have
}

// evolveTo adds to the source Web, as a migrator of its own, what it lacks of the tables.
func evolveTo(t *testing.T, pool *pgxpool.Pool, want schema.Tables) {
	t.Helper()
	var d schema.Diff
	for _, name := range want.Names() {
		if !want[name].View {
			d.Tables = append(d.Tables, *want[name])
		}
	}
	evolve(t, pool, d.Missing(schemaOf(t, pool)))
}

func evolve(t *testing.T, pool *pgxpool.Pool, d schema.Diff) {
	t.Helper()
	m, err := migrations.Open(t.Context(), pool.Config().ConnConfig, "web", migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Bootstrap(t.Context(), "Web"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Evolve(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}
