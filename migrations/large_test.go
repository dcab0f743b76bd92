package migrations_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// wide returns a table with the standard columns, properties and context columns.
func wide(name string, properties, context int) schema.Table {
	t := schema.Table{Name: name, Event: name, Columns: schema.StandardColumns()}
	for i := range context {
		n := fmt.Sprintf("context_key_%03d", i)
		t.Columns = append(t.Columns, schema.Column{Name: n, Type: schema.Text, Path: []string{n}})
	}
	for i := range properties {
		n := fmt.Sprintf("property_number_%03d", i)
		t.Columns = append(t.Columns, schema.Column{Name: n, Type: schema.Bigint, Path: []string{n}})
	}
	return t
}

// The rest of the largest schema that the rules allow is of the same kind; this is what a shared machine does in seconds.
func TestManyTablesAreSeveralFiles(t *testing.T) {
	t.Parallel()
	_, m := ready(t, migrations.Options{})
	var d schema.Diff
	for i := range 250 {
		d.Tables = append(d.Tables, wide(fmt.Sprintf("event_%03d", i), 5, 20))
	}
	done := evolve(t, m, d)
	if len(done.Files) != 3 || done.Version != 4 {
		t.Fatalf("%d files, version %d, want 3 and 4", len(done.Files), done.Version)
	}
	have := tables(t, m)
	if got := len(names(have["tracks"])); got != 20 {
		t.Errorf("tracks shows %d context columns, want 20", got)
	}
	for _, table := range d.Tables {
		if diff := cmp.Diff(names(&table), names(have[table.Name])); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", table.Name, diff)
		}
	}
	if n, err := m.Down(t.Context(), 3); err != nil || n != 3 {
		t.Fatalf("Down = %d, %v, want 3", n, err)
	}
	if got := len(tables(t, m)); got != len(schema.BaselineTables())+1 {
		t.Errorf("%d tables after down", got)
	}
}

// Of several files the last rebuilds tracks. If it fails, the next Evolve does, even when nothing else is missing.
func TestTracksIsRebuiltAfterAFailure(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	var d schema.Diff
	for i := range 101 {
		d.Tables = append(d.Tables, wide(fmt.Sprintf("event_%03d", i), 0, 1))
	}
	obstacle := `create view shop.event_100 as select 1 as one`
	if _, err := pool.Exec(t.Context(), obstacle); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Evolve(t.Context(), d); err == nil {
		t.Fatal("Evolve over a view gave no error")
	}
	if have := tables(t, m); have["event_099"] == nil || len(names(have["tracks"])) != 0 {
		t.Fatal("want the first file applied and the second not")
	}
	done := evolve(t, m, schema.Diff{})
	if len(done.Files) != 1 || done.Files[0].Name != "rebuild_tracks" {
		t.Errorf("Applied = %d files, want the view alone", len(done.Files))
	}
	if diff := cmp.Diff([]string{"context_key_000"}, names(tables(t, m)["tracks"])); diff != "" {
		t.Errorf("columns of tracks (-want +got):\n%s", diff)
	}
	if n, err := m.Down(t.Context(), migrations.All); err != nil || n != 3 {
		t.Errorf("Down = %d, %v, want 3", n, err)
	}
}

func BenchmarkRender500x500(b *testing.B) {
	var d schema.Diff
	for i := range 500 {
		d.Tables = append(d.Tables, wide(fmt.Sprintf("event_%03d", i), 390, 100))
	}
	b.ReportAllocs()
	for b.Loop() {
		up, down := migrations.Render(shop, nil, d)
		b.SetBytes(int64(len(up) + len(down)))
	}
}
