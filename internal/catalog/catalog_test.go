package catalog_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// shop is a database with a schema as it may be found: types of others, dropped columns, Tapline's own tables, names
// that have to be quoted, and a schema beside it that must not be looked into.
func shop(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t)
	for _, sql := range []string{
		`create schema shop`,
		`create table shop.purchase (id text primary key, gone text, "Amount €" bigint, price numeric(10,2), at timestamp with time zone,
			code varchar(512), ok boolean, share double precision, tags text[], day date, small integer)`,
		`alter table shop.purchase drop column gone`,
		`comment on table shop.purchase is 'Purchases.'`,
		`comment on column shop.purchase.code is 'The code.'`,
		`create table shop.bare ()`,
		`create table shop.parts (id text) partition by hash (id)`,
		`create table shop.parts_0 partition of shop.parts for values with (modulus 1, remainder 0)`,
		`create table shop._loads (load uuid)`,
		`create view shop.tracks as select id from shop.purchase`,
		`create view shop.report as select id from shop.purchase`,
		`create sequence shop.numbers`,
		`create schema other`,
		`create table other.purchase (secret text)`,
	} {
		pgtest.Exec(t, pool, sql)
	}
	return pool
}

func wantShop() schema.Tables {
	return schema.Tables{
		"purchase": {Name: "purchase", Comment: "Purchases.", Columns: []schema.Column{
			{Name: "id", Type: schema.Text},
			{Name: "Amount €", Type: schema.Bigint},
			{Name: "price", Type: schema.Numeric},
			{Name: "at", Type: schema.Timestamptz},
			{Name: "code", Type: schema.Text, Comment: "The code."},
			{Name: "ok", Type: schema.Boolean},
			{Name: "share", Type: schema.Double},
			{Name: "tags"},
			{Name: "day"},
			{Name: "small"},
		}},
		"bare":   {Name: "bare"},
		"parts":  {Name: "parts", Columns: []schema.Column{{Name: "id", Type: schema.Text}}},
		"tracks": {Name: "tracks", View: true, Columns: []schema.Column{{Name: "id", Type: schema.Text}}},
	}
}

func read(t *testing.T, pool *pgxpool.Pool) schema.Tables {
	t.Helper()
	got, err := catalog.Read(t.Context(), pool, "shop")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRead(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	want := wantShop()
	// An array, a date and an integer are no types of Tapline's: ParseType decides what they are.
	for i, name := range []string{"text[]", "date", "integer"} {
		want["purchase"].Columns[7+i].Type = schema.ParseType(name)
	}
	if diff := cmp.Diff(want, read(t, pool)); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

// Nothing that a session may have set changes what is read, not even a table that hides Postgres's own.
func TestSessionDoesNotMatter(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	for _, name := range []string{"text", "pg_class", "pg_attribute", "pg_namespace", "pg_description"} {
		pgtest.Exec(t, pool, `create table other.`+name+` (id text)`)
	}
	cfg := pool.Config().ConnConfig
	cfg.RuntimeParams["search_path"] = "other,pg_catalog"
	cfg.RuntimeParams["quote_all_identifiers"] = "on"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	got, err := catalog.Read(t.Context(), conn, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantShop(), got); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
	types, err := catalog.Types(t.Context(), conn, "shop", []string{"purchase"})
	if err != nil || types["purchase"]["id"] != schema.Text {
		t.Errorf("Types = %v, %v", types, err)
	}
}

func TestReadOriginalNames(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	pgtest.Exec(t, pool, `create table shop._columns (table_name text, column_name text, path json, type text, event text)`)
	pgtest.Exec(t, pool, `insert into shop._columns values
		('purchase', 'code', '["a","nul\u0000 \"quoted\""]', 'text', 'Purchase'),
		('purchase', 'id', null, 'text', 'Purchase'),
		('purchase', 'gone', '["gone"]', 'text', 'Purchase'),
		('never made', 'x', '["x"]', 'text', 'Never')`)
	got := read(t, pool)
	if got["purchase"].Event != "Purchase" {
		t.Errorf("event = %q", got["purchase"].Event)
	}
	if diff := cmp.Diff([]string{"a", "nul\x00 \"quoted\""}, got["purchase"].Column("code").Path); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	if path := got["purchase"].Column("id").Path; path != nil {
		t.Errorf("path of a standard column = %q", path)
	}
	if got["never made"] != nil {
		t.Error("a table that only _columns knows was read")
	}
}

func TestReadOfNoSchema(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	if got := read(t, pool); len(got) != 0 {
		t.Errorf("Read = %v, want nothing", got)
	}
}

func TestExists(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	for name, want := range map[string]bool{"shop": true, "Shop": false, "shop2": false} {
		got, err := catalog.Exists(t.Context(), pool, name)
		if err != nil || got != want {
			t.Errorf("Exists(%q) = %v, %v, want %v", name, got, err, want)
		}
	}
}

// The loader reads types after it has locked the tables, in its transaction: they must be those of that moment.
func TestTypesInATransaction(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	types := func() map[string]map[string]schema.Type {
		got, err := catalog.Types(t.Context(), tx, "shop", []string{"parts", "purchase", "nothing", "_loads", "report"})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := types()["purchase"]["Amount €"]; got != schema.Bigint {
		t.Errorf("type = %v, want bigint", got)
	}
	pgtest.Exec(t, pool, `alter table shop.purchase alter column "Amount €" type double precision`)
	got := types()
	if got["purchase"]["Amount €"] != schema.Double {
		t.Errorf("type after the widening = %v, want double precision", got["purchase"]["Amount €"])
	}
	if _, found := got["purchase"]["gone"]; found {
		t.Error("a dropped column has a type")
	}
	for _, name := range []string{"nothing", "report"} {
		if got[name] != nil {
			t.Errorf("Types has %s", name)
		}
	}
}

// counting counts the queries that go through it.
type counting struct {
	catalog.Querier
	n int
}

func (c *counting) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c.n++
	return c.Querier.Query(ctx, sql, args...)
}

func TestReadIsOneQuery(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	pgtest.Exec(t, pool, `create table shop._columns (table_name text, column_name text, path json, type text, event text)`)
	q := &counting{Querier: pool}
	if tables, err := catalog.Read(t.Context(), q, "shop"); err != nil || len(tables) != 4 || q.n != 1 {
		t.Errorf("Read = %d tables with %d queries, %v; want 4 with 1", len(tables), q.n, err)
	}
}

// A schema without a dictionary is read in a transaction too, which goes on.
func TestReadInATransaction(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	got, err := catalog.Read(t.Context(), tx, "shop")
	if diff := cmp.Diff(wantShop(), got); err != nil || diff != "" {
		t.Errorf("Read = %v (-want +got):\n%s", err, diff)
	}
	pgtest.Exec(t, tx, `create table shop.after (id text)`)
}
