package migrations_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func TestBootstrapMakesTheCatalogue(t *testing.T) {
	t.Parallel()
	_, m := ready(t, migrations.Options{})
	got, err := m.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := schema.Tables{}
	for _, table := range schema.BaselineTables() {
		want[table.Name] = &table
	}
	tracks := got[schema.TableTracks]
	if tracks == nil || !tracks.View {
		t.Fatalf("tracks = %+v, want a view", tracks)
	}
	delete(got, schema.TableTracks)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables are not the catalogue's (-want +got):\n%s", diff)
	}
	shown := cmp.Diff(schema.StandardColumns(), tracks.Columns, cmpopts.IgnoreFields(schema.Column{}, "Path"))
	if shown != "" {
		t.Errorf("columns of tracks (-want +got):\n%s", shown)
	}
}

func TestEverythingHasAComment(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	if _, err := m.Evolve(t.Context(), purchases()); err != nil {
		t.Fatal(err)
	}
	silent := pgtest.Query(t, pool, `
		select n.nspname, c.relname, coalesce(a.attname, '')
		from pg_class c
		join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('shop', 'tapline')
		left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relkind in ('r', 'v') and (
			coalesce(obj_description(c.oid, 'pg_class'), c.relname) = c.relname
			or a.attname is not null and coalesce(col_description(c.oid, a.attnum), a.attname) = a.attname)`)
	if len(silent) > 0 {
		t.Errorf("without a comment of its own: %v", silent)
	}
}

func TestDownLeavesOnlyTheSchema(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	if _, err := m.Evolve(t.Context(), purchases()); err != nil {
		t.Fatal(err)
	}
	before := relations(t, pool)
	if n, err := m.Down(t.Context(), migrations.All); err != nil || n != 2 {
		t.Fatalf("Down = %d, %v, want 2", n, err)
	}
	if left := relations(t, pool); len(left) > 0 {
		t.Errorf("Down left %v", left)
	}
	if pgtest.Value[int64](t, pool, `select count(*) from pg_namespace where nspname = 'shop'`) != 1 {
		t.Error("Down took the schema itself")
	}
	// What was generated was kept in the schema and is gone with it; number 1 comes back.
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Evolve(t.Context(), purchases()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, relations(t, pool)); diff != "" {
		t.Errorf("up after down (-before +after):\n%s", diff)
	}
}

func TestDownAndUpOfOneMigration(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	before := relations(t, pool)
	if _, err := m.Evolve(t.Context(), purchases()); err != nil {
		t.Fatal(err)
	}
	after := relations(t, pool)
	if n, err := m.Down(t.Context(), 1); err != nil || n != 1 {
		t.Fatalf("Down = %d, %v, want 1", n, err)
	}
	if diff := cmp.Diff(before, relations(t, pool)); diff != "" {
		t.Errorf("after down (-want +got):\n%s", diff)
	}
	if n, err := m.Up(t.Context()); err != nil || n != 1 {
		t.Fatalf("Up = %d, %v, want 1", n, err)
	}
	if diff := cmp.Diff(after, relations(t, pool)); diff != "" {
		t.Errorf("after up again (-want +got):\n%s", diff)
	}
	version, dirty, err := m.Version(t.Context())
	if err != nil || version != 2 || dirty {
		t.Errorf("Version = %d, %v, %v, want 2, clean", version, dirty, err)
	}
}

func TestSchemaOfAnotherSource(t *testing.T) {
	t.Parallel()
	_, m := ready(t, migrations.Options{})
	var owned *migrations.OwnedError
	if err := m.Bootstrap(t.Context(), "shop"); !errors.As(err, &owned) {
		t.Fatalf("Bootstrap of another source = %v, want *OwnedError", err)
	}
	want := migrations.OwnedError{Schema: shop, Nickname: "shop", Owner: "Shop"}
	if diff := cmp.Diff(want, *owned); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Errorf("Bootstrap of the owner = %v", err)
	}
}

func TestSourceWithAnotherSchema(t *testing.T) {
	t.Parallel()
	pool, _ := ready(t, migrations.Options{})
	other := openSchema(t, pool, "shop2", migrations.Options{})
	if err := other.Bootstrap(t.Context(), "Shop"); err == nil || !strings.Contains(err.Error(), "shop2") {
		t.Errorf("Bootstrap of a second schema = %v, want an error", err)
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from pg_namespace where nspname = 'shop2'`); n != 0 {
		t.Error("the refused schema was made")
	}
}

func TestManagedOnlyChecks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	managed := open(t, pool, migrations.Options{Managed: true})
	var notReady *migrations.NotReadyError
	if err := managed.Bootstrap(t.Context(), "Shop"); !errors.As(err, &notReady) {
		t.Fatalf("Bootstrap = %v, want *NotReadyError", err)
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from pg_namespace where nspname in ('shop', 'tapline')`); n != 0 {
		t.Error("a managed Bootstrap made a schema")
	}
	if err := open(t, pool, migrations.Options{}).Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	if err := managed.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Errorf("Bootstrap of a ready schema = %v", err)
	}
	if _, err := managed.Evolve(t.Context(), purchases()); !errors.Is(err, migrations.ErrManaged) {
		t.Errorf("Evolve = %v, want ErrManaged", err)
	}
}

func TestReleaseWithALargerCatalogue(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	complete := relations(t, pool)
	// An older release made this schema: it knew one event and one property less.
	pgtest.Exec(t, pool, `
		create or replace view shop.tracks as select `+nulls()+` where false`)
	pgtest.Exec(t, pool, `drop table shop.utm_visited`)
	pgtest.Exec(t, pool, `alter table shop.app_launched drop column ct_source`)
	pgtest.Exec(t, pool, `delete from shop._columns where table_name = 'utm_visited' or column_name = 'ct_source'`)
	pgtest.Exec(t, pool, `update tapline.sources set catalogue = 'older'`)
	have, err := m.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := migrations.CatalogueDiff(have)
	if len(d.Tables) != 1 || len(d.Columns) != 1 {
		t.Fatalf("CatalogueDiff = %d tables, %d columns, want 1 and 1", len(d.Tables), len(d.Columns))
	}
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(complete, relations(t, pool)); diff != "" {
		t.Errorf("after the release (-want +got):\n%s", diff)
	}
	files, err := m.Files(t.Context())
	if err != nil || len(files) != 2 || files[1].Version != 2 || !files[1].Applied() {
		t.Errorf("Files = %d, %v, want the catalogue's change as number 2", len(files), err)
	}
}

// nulls is the select list of a tracks view that shows nothing.
func nulls() string {
	var parts []string
	for _, c := range schema.StandardColumns() {
		null := "null::" + c.Type.String()
		if c.Name == "id" {
			null += ` collate "C"`
		}
		parts = append(parts, null+` as "`+c.Name+`"`)
	}
	return strings.Join(parts, ", ")
}
