package migrations_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

const loaders = 8

// together runs do in as many goroutines as there are loaders, each with a Migrator of its own.
func together(t *testing.T, pool *pgxpool.Pool, do func(i int, m *migrations.Migrator) error) {
	t.Helper()
	errs := make(chan error, loaders)
	for i := range loaders {
		m := open(t, pool, migrations.Options{})
		go func() { errs <- do(i, m) }()
	}
	for range loaders {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func TestBootstrapByEightAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	together(t, pool, func(_ int, m *migrations.Migrator) error { return m.Bootstrap(t.Context(), "Shop") })
	got := tables(t, open(t, pool, migrations.Options{}))
	if want := len(schema.BaselineTables()) + 1; len(got) != want {
		t.Errorf("%d tables, want %d", len(got), want)
	}
}

func TestBootstrapRaceForOneSchema(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	owned := make([]bool, loaders)
	together(t, pool, func(i int, m *migrations.Migrator) error {
		err := m.Bootstrap(t.Context(), fmt.Sprintf("Shop %d", i))
		var other *migrations.OwnedError
		if errors.As(err, &other) {
			return nil
		}
		owned[i] = err == nil
		return err
	})
	owners := 0
	for _, is := range owned {
		if is {
			owners++
		}
	}
	if owners != 1 {
		t.Errorf("%d sources own the schema, want 1", owners)
	}
}

func TestEvolveTheSameByEightAtOnce(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	made := make([]int, loaders)
	together(t, pool, func(i int, m *migrations.Migrator) error {
		done, err := m.Evolve(t.Context(), purchases())
		made[i] = len(done.Files)
		return err
	})
	total := 0
	for _, n := range made {
		total += n
	}
	if version, _, err := m.Version(t.Context()); err != nil || version != 2 || total != 1 {
		t.Errorf("%d migrations were made, version %d, %v; want one, number 2", total, version, err)
	}
}

func TestEvolveDifferentlyByEightAtOnce(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	// Each wants the new table with a column of its own, a column that half of them type otherwise, and a context column.
	together(t, pool, func(i int, m *migrations.Migrator) error {
		table := purchase()
		types := []schema.Type{schema.Bigint, schema.Text}
		table.Columns = append(table.Columns,
			schema.Column{Name: fmt.Sprintf("own_%d", i), Type: schema.Text, Path: []string{fmt.Sprintf("Own %d", i)}},
			schema.Column{Name: "shared", Type: types[i%2], Path: []string{"shared"}},
			schema.Column{Name: fmt.Sprintf("context_%d", i), Type: schema.Text, Path: []string{fmt.Sprint(i)}})
		_, err := m.Evolve(t.Context(), schema.Diff{Tables: []schema.Table{table}})
		return err
	})
	have := tables(t, m)
	got := map[string]bool{}
	for _, name := range names(have["purchase"]) {
		got[name] = true
	}
	want := map[string]bool{"amount": true, "context_build": true, "shared": true}
	for i := range loaders {
		want[fmt.Sprintf("own_%d", i)] = true
		want[fmt.Sprintf("context_%d", i)] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if n := len(names(have["tracks"])); n != loaders+1 {
		t.Errorf("tracks shows %d context columns, want %d", n, loaders+1)
	}
	version, dirty, err := m.Version(t.Context())
	if err != nil || version != loaders+1 || dirty {
		t.Errorf("Version = %d, %v, %v, want %d, clean", version, dirty, err, loaders+1)
	}
}
