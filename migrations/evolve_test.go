package migrations_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// purchase is the table of an event with a property and a context column.
func purchase() schema.Table {
	columns := append(schema.StandardColumns(),
		schema.Column{Name: "amount", Type: schema.Bigint, Path: []string{"Amount"}},
		schema.Column{Name: "context_build", Type: schema.Bigint, Path: []string{"build"}})
	return schema.Table{Name: "purchase", Event: "Purchase", Columns: columns}
}

func purchases() schema.Diff { return schema.Diff{Tables: []schema.Table{purchase()}} }

func evolve(t *testing.T, m *migrations.Migrator, d schema.Diff) migrations.Applied {
	t.Helper()
	done, err := m.Evolve(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func tables(t *testing.T, m *migrations.Migrator) schema.Tables {
	t.Helper()
	have, err := m.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return have
}

// names returns the columns of a table beside the standard ones.
func names(table *schema.Table) []string {
	var out []string
	for _, c := range table.Columns {
		if !schema.IsStandardColumn(c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

func TestEvolveCreatesTableAndView(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	done := evolve(t, m, purchases())
	if done.Version != 2 || len(done.Files) != 1 || len(done.Diff.Tables[0].Columns) != 12 || done.Files[0].Name != "create_purchase" {
		t.Errorf("Applied = %+v, want number 2 with 12 columns", done)
	}
	have := tables(t, m)
	want := purchase()
	for i := range want.Columns {
		if c := &want.Columns[i]; c.Comment == "" {
			c.Comment = map[string]string{
				"amount": `Property "Amount" of event "Purchase".`, "context_build": `Context "build" of event "Purchase".`,
			}[c.Name]
		}
	}
	want.Comment = `One row for each event "Purchase".`
	if diff := cmp.Diff(&want, have["purchase"]); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	pgtest.Exec(t, pool, `insert into shop.purchase (id, event, event_text, context_build) values ('a', 'purchase', 'Purchase', 7)`)
	pgtest.Exec(t, pool, `insert into shop.app_launched (id, event, event_text) values ('b', 'app_launched', 'App Launched')`)
	got := pgtest.Query(t, pool, `select id, event, context_build from shop.tracks order by id`)
	if diff := cmp.Diff([][]any{{"a", "purchase", "7"}, {"b", "app_launched", nil}}, got); diff != "" {
		t.Errorf("tracks (-want +got):\n%s", diff)
	}
	key := pgtest.Value[string](t, pool, `select collation_name from information_schema.columns
		where table_schema = 'shop' and table_name = 'purchase' and column_name = 'id'`)
	brin := pgtest.Value[int64](t, pool, `select count(*) from pg_indexes where schemaname = 'shop'
		and tablename = 'purchase' and indexdef like '%using brin%autosummarize%pages_per_range%'
		or tablename = 'purchase' and indexdef ilike '%using brin%autosummarize%pages_per_range%'`)
	if key != "C" || brin != 2 {
		t.Errorf("collation of the key %q, BRIN indexes %d; want C and 2", key, brin)
	}
}

func TestEvolveTwiceDoesItOnce(t *testing.T) {
	t.Parallel()
	_, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	again := evolve(t, m, purchases())
	if again.Version != 2 || len(again.Files) != 0 || !again.Diff.Empty() {
		t.Errorf("second Evolve = %+v, want nothing done at number 2", again)
	}
}

func TestEvolveAddsColumnsAndAppendsToView(t *testing.T) {
	t.Parallel()
	_, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	done := evolve(t, m, schema.Diff{Columns: []schema.Added{
		{Table: "purchase", Column: schema.Column{Name: "currency", Type: schema.Text, Path: []string{"Currency"}}},
		{Table: "app_launched", Column: schema.Column{Name: "context_app_name", Type: schema.Text, Path: []string{"app", "name"}}},
	}})
	if done.Version != 3 || len(done.Diff.Columns) != 2 {
		t.Errorf("Applied = %d, %d columns, want number 3 with 2", done.Version, len(done.Diff.Columns))
	}
	have := tables(t, m)
	if diff := cmp.Diff([]string{"amount", "context_build", "currency"}, names(have["purchase"])); diff != "" {
		t.Errorf("columns of purchase (-want +got):\n%s", diff)
	}
	// context_app_name sorts before context_build, but a view's columns keep their places.
	if diff := cmp.Diff([]string{"context_build", "context_app_name"}, names(have["tracks"])); diff != "" {
		t.Errorf("columns of tracks (-want +got):\n%s", diff)
	}
	c := have["app_launched"].Column("context_app_name")
	if want := `Context "app"."name" of event "App Launched".`; c.Comment != want {
		t.Errorf("comment = %q, want %q", c.Comment, want)
	}
	if diff := cmp.Diff([]string{"app", "name"}, c.Path); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	if _, err := m.Down(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"context_build"}, names(tables(t, m)["tracks"])); diff != "" {
		t.Errorf("columns of tracks after down (-want +got):\n%s", diff)
	}
}

func TestEvolveWidens(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	pgtest.Exec(t, pool, `insert into shop.purchase (id, amount, context_build) values ('a', 71, 8)`)
	// An analyst's view over tracks, with a grant on tracks: both outlive the change of a column that tracks shows.
	pgtest.Exec(t, pool, `create view public.report as select id, context_build from shop.tracks`)
	pgtest.Exec(t, pool, `grant select on shop.tracks to public`)
	evolve(t, m, schema.Diff{Widen: []schema.Widens{
		{Table: "purchase", Column: "amount", From: schema.Bigint, To: schema.Double},
		{Table: "purchase", Column: "context_build", From: schema.Bigint, To: schema.Numeric},
	}})
	pgtest.Exec(t, pool, `insert into shop.purchase (id, amount, context_build) values ('b', 1.5, 2.25)`)
	got := pgtest.Query(t, pool, `select p.id, amount::text, r.context_build from shop.purchase p join public.report r using (id) order by id`)
	if diff := cmp.Diff([][]any{{"a", "71", "8"}, {"b", "1.5", "2.25"}}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if !pgtest.Value[bool](t, pool, `select relacl is not null from pg_class where oid = 'shop.tracks'::regclass`) {
		t.Error("the grant on tracks is gone")
	}
	if typ := pgtest.Value[string](t, pool, `select type from shop._columns where table_name = 'purchase' and column_name = 'amount'`); typ != "double precision" {
		t.Errorf("type in _columns = %q", typ)
	}
}

func TestDownOfAWidenKeepsValues(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	evolve(t, m, schema.Diff{Widen: []schema.Widens{
		{Table: "purchase", Column: "amount", From: schema.Bigint, To: schema.Double},
		{Table: "purchase", Column: "context_build", From: schema.Bigint, To: schema.Numeric},
	}})
	for _, bad := range []string{"1.5", "1e19", "'nan'", "'-infinity'"} {
		pgtest.Exec(t, pool, `insert into shop.purchase (id, amount) values ('a', `+bad+`)`)
		_, err := m.Down(t.Context(), 1)
		if err == nil || !strings.Contains(err.Error(), "column purchase.amount has values that are no bigint") {
			t.Errorf("Down with %s = %v, want a clear error", bad, err)
		}
		pgtest.Exec(t, pool, `truncate shop.purchase`)
	}
	version, dirty, err := m.Version(t.Context())
	if err != nil || version != 3 || dirty {
		t.Fatalf("Version after a refused down = %d, %v, %v, want 3, clean", version, dirty, err)
	}
	pgtest.Exec(t, pool, `insert into shop.purchase (id, amount, context_build) values ('a', 71, 8)`)
	if _, err := m.Down(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	got := pgtest.Query(t, pool, `select p.amount, t.context_build from shop.purchase p join shop.tracks t using (id)`)
	if diff := cmp.Diff([][]any{{int64(71), "8"}}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestPlanTouchesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	m := open(t, pool, migrations.Options{})
	plan, err := m.Plan(t.Context(), purchases())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-- First comes migration 1, the baseline: ", `create table if not exists "shop"."purchase"`} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan lacks %q", want)
		}
	}
	if strings.Contains(plan, `"shop"."_loads" (`) || plan != migrations.PlanNew("shop", purchases()) {
		t.Errorf("the plan of a new schema is another than PlanNew's:\n%s", plan)
	}
	_, generated, _ := strings.Cut(plan, "\n")
	if n := pgtest.Value[int64](t, pool, `select count(*) from pg_namespace where nspname in ('shop', 'tapline')`); n != 0 {
		t.Error("Plan made a schema")
	}
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	before := relations(t, pool)
	plan, err = m.Plan(t.Context(), purchases())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, relations(t, pool)); diff != "" {
		t.Errorf("Plan changed the schema:\n%s", diff)
	}
	if plan != generated {
		t.Errorf("after the baseline, another plan than before:\n%s", cmp.Diff(generated, plan))
	}
	if done := evolve(t, m, purchases()); done.Files[0].Up != plan {
		t.Errorf("Evolve did not do what Plan said:\n%s", cmp.Diff(plan, done.Files[0].Up))
	}
	if plan, err := m.Plan(t.Context(), purchases()); err != nil || plan != "" {
		t.Errorf("Plan of nothing = %q, %v", plan, err)
	}
}

func TestTableThatIsCalledLikeAKey(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	key := purchase()
	key.Name, key.Event = "purchase_pkey", "Purchase Pkey"
	evolve(t, m, schema.Diff{Tables: []schema.Table{key}})
	pgtest.Exec(t, pool, `insert into shop.purchase_pkey (id) values ('a')`)
}

func TestAdoptedSchemaKeepsItsTables(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema shop`)
	pgtest.Exec(t, pool, `create table shop.tracks (id varchar(512) primary key, event text)`)
	pgtest.Exec(t, pool, `create table shop.app_launched (id varchar(512) primary key, event_text text, received_at timestamptz, version text)`)
	pgtest.Exec(t, pool, `insert into shop.app_launched (id) values ('old')`)
	m := open(t, pool, migrations.Options{})
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	have := tables(t, m)
	if have["tracks"].View {
		t.Error("tracks became a view")
	}
	lack := migrations.CatalogueDiff(have)
	if !lack.Empty() {
		t.Errorf("still missing: %+v", lack)
	}
	if n, err := m.Down(t.Context(), migrations.All); err != nil || n != 1 {
		t.Fatalf("Down = %d, %v", n, err)
	}
	want := []string{"app_launched", "tracks"}
	if diff := cmp.Diff(want, tables(t, m).Names()); diff != "" {
		t.Errorf("tables after down (-want +got):\n%s", diff)
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from shop.app_launched where id = 'old'`); n != 1 {
		t.Error("a row that was there before is gone")
	}
}
