package migrations_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func renaming() migrations.Renaming {
	return migrations.Renaming{
		From: migrations.Named{Nickname: "Web", Schema: "web"}, To: migrations.Named{Nickname: "Shop", Schema: "1shop"},
	}
}

func TestRenamedSQL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ sql, want string }{
		{`alter table "web"."t" add column "web" text;`, `alter table "1shop"."t" add column "web" text;`},
		{`comment on column "web"."web"."web" is 'of "web"."web".';`, `comment on column "1shop"."web"."web" is 'of "web"."web".';`},
		{`create schema "web" ; grant usage on schema web to x; select "web" from x`, `create schema "1shop" ; grant usage on schema "1shop" to x; select "web" from x`},
		{`insert into "web"."_columns" values ('"web".x', E'"\\"web\\".y"', 'web')`, `insert into "1shop"."_columns" values ('"web".x', E'"\\"web\\".y"', 'web')`},
		{`select '"web"."t"'::regclass, '"web"."t"'`, `select '"1shop"."t"'::regclass, '"web"."t"'`},
		{"do $tapline$\nexecute 'lock table only \"web\".\"it''s\" in x';\nupdate \"web\".t$tapline$;", "do $tapline$\nexecute 'lock table only \"1shop\".\"it''s\" in x';\nupdate \"1shop\".t$tapline$;"},
		{`update "web"."_migration_files" set "down" = E'drop table "web"."a\\b";' where x`, `update "1shop"."_migration_files" set "down" = E'drop table "1shop"."a\\b";' where x`},
		{`where schema_name = 'web' and name = 'web'`, `where schema_name = '1shop' and name = 'web'`},
		{"-- of \"web\".\"t\"\nalter table web.t rename to web; /* web./* */ web. */ select a.web.b, webx.t", "-- of \"web\".\"t\"\nalter table \"1shop\".t rename to web; /* web./* */ web. */ select a.web.b, webx.t"},
		{"-- Tapline migration 2 of schema \"web\": add.\n", "-- Tapline migration 2 of schema \"1shop\": add.\n"},
		{`"web" . "t" 'open`, `"1shop" . "t" 'open`},
		{`$a$ "web".t`, `$a$ "web".t`},
		{`"web`, `"web`},
	} {
		if got := renaming().SQL(test.sql); got != test.want {
			t.Errorf("SQL(%s)\ngot  %s\nwant %s", test.sql, got, test.want)
		}
	}
}

// What is rendered for one schema and renamed is what is rendered for the other, whatever the names of events hold.
func TestRenamedIsRendered(t *testing.T) {
	t.Parallel()
	r := renaming()
	hostile := `"web".x 'web' $tapline$ \ "`
	before := schema.Tables{}
	for _, table := range schema.BaselineTables() {
		before[table.Name] = &table
	}
	before["tracks"] = &schema.Table{Name: "tracks", View: true, Columns: []schema.Column{{Name: "id", Type: schema.Text}}}
	d := schema.Diff{
		Tables: []schema.Table{{Name: "web", Event: hostile, Columns: []schema.Column{
			{Name: "id", Type: schema.Text}, {Name: "received_at", Type: schema.Timestamptz}, {Name: "web", Type: schema.Text, Path: []string{hostile, "web"}},
		}}},
		Columns: []schema.Added{
			{Table: "app_launched", Column: schema.Column{Name: "context_web", Type: schema.Bigint, Path: []string{hostile}}},
			{Table: "utm_visited", Column: schema.Column{Name: "context_web", Type: schema.Bigint, Path: []string{"web"}}},
		},
		Widen: []schema.Widens{{Table: "app_launched", Column: "ct_session_id", From: schema.Bigint, To: schema.Double}},
	}
	up, down := migrations.Render(r.From.Schema, before, d)
	wantUp, wantDown := migrations.Render(r.To.Schema, before, d)
	for _, test := range [][2]string{{up, wantUp}, {down, wantDown}} {
		if diff := cmp.Diff(test[1], r.SQL(test[0])); diff != "" {
			t.Errorf("renamed (-want +got):\n%s", diff)
		}
	}
	// Number 1 of a folder, which also claims the schema for the nickname.
	first := migrations.ProposeNew(r.From.Nickname, r.From.Schema, d, "")
	want := migrations.ProposeNew(r.To.Nickname, r.To.Schema, d, "")
	for i, f := range first.Files {
		for _, test := range [][2]string{{f.Up, want.Files[i].Up}, {f.Down, want.Files[i].Down}} {
			if diff := cmp.Diff(test[1], r.SQL(test[0])); diff != "" {
				t.Errorf("migration %d of a folder (-want +got):\n%s", f.Version, diff)
			}
		}
	}
	if len(first.Files) < 2 || !strings.Contains(first.Files[0].Up, `'Web'`) {
		t.Errorf("the folder's files do not claim the schema")
	}
}

// FuzzRenamedSQL wants an answer for any text, and none that loses anything but the schema's name.
func FuzzRenamedSQL(f *testing.F) {
	f.Add(`alter table "web"."t" add 'x' $a$ "web". $a$ -- "`)
	f.Add(`E'\' /* */ "web"`)
	f.Fuzz(func(t *testing.T, text string) {
		same := migrations.Renaming{From: renaming().From, To: renaming().From}
		if strings.Contains(text, `\`) || strings.Contains(text, "\x00") {
			return // a literal may be written otherwise
		}
		plain := func(s string) string { return strings.ReplaceAll(s, `"`, "") }
		if got := same.SQL(text); strings.ToValidUTF8(text, "") == text && !strings.EqualFold(plain(got), plain(text)) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
