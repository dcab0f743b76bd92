package rehearsal_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/rehearsal"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// folder returns the files that generate writes for a schema with one table more than the catalogue, and a column.
func folder(t *testing.T) []migrations.File {
	t.Helper()
	purchase := schema.Table{Name: "purchase", Event: "Purchase", Columns: []schema.Column{
		{Name: "id", Type: schema.Text},
		{Name: "received_at", Type: schema.Timestamptz},
		{Name: "uuid_ts", Type: schema.Timestamptz},
		{Name: "amount", Type: schema.Bigint, Path: []string{"amount"}},
	}}
	d := schema.Diff{Tables: []schema.Table{purchase}, Columns: []schema.Added{
		{Table: "app_launched", Column: schema.Column{Name: "context_new", Type: schema.Text, Path: []string{"new"}}},
	}}
	files := migrations.ProposeNew("Shop", "shop", d, "").Files
	if len(files) != 2 {
		t.Fatalf("%d files, want 2", len(files))
	}
	return files
}

func config(t *testing.T) *pgxpool.Config {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// run rehearses and returns what was found, by check.
func run(t *testing.T, p rehearsal.Plan) map[string]rehearsal.Check {
	t.Helper()
	p.Nickname, p.Schema = "Shop", "shop"
	if p.Config == nil {
		p.Config = config(t)
	}
	checks, err := rehearsal.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]rehearsal.Check{}
	for _, c := range checks {
		byName[c.Name] = c
		if c.Passed == (len(c.Differences) > 0) && c.Skipped == "" {
			t.Errorf("check %+v contradicts itself", c)
		}
	}
	if len(byName) != 8 {
		t.Errorf("%d checks, want 8", len(byName))
	}
	return byName
}

// want fails unless exactly those checks found something, each of them that text.
func want(t *testing.T, got map[string]rehearsal.Check, differences map[string]string) {
	t.Helper()
	for name, c := range got {
		text, expected := differences[name]
		switch {
		case !expected && c.Failed():
			t.Errorf("%s: %s", name, strings.Join(c.Differences, "\n"))
		case expected && (!c.Failed() || !strings.Contains(strings.Join(c.Differences, "\n"), text)):
			t.Errorf("%s: got %q (skipped: %s), want %q", name, c.Differences, c.Skipped, text)
		}
	}
}

// databases are those that may be throwaway ones.
func databases(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	return pgtest.Value[string](t, pool, `select string_agg(datname, ' ' order by datname) from pg_database where starts_with(datname, 'tapline_check_')`)
}

func TestGenerated(t *testing.T) {
	t.Parallel()
	files := folder(t)
	got := run(t, rehearsal.Plan{Files: files, Base: files[:1]})
	want(t, got, nil)
	for name, c := range got {
		if !c.Passed {
			t.Errorf("%s was not tried: %s", name, c.Skipped)
		}
	}
	got = run(t, rehearsal.Plan{Files: files})
	if c := got["base"]; c.Passed || c.Failed() || c.Skipped == "" {
		t.Errorf("base without a version before: %+v", c)
	}
	// A folder that is new in this change has nothing before it.
	want(t, run(t, rehearsal.Plan{Files: files, Base: []migrations.File{}}), nil)
}

// changed returns the folder with another text in the last file.
func changed(t *testing.T, do func(f *migrations.File)) []migrations.File {
	t.Helper()
	files := folder(t)
	do(&files[len(files)-1])
	return files
}

