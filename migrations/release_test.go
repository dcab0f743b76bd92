package migrations_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// What a later release has more in its catalogue: a property of all events, and an event.
const (
	laterProperty = `{"CT Later", "What a later release knows."},`
	laterEvent    = `{name: "App Reviewed", about: "One row for each review.", properties: [][]property{common(), {{"Stars", "How many."}}}}`
)

// laterTables are the tables of that catalogue.
func laterTables() []schema.Table {
	tables := schema.BaselineTables()
	reviewed := schema.Table{Name: "app_reviewed", Event: "App Reviewed", Comment: "One row for each review.", Columns: schema.StandardColumns()}
	for _, c := range tables[0].Columns {
		if slices.Contains([]string{"ct_app_version", "ct_sdk_version", "ct_source"}, c.Name) { // of common()
			reviewed.Columns = append(reviewed.Columns, c)
		}
	}
	reviewed.Columns = append(reviewed.Columns, schema.Column{Name: "stars", Type: schema.Text, Path: []string{"Stars"}, Comment: "How many."})
	tables = append(tables, reviewed)
	for i := range tables {
		later := schema.Column{Name: "ct_later", Type: schema.Text, Path: []string{"CT Later"}, Comment: "What a later release knows."}
		tables[i].Columns = append(tables[i].Columns, later)
		slices.SortFunc(tables[i].Columns[3:], func(a, b schema.Column) int { return cmp.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(tables, func(a, b schema.Table) int { return cmp.Compare(a.Name, b.Name) })
	return tables
}

// laterRelease builds a program over package loader as a later release would have it: of this very source, but with that
// catalogue, and with the number 1 that belongs to it. The compiler takes the changed files from elsewhere.
func laterRelease(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	up, down := migrations.Render("{schema}", nil, schema.Diff{Tables: laterTables()})
	replace := map[string]string{}
	for path, text := range map[string]string{
		upPath:   head(t, upPath, upMark) + up,
		downPath: down + tail(t, downPath, downMark),
		"../schema/catalogue_properties.go": swapped(t, "../schema/catalogue_properties.go",
			`func common() []property {`+"\n\treturn []property{", `func common() []property {`+"\n\treturn []property{"+laterProperty),
		"../schema/catalogue_events.go": swapped(t, "../schema/catalogue_events.go",
			"return slices.Concat(appEvents(),", "return slices.Concat([]described{"+laterEvent+"}, appEvents(),"),
	} {
		from, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		replace[from] = filepath.Join(dir, filepath.Base(path))
		write(t, replace[from], text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), string(overlay))
	bin := filepath.Join(dir, "later")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin,
		"../internal/crash/crashload").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// swapped returns the text of a file with a part of it replaced.
func swapped(t *testing.T, path, old, by string) string {
	t.Helper()
	text := read(t, path)
	if strings.Count(text, old) != 1 {
		t.Fatalf("%s has not once %q", path, old)
	}
	return strings.Replace(text, old, by, 1)
}

// loads has the later release load lines into the source Shop.
func loads(t *testing.T, bin string, pool *pgxpool.Pool, lines ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	write(t, path, strings.Join(lines, "\n"))
	run(t, bin, pool, path)
}

func run(t *testing.T, bin string, pool *pgxpool.Pool, args ...string) {
	t.Helper()
	args = append([]string{"-dsn", pool.Config().ConnString(), "-source", "Shop"}, args...)
	if out, err := exec.CommandContext(t.Context(), bin, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// loadsNow has this release do the same.
func loadsNow(t *testing.T, pool *pgxpool.Pool, lines ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	write(t, path, strings.Join(lines, "\n"))
	l, err := loader.New(pool, loader.Config{Source: "Shop"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	files, err := loader.Files([]string{path}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load(t.Context(), files); err != nil {
		t.Fatal(err)
	}
}

// appliedNames returns the migrations of the schema shop, as number and name.
func appliedNames(t *testing.T, pool *pgxpool.Pool) [][]any {
	t.Helper()
	return pgtest.Query(t, pool, `select version, name from shop._migration_files where applied_at is not null order by version`)
}

// A schema that an older release made, and that has grown since then, gets what a newer release's catalogue adds as its
// next number; it is then the schema that the newer release would have made, and both go on loading into it.
func TestNewerReleaseOpensOlderSchema(t *testing.T) {
	t.Parallel()
	const (
		custom  = `{"type":"track","event":"Charged","messageId":"a","userId":"u","properties":{"amount":1}}`
		grown   = `{"type":"track","event":"App Launched","messageId":"b","userId":"u","context":{"ip":"::1"},"properties":{"plan":"gold"}}`
		review  = `{"type":"track","event":"app reviewed","messageId":"c","userId":"u","properties":{"Stars":"5","CT Later":"x"}}`
		later   = `{"type":"track","event":"App Launched","messageId":"d","userId":"u","properties":{"CT Later":"x","new":true}}`
		again   = `{"type":"track","event":"Charged","messageId":"e","userId":"u","properties":{"amount":2,"note":"n"}}`
		version = `select version || ' ' || dirty from shop._migrations`
	)
	bin := laterRelease(t)
	pool := pgtest.Pool(t)
	loadsNow(t, pool, custom)
	loadsNow(t, pool, grown)
	want := [][]any{{int64(1), "baseline"}, {int64(2), "create_charged"}, {int64(3), "add_app_launched_context_ip_and_1_more"}}
	if diff := gocmp.Diff(want, appliedNames(t, pool)); diff != "" {
		t.Fatalf("migrations of the older release (-want +got):\n%s", diff)
	}
	loads(t, bin, pool, review, later)
	want = append(want, []any{int64(4), "create_app_reviewed_and_19_more"}, []any{int64(5), "add_app_launched_new"})
	if diff := gocmp.Diff(want, appliedNames(t, pool)); diff != "" {
		t.Fatalf("migrations of the newer release (-want +got):\n%s", diff)
	}
	got := pgtest.Query(t, pool, `select r.stars, r.ct_later, l.ct_later, l.new from shop.app_reviewed r, shop.app_launched l where l.id = 'd'`)
	if diff := gocmp.Diff([][]any{{"5", "x", "x", true}}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := pgtest.Value[string](t, pool, version); got != "5 false" {
		t.Errorf("version %s, want 5 false", got)
	}
	// The older release still loads, the newer one after it, and neither takes anything back.
	loadsNow(t, pool, again)
	loads(t, bin, pool, again)
	want = append(want, []any{int64(6), "add_charged_note"})
	if diff := gocmp.Diff(want, appliedNames(t, pool)); diff != "" {
		t.Errorf("migrations of both (-want +got):\n%s", diff)
	}
	fresh := pgtest.Pool(t)
	loads(t, bin, fresh, custom, grown, review, later, again)
	if diff := gocmp.Diff(described(t, fresh), described(t, pool)); diff != "" {
		t.Errorf("the schema is another one than a new one (-new +grown):\n%s", diff)
	}
	for _, p := range []*pgxpool.Pool{fresh, pool} {
		run(t, bin, p, "-down")
		if left := relations(t, p); len(left) != 0 {
			t.Errorf("down leaves %v", left)
		}
	}
}

// described returns all columns of the schema shop with what is known of them, in name order.
func described(t *testing.T, pool *pgxpool.Pool) map[string]schema.Table {
	t.Helper()
	tables, err := catalog.Read(t.Context(), pool, shop)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]schema.Table{}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		table := *tables[name]
		slices.SortFunc(table.Columns, func(a, b schema.Column) int { return cmp.Compare(a.Name, b.Name) })
		out[name] = table
	}
	return out
}
