package loader_test

import (
	"testing"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
)

// Indexes are made after a load, of the tables that are there then; what cannot be made fails no load.
func TestIndexes(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	config := loader.Config{Source: "Web", Indexes: []loader.Index{
		{Table: "purchase_made", Columns: []string{"user_id", "timestamp"}},
		{Table: "tracks", Columns: []string{"user_id"}}, // a view
		{Table: "later", Columns: []string{"user_id"}},
	}}
	load := func(lines ...string) loader.Report {
		t.Helper()
		l, err := loader.New(pool, config)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		files, err := loader.Files([]string{write(t, lines...)}, loader.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		report, err := l.Load(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	const bought = `{"type":"track","event":"Purchase Made","messageId":"a","userId":"u1"}`
	want := []migrations.IndexStatus{migrations.IndexMade, migrations.IndexFailed, migrations.IndexWaits}
	for range 2 {
		report := load(bought)
		for i, r := range report.Indexes {
			if r.Status != want[i] || report.Schema != "web" {
				t.Errorf("%+v, want %s", r, want[i])
			}
		}
		if len(report.Indexes) != len(want) {
			t.Errorf("%d results, want %d", len(report.Indexes), len(want))
		}
		want[0] = migrations.IndexThere
	}
	have, err := catalog.Indexes(t.Context(), pool, "web")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, x := range have {
		found = found || x.Name == migrations.IndexName(config.Indexes[0]) && x.Valid
	}
	if !found {
		t.Error("the index is not there")
	}
	// Where others own the schema, a load makes none.
	config.Evolve = loader.Managed
	config.Indexes = []loader.Index{{Table: "purchase_made", Columns: []string{"event"}}}
	if report := load(bought, bought); len(report.Indexes) != 0 {
		t.Errorf("a managed load made %v", report.Indexes)
	}
	config.Indexes[0].Columns = nil
	if _, err := loader.New(pool, config); err == nil {
		t.Error("an index without columns is no error")
	}
}
