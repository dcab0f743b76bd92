package roles_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/roles"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

const identify = `{"type":"identify","messageId":"i1","userId":"u1","timestamp":"2026-01-15T10:00:00Z","traits":{"plan":"gold"}}`

// managed is a site where the migrator has made the tables of purchases and users.
func managed(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.load(s.migrator, loader.Auto, track("0", "Purchase", `{"amount":1}`), identify)
	return s
}

func TestThreeRoles(t *testing.T) {
	t.Parallel()
	s := managed(t)
	s.nothingFound()

	report := s.load(s.loader, loader.Managed,
		track("0", "Purchase", `{"amount":1}`), track("1", "Purchase", `{"amount":2,"color":"red"}`), track("2", "Unheard Of", `{}`),
		strings.ReplaceAll(identify, "i1", "i2"), strings.NewReplacer("i1", "i3", "2026", "2027", "gold", "blue").Replace(identify))
	if report.Loaded != 3 || report.Duplicates != 1 || report.Quarantine[schema.UnknownTable] != 1 || report.Discards[schema.UnknownColumn] != 1 {
		t.Errorf("report %+v %v %v, want 3 loaded, a duplicate, an unknown table, an unknown column", report.Counts, report.Quarantine, report.Discards)
	}
	s.equal(`select id, amount from shop.purchase order by id`, []any{"0", int64(1)}, []any{"1", int64(2)})
	s.equal(`select row_id, column_name, raw_value, reason from shop._discards`, []any{"1", "color", `"red"`, "unknown_column"})
	s.equal(`select id, plan from shop.users`, []any{"u1", "blue"})
	s.equal(`select count(*) from shop.tracks`, []any{int64(2)})
	s.denied(s.loader,
		`create table shop.x (n int)`, `create table tapline.x (n int)`, `create table public.x (n int)`, `create temporary table x (n int)`,
		`create schema x`, `create function shop.f() returns int language sql as 'select 1'`,
		`alter table shop.purchase add column x int`, `drop table shop.purchase`, `truncate shop.purchase`,
		`update shop.purchase set amount = 0`, `delete from shop.purchase`, `delete from shop.users`, `delete from shop._quarantine`,
		`insert into shop._migration_files (version, name, up) values (99, 'mine', 'alter role x superuser')`,
		`insert into shop._migrations values (99, false)`, `insert into shop._columns (table_name, column_name, type) values ('a', 'b', 'c')`,
		`insert into tapline.sources (nickname, schema_name) values ('a', 'b')`, `update tapline.sources set schema_name = 'x'`,
		`create index on shop.purchase (amount)`, `comment on table shop.purchase is 'mine'`,
		`create trigger x before insert on shop.purchase for each row execute function pg_catalog.suppress_redundant_updates_trigger()`)

	// A later migration's tables, a column, and the view over them.
	s.load(s.migrator, loader.Auto, track("3", "Refund", `{"amount":3}`), track("4", "Purchase", `{"color":"blue"}`),
		`{"type":"group","messageId":"g1","userId":"u1","groupId":"g","timestamp":"2026-01-15T10:00:00Z","traits":{"size":3}}`)
	for _, table := range []string{"refund", "purchase", "tracks", "users", "accounts", "_columns", "_discards", "_quarantine", "_loads"} {
		if pgtest.Value[int64](t, s.analyst, `select count(*) from shop.`+table) == 0 {
			t.Errorf("the analyst sees nothing in %s", table)
		}
	}
	s.denied(s.analyst,
		`insert into shop.refund (id) values ('x')`, `update shop.refund set amount = 0`, `delete from shop.refund`, `truncate shop._loads`,
		`create table shop.x (n int)`, `create table public.x (n int)`, `create temporary table x (n int)`, `create schema x`,
		`drop view shop.tracks`, `select * from tapline.sources`, `insert into shop._discards (table_name) values ('x')`)
	report = s.load(s.loader, loader.Managed, track("5", "Refund", `{"amount":5}`), track("6", "Purchase", `{"color":"green"}`),
		`{"type":"group","messageId":"g2","userId":"u1","groupId":"g","timestamp":"2026-02-15T10:00:00Z","traits":{"size":4}}`)
	if report.Loaded != 3 {
		t.Errorf("into tables of a later migration: %+v", report.Counts)
	}
	s.equal(`select size from shop.accounts`, []any{int64(4)})
	s.nothingFound()

	// Now that there is a place for it, what waits is brought in by the migrator; the loader may not change rows.
	s.load(s.migrator, loader.Auto, track("7", "Unheard Of", `{}`))
	for _, mode := range []loader.Mode{loader.Managed, loader.Auto} {
		if _, err := s.replay(s.loader, mode); err == nil || !strings.Contains(err.Error(), "the migrator's") || strings.Contains(err.Error(), "alter table") {
			t.Errorf("replay as the loader: %v, want an error that names the role, and gives it nothing", err)
		}
	}
	done, err := s.replay(s.migrator, loader.Managed)
	if err != nil || done.Records.Loaded != 1 || done.Filled["purchase"] != 1 {
		t.Errorf("replay as the migrator: %+v, %v, want one record and one value", done, err)
	}
	s.equal(`select color from shop.purchase where id = '1'`, []any{"red"})
	s.equal(`select id from shop.unheard_of order by id`, []any{"2"}, []any{"7"})
	s.nothingFound()
}