func TestWrongFolders(t *testing.T) {
	t.Parallel()
	replace := func(s *string, old, now string) {
		t.Helper()
		if !strings.Contains(*s, old) {
			t.Fatalf("no %q in %s", old, *s)
		}
		*s = strings.Replace(*s, old, now, 1)
	}
	for name, c := range map[string]struct {
		change func(f *migrations.File)
		want   map[string]string
	}{
		"SQL that fails": {
			func(f *migrations.File) { f.Up = "select 1/0;\n" + f.Up },
			map[string]string{"up": "division by zero"},
		},
		"a down file that leaves a table": {
			func(f *migrations.File) { replace(&f.Down, `drop table if exists "shop"."purchase"`, "select 1") },
			map[string]string{"down": "after the down file of migration 2 create_purchase_and_1_more: left over: table shop.purchase"},
		},
		"a down file that fails": {
			func(f *migrations.File) { f.Down = "select 1/0;\n" + f.Down },
			map[string]string{"down": "division by zero"},
		},
		"no down file": {
			func(f *migrations.File) { f.Down = "" },
			map[string]string{"numbers": "has no down file", "down": "2"},
		},
		"a column without its row of _columns": {
			func(f *migrations.File) { f.Up += `alter table "shop"."purchase" add column "more" text;` },
			map[string]string{"result": "purchase.more"},
		},
		"a type that _columns does not know": {
			func(f *migrations.File) { f.Up += `alter table "shop"."purchase" alter column "amount" type text;` },
			map[string]string{"result": "purchase.amount"},
		},
		"a comment that is missing": {
			func(f *migrations.File) { f.Up += `comment on column "shop"."purchase"."amount" is null;` },
			map[string]string{"result": "missing_comment purchase.amount"},
		},
		"a view that shows less": {
			func(f *migrations.File) {
				f.Up += `do $$ declare q text; begin
					select string_agg(format('null::%s%s as %I', format_type(atttypid, atttypmod), case attname when 'id' then ' collate "C"' else '' end, attname), ', ' order by attnum)
					into q from pg_attribute where attrelid = 'shop.tracks'::regclass and attnum > 0; execute 'create or replace view shop.tracks as select ' || q; end $$;`
			},
			map[string]string{"result": "tracks"},
		},
		"a table that is left in another schema": {
			func(f *migrations.File) { f.Up += `create schema "more"; create table "more"."t" ("c" int);` },
			map[string]string{"down": `left over: schema "more"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := changed(t, c.change)
			want(t, run(t, rehearsal.Plan{Files: files}), c.want)
		})
	}
}

// TestEverythingThatIsLeft has a file that makes one of each kind, and a down file that leaves them.
func TestEverythingThatIsLeft(t *testing.T) {
	t.Parallel()
	files := changed(t, func(f *migrations.File) {
		f.Up += `create function "shop"."f"() returns trigger language plpgsql as $$ begin return new; end $$;
			create procedure "shop"."p"(i int) language sql as $$ select 1 $$;
			create type "shop"."color" as enum ('red'); create type "shop"."pair" as (a int, b int); create domain "shop"."short" as text check (length(value) < 3);
			create sequence "shop"."numbers"; create materialized view "shop"."seen" as select 1 as one;
			create trigger "g" before insert on "shop"."app_launched" for each row execute function "shop"."f"();
			create index "i" on "shop"."app_launched" ("user_id"); alter table "shop"."app_launched" add constraint "k" check ("id" <> '');
			create policy "y" on "shop"."app_launched" using (true); alter table "shop"."app_launched" alter column "id" set default 'x';
			create view public."v" as select 1 as one;`
	})
	checks := run(t, rehearsal.Plan{Files: files})
	want(t, map[string]rehearsal.Check{"up": checks["up"]}, nil)
	got := checks["down"].Differences
	all := strings.Join(got, "\n")
	for _, line := range []string{
		"left over: function shop.f()", "left over: function shop.p(", "left over: type shop.color (`e red`)", "left over: type shop.pair", "left over: type shop.short",
		"left over: sequence shop.numbers", "left over: materialized view shop.seen", "left over: trigger g of shop.app_launched", "left over: index i of shop.app_launched",
		"left over: constraint k of shop.app_launched", "left over: policy y of shop.app_launched", "changed: column id of shop.app_launched", "left over: view public.v",
	} {
		if !strings.Contains(all, line) {
			t.Errorf("%q is not in\n%s", line, all)
		}
	}
	if strings.Contains(all, "column one") {
		t.Errorf("columns of what is left over as a whole:\n%s", all)
	}
}

func TestBase(t *testing.T) {
	t.Parallel()
	files := folder(t)
	three := append(slices.Clone(files), migrations.File{
		Version: 3, Name: "strict", Up: `alter table "shop"."purchase" alter column "amount" set not null;`,
		Down: `alter table "shop"."purchase" alter column "amount" drop not null;`,
	})
	// From empty it applies; with rows it does not.
	want(t, run(t, rehearsal.Plan{Files: three, Base: files}), map[string]string{
		"base": "contains null values", "golang_migrate": "migration 3 strict is not recorded",
	})
	edited := slices.Clone(files)
	edited[1].Up += "\nselect 2;\n"
	want(t, run(t, rehearsal.Plan{Files: edited, Base: files}), map[string]string{"base": "was edited after it was applied"})
	want(t, run(t, rehearsal.Plan{Files: files[:1], Base: files}), map[string]string{"base": "the folder ends at 1"})
	emptied := append(slices.Clone(files), migrations.File{
		Version: 3, Name: "clean", Up: `delete from "shop"."purchase";`, Down: `select 1;`,
	})
	want(t, run(t, rehearsal.Plan{Files: emptied, Base: files}), map[string]string{
		"base": "the rows of table purchase are lost", "golang_migrate": "not recorded",
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	files := folder(t)
	late := slices.Clone(files)
	late[1].Version = 3
	got := run(t, rehearsal.Plan{Files: late})
	if c := got["numbers"]; !c.Failed() || !strings.Contains(c.Differences[0], "migration 2 is not in the folder") {
		t.Errorf("numbers: %+v", c)
	}
	problem := &migrations.DuplicateError{Version: 2, Files: [2]string{"a", "b"}}
	got = run(t, rehearsal.Plan{Files: files, Problem: errors.Join(problem)})
	want(t, got, map[string]string{"numbers": "migration 2 is there twice, a and b"})
	if got["up"].Skipped == "" {
		t.Error("a folder with two files of a number was applied")
	}
	got = run(t, rehearsal.Plan{Files: []migrations.File{{Version: 1, Name: "own", Up: "create schema shop_own;", Down: "drop schema shop_own;"}}})
	if !got["up"].Failed() && !got["result"].Failed() {
		t.Errorf("a folder without Tapline's number 1: %+v", got)
	}
}

// TestNothingIsLeft kills a run in the middle, as far as the server can see: its database stays, and the next run that
// finds it drops it. A database that is in use stays.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	cfg, err := pgxpool.ParseConfig(server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.PoolAt(t, server.DSN("postgres"))
	for _, name := range []string{"tapline_check_1000_left", "tapline_check_other", "tapline_check_1000_used"} {
		pgtest.Exec(t, pool, `create database `+name)
	}
	if err := pgtest.PoolAt(t, server.DSN("tapline_check_1000_used")).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, run(t, rehearsal.Plan{Config: cfg, Files: folder(t)}), nil)
	if left := databases(t, pool); left != "tapline_check_1000_used tapline_check_other" {
		t.Errorf("databases: %s", left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	interrupted := rehearsal.Plan{Config: cfg, Nickname: "Shop", Schema: "shop", Files: folder(t), Logger: slog.New(canceling{slog.DiscardHandler, cancel})}
	if _, err := rehearsal.Run(ctx, interrupted); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that of the interrupt", err)
	}
	if left := databases(t, pool); left != "tapline_check_1000_used tapline_check_other" {
		t.Errorf("databases after an interrupt: %s", left)
	}
}

// canceling interrupts at the first line of the log, which a migration writes.
type canceling struct {
	slog.Handler
	cancel context.CancelFunc
}

func (h canceling) Enabled(context.Context, slog.Level) bool { return true }

func (h canceling) Handle(context.Context, slog.Record) error {
	h.cancel()
	return nil
}

func TestMayNotCreateDatabases(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	pool := pgtest.PoolAt(t, server.DSN("postgres"))
	pgtest.Exec(t, pool, `create role humble login`)
	cfg, err := pgxpool.ParseConfig(server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.User = "humble"
	var create *rehearsal.CreateError
	_, err = rehearsal.Run(t.Context(), rehearsal.Plan{Config: cfg, Nickname: "Shop", Schema: "shop", Files: folder(t)})
	if !errors.As(err, &create) {
		t.Errorf("error = %v, want *CreateError", err)
	}
}
