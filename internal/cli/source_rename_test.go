package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func TestSourceRename(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("events.ndjson", purchases(2)+badLine)
	w.must(3, "load", path, "-s", "Web")
	dry := w.must(0, "source", "rename", "Web", "Shop", "--dry-run").stdout
	contains(t, dry, `alter schema "web" rename to "shop";`, `set "nickname" = 'Shop', "schema_name" = 'shop'`, "kept migration")
	contains(t, w.must(0, "status").stdout, "Web", "schema web")
	// What the dry run printed is what the command does.
	contains(t, w.must(0, "source", "rename", "web", "Shop").stdout, "Renamed source Web to Shop, schema web to shop", "--source Web makes a new source")
	contains(t, w.must(0, "load", path, "-s", "Shop").stdout, "skipped")
	var out struct {
		To struct {
			Source, Schema string
		} `json:"to"`
		SQL   []string `json:"sql"`
		Files []string `json:"files"`
	}
	w.json(0, &out, "source", "rename", "Shop", "Store", "--schema", "shop")
	if out.To.Source != "Store" || out.To.Schema != "shop" || len(out.SQL) == 0 || out.Files == nil {
		t.Errorf("%+v", out)
	}
	for _, args := range [][]string{
		{"Nobody", "New"},
		{"Store", "Store", "--schema", "shop"},
		{"Store", "public"},
		{"Store", "New", "--schema", "No Schema"},
		{"Store", "New", "--schema", "pg_x"},
		{"Store", "\n"},
		{"Store"},
		{"Store", "New", "--dir", filepath.Join(w.dir, "missing")},
	} {
		w.must(64, append([]string{"source", "rename"}, args...)...)
	}
	pgtest.Exec(t, pgtest.PoolAt(t, w.dsn), `create schema taken`)
	contains(t, w.must(64, "source", "rename", "Store", "Taken").stderr, "there is a schema taken already")
	w.configured("  Store: {schema: shop}\n")
	file := filepath.Join(w.dir, "tapline.yaml")
	contains(t, w.must(0, "source", "rename", "Store", "Last", "--config", file).stdout, file+" has settings of Store")
}

// The files that a team keeps in a folder go on to be those of the schema.
func TestSourceRenameFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(w.dir, "migrations")
	d := schema.Diff{Tables: []schema.Table{{Name: "web", Event: "Web", Columns: schema.StandardColumns()}}}
	proposal := migrations.ProposeNew("Web", "web", d, "")
	if err := migrations.WriteFolder(dir, proposal.Files); err != nil {
		t.Fatal(err)
	}
	up := func(nickname, schemaName string) int {
		t.Helper()
		files, err := migrations.ReadFolder(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		m, err := migrations.Open(t.Context(), pgtest.PoolAt(t, w.dsn).Config().ConnConfig, schemaName, migrations.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		steps, err := m.UpFolder(t.Context(), nickname, files, migrations.All)
		if err != nil {
			t.Fatal(err)
		}
		return len(steps)
	}
	if n := up("Web", "web"); n != len(proposal.Files) || n < 2 {
		t.Fatalf("%d migrations", n)
	}
	contains(t, w.must(0, "source", "rename", "Web", "Shop", "--dir", dir, "--dry-run").stdout, "-- and in "+dir)
	contains(t, w.must(0, "source", "rename", "Web", "Shop", "--dir", dir).stdout, "files of the folder rewritten")
	if n := up("Shop", "shop"); n != 0 {
		t.Errorf("%d migrations are not applied", n)
	}
	// The folder makes the same of an empty database.
	other := newWorld(t)
	w.dsn = other.dsn
	if n := up("Shop", "shop"); n != len(proposal.Files) {
		t.Errorf("%d migrations of an empty database", n)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2*len(proposal.Files) {
		t.Errorf("files %v, %v", entries, err)
	}
}