// Tables that somebody else made become the migrator's; he keeps his rights to them, and a tracks that is a table is filled.
func TestRolesOfAnAdoptedSchema(t *testing.T) {
	t.Parallel()
	s := newSite(t, `create schema shop;
		create role "segment owner" login;
		create table shop.purchase (id character varying(1024) not null, received_at timestamptz, uuid_ts timestamptz, amount numeric,
			event text, event_text text, original_timestamp timestamptz, sent_at timestamptz, "timestamp" timestamptz, user_id text,
			constraint purchase_pkey primary key (id));
		create table shop.tracks (id character varying(1024) not null, received_at timestamptz, uuid_ts timestamptz, anonymous_id text,
			event text, event_text text, original_timestamp timestamptz, sent_at timestamptz, "timestamp" timestamptz, user_id text,
			constraint tracks_pkey primary key (id));
		create table shop.counted (n serial);
		alter table shop.purchase owner to "segment owner"; alter table shop.tracks owner to "segment owner"`)
	s.load(s.migrator, loader.Auto, track("0", "Purchase", `{"color":"red"}`))
	report := s.load(s.loader, loader.Managed, track("1", "Purchase", `{"amount":2.5,"color":"red"}`), track("0", "Purchase", `{}`))
	if report.Loaded != 1 || report.Duplicates != 1 {
		t.Errorf("report %+v, want one loaded and one duplicate", report.Counts)
	}
	s.equal(`select id, event_text from shop.tracks order by id`, []any{"0", "Purchase"}, []any{"1", "Purchase"})
	s.equal(`select has_table_privilege('segment owner', 'shop.purchase', 'insert')`, []any{true})
	s.nothingFound()
}

// With evolve auto the loader is the migrator. Managed later, its tables become the new migrator's and it keeps no right
// to change them.
func TestFromAutoToManaged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	auto, err := roles.Names{Loader: s.names.Loader, Analyst: s.names.Analyst}.Validate()
	if err != nil {
		t.Fatal(err)
	}
	s.run(roles.SQL(auto, []string{shop}))
	s.load(s.loader, loader.Auto, track("0", "Purchase", `{"amount":1}`), identify)
	if found, err := roles.Check(t.Context(), s.admin, auto, []string{shop}); err != nil || len(found) > 0 {
		t.Errorf("with auto: %v, %v", found, err)
	}
	if got := pgtest.Value[int64](t, s.analyst, `select count(*) from shop.purchase`); got != 1 {
		t.Errorf("the analyst sees %d rows", got)
	}
	s.run(roles.SQL(s.names, []string{shop}))
	s.run(roles.SQL(s.names, []string{shop})) // again changes nothing
	s.nothingFound()
	s.denied(s.loader, `alter table shop.purchase add column x int`, `create table shop.x (n int)`)
	if report := s.load(s.loader, loader.Managed, track("1", "Purchase", `{"amount":2}`)); report.Loaded != 1 {
		t.Errorf("report %+v", report.Counts)
	}
}

// Whatever is wrong is found and named, and what Check says mends it.
func TestCheckFindsAndMends(t *testing.T) {
	t.Parallel()
	s := managed(t)
	q := func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
	m, l, a := q(s.names.Migrator), q(s.names.Loader), q(s.names.Analyst)
	s.run(`revoke insert on shop.purchase from ` + l + `; revoke select on shop._migrations from ` + l + `; grant delete on shop.purchase to ` + l + `;
		grant create on schema shop to ` + l + `; create schema other; grant create on schema other to public;
		grant insert on shop._migration_files to ` + l + `; revoke usage on schema tapline from ` + l + `; alter role ` + l + ` createrole;
		alter default privileges for role ` + m + ` in schema shop revoke insert on tables from ` + l + `;
		revoke select on shop.tracks from ` + a + `; grant update on shop.purchase to ` + a + `; revoke usage on schema shop from ` + a + `;
		alter default privileges for role ` + m + ` in schema shop grant insert on tables to ` + a + `;
		alter table shop._loads owner to ` + l + `;
		do $$ begin execute format('grant temporary, create on database %I to public', current_database()); end $$`)
	want := []string{
		"migrator M lacks ownership on table shop._loads",
		"loader L has too much: createrole on the server",
		"loader L has too much: create on database D", "loader L has too much: temporary on database D",
		"loader L has too much: create on schema other", "loader L has too much: create on schema shop",
		"loader L lacks usage on schema tapline", "loader L has too much: ownership on table shop._loads",
		"loader L has too much: insert on table shop._migration_files", "loader L lacks select on table shop._migrations",
		"loader L lacks insert on table shop.purchase", "loader L has too much: delete on table shop.purchase",
		"loader L lacks insert on tables that M will make in schema shop",
		"analyst A has too much: create on database D", "analyst A has too much: temporary on database D",
		"analyst A has too much: create on schema other", "analyst A lacks usage on schema shop",
		"analyst A has too much: update on table shop.purchase", "analyst A lacks select on table shop.tracks",
		"analyst A has too much: insert on tables that M will make in schema shop",
	}
	short := strings.NewReplacer(s.names.Migrator, "M", s.names.Loader, "L", s.names.Analyst, "A", s.admin.Config().ConnConfig.Database, "D")
	var got []string
	findings, err := roles.Check(t.Context(), s.admin, s.names, []string{shop})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		got = append(got, short.Replace(f.String()))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	for range 2 { // what was owned has to be granted after it has changed hands
		for _, f := range findings {
			s.run(f.Fix)
		}
		if findings, err = roles.Check(t.Context(), s.admin, s.names, []string{shop}); err != nil {
			t.Fatal(err)
		}
	}
	s.nothingFound()
	s.run(`alter role ` + l + ` superuser`)
	if found := s.check(); len(found) != 1 || !strings.Contains(found[0], "superuser") {
		t.Errorf("of a superuser: %v", found)
	}
	s.names.Analyst = "nobody has made it"
	s.run(`alter role ` + l + ` nosuperuser`)
	if found := s.check(); len(found) != 1 || !strings.Contains(found[0], "lacks an account") {
		t.Errorf("of a role that is not there: %v", found)
	}
}

// revoking takes a right away between two units.
type revoking struct {
	loader.Source
	revoke func()
}

func (r revoking) Units(ctx context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) {
		for unit, err := range r.Source.Units(ctx) {
			if !yield(unit, err) {
				return
			}
			r.revoke()
		}
	}
}

func TestRightRevokedWhileLoading(t *testing.T) {
	t.Parallel()
	s := managed(t)
	dir := t.TempDir()
	for _, id := range []string{"1", "2"} {
		if err := os.WriteFile(filepath.Join(dir, id+".ndjson"), []byte(track(id, "Purchase", `{"amount":2}`)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := loader.Files([]string{dir}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.loadSource(s.loader, loader.Managed, revoking{files, func() {
		s.run(`revoke insert on shop.purchase from "` + s.names.Loader + `"`)
	}})
	var right *loader.RightError
	if !errors.As(err, &right) {
		t.Fatalf("Load = %v, want a *RightError", err)
	}
	if diff := cmp.Diff([]string{"insert on table shop.purchase"}, right.Lacks); diff != "" || right.Role != s.names.Loader {
		t.Errorf("role %s lacks (-want +got):\n%s", right.Role, diff)
	}
	s.equal(`select count(*) from shop._quarantine`, []any{int64(0)})
	s.equal(`select id from shop.purchase order by id`, []any{"0"}, []any{"1"})
	for _, grant := range right.Grants {
		s.run(grant)
	}
	if report, err := s.loadSource(s.loader, loader.Managed, files); err != nil || report.Loaded != 1 {
		t.Errorf("after the grant: %+v, %v", report.Counts, err)
	}
}

// The loader's rights are enough to share work, and to read a window of an API again.
func TestLoaderShares(t *testing.T) {
	t.Parallel()
	s := managed(t)
	path := filepath.Join(t.TempDir(), "events.ndjson")
	for _, day := range []string{"1", "2"} {
		if err := os.WriteFile(path, []byte(track(day, "Purchase", `{"amount":2}`)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, again := range []bool{false, true} {
			files, err := loader.Files([]string{path}, loader.FileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			l, err := loader.New(s.loader, loader.Config{Source: nickname, Evolve: loader.Managed, Share: true})
			if err != nil {
				t.Fatal(err)
			}
			if report, err := l.Load(t.Context(), growing{files, again}); err != nil || report.Accepted != 1 {
				t.Errorf("day %s, window %t: %+v, %v", day, again, report.Counts, err)
			}
			l.Close()
		}
	}
	s.equal(`select kind, reads from shop._units where unit_key = 'window'`, []any{"window", int64(2)})
	s.equal(`select count(*) from shop._claims`, []any{int64(0)})
}

// growing is a file, or a window whose content is that of the file now.
type growing struct {
	loader.Source
	window bool
}

func (g growing) Units(ctx context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) {
		for unit, err := range g.Source.Units(ctx) {
			if g.window {
				unit = growingUnit{unit}
			}
			if !yield(unit, err) {
				return
			}
		}
	}
}

type growingUnit struct{ source.Unit }

func (growingUnit) Key() string  { return "window" }
func (growingUnit) Kind() string { return source.KindWindow }
func (growingUnit) Again() bool  { return true }

func TestNames(t *testing.T) {
	t.Parallel()
	for _, n := range []roles.Names{
		{},
		{Migrator: "m", Analyst: "m"},
		{Loader: "l", Analyst: "l"},
		{Migrator: "pg_m"},
		{Loader: "public"},
		{Analyst: "a\x00"},
		{Migrator: strings.Repeat("x", 64)},
	} {
		var bad *roles.NameError
		if _, err := n.Validate(); !errors.As(err, &bad) {
			t.Errorf("Validate(%q) = %v, want a *NameError", n, err)
		}
	}
}
