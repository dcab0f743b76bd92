package lint_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/lint"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// kept returns the migrations that are kept in the schema shop, as files.
func kept(t *testing.T, m *migrations.Migrator) []lint.Input {
	t.Helper()
	files, err := m.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var in []lint.Input
	for _, f := range files {
		name := fmt.Sprintf("shop/%06d_%s", f.Version, f.Name)
		in = append(in, lint.Input{Path: name + ".up.sql", Text: f.Up}, lint.Input{Path: name + ".down.sql", Text: f.Down})
	}
	return in
}

func open(t *testing.T) (*pgxpool.Pool, *migrations.Migrator) {
	t.Helper()
	pool := pgtest.Pool(t)
	m, err := migrations.Open(t.Context(), pool.Config().ConnConfig, "shop", migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return pool, m
}

func wantClean(t *testing.T, in []lint.Input) {
	t.Helper()
	r := lint.Lint(in, lint.Options{LockTimeout: true})
	for _, f := range r.Findings {
		t.Errorf("%s:%d:%d: %s: %s", f.File, f.Line, f.Column, f.Rule, f.Why)
	}
	if r.Files != len(in) || len(in) == 0 {
		t.Errorf("%d files of %d", r.Files, len(in))
	}
}

func table(name string, columns ...schema.Column) schema.Table {
	return schema.Table{Name: name, Event: name, Columns: append([]schema.Column{
		{Name: "id", Type: schema.Text}, {Name: "received_at", Type: schema.Timestamptz}, {Name: "uuid_ts", Type: schema.Timestamptz},
	}, columns...)}
}

// TestGeneratedIsClean wants no finding in anything that Tapline itself writes, but for what it says why.
func TestGeneratedIsClean(t *testing.T) {
	t.Parallel()
	_, m := open(t)
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	wantClean(t, kept(t, m))
	evolve := func(d schema.Diff) {
		t.Helper()
		if _, err := m.Evolve(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	evolve(schema.Diff{Tables: []schema.Table{table("purchase", schema.Column{Name: "amount", Type: schema.Bigint}, schema.Column{Name: "$$;--'\"/*", Type: schema.Text})}})
	evolve(schema.Diff{Columns: []schema.Added{
		{Table: "purchase", Column: schema.Column{Name: "note", Type: schema.Text, Path: []string{"$tapline$; drop table x; -- '"}}},
		{Table: "app_launched", Column: schema.Column{Name: "context_new", Type: schema.Double}},
	}})
	evolve(schema.Diff{Widen: []schema.Widens{{Table: "purchase", Column: "amount", From: schema.Bigint, To: schema.Double}}})
	var many schema.Diff
	for i := range 150 {
		many.Tables = append(many.Tables, table(fmt.Sprintf("event_%03d", i), schema.Column{Name: "context_a", Type: schema.Text}))
	}
	evolve(many)
	in := kept(t, m)
	if len(in) < 12 {
		t.Errorf("%d files", len(in))
	}
	wantClean(t, in)
	// The widening says itself why it may write its table anew. Without that line both of its files are found.
	bare := lint.Lint(without(in, "tapline:lint-ignore"), lint.Options{LockTimeout: true})
	if got := found(bare); fmt.Sprint(got) != "[narrowing table-rewrite]" {
		t.Errorf("without the comments: %v", got)
	}
	// Each file by itself is clean too: what the others say is not needed.
	for i := 0; i < len(in); i += 2 {
		wantClean(t, onlyThese(in, i, i+1))
	}
}

// TestAdoptedIsClean does the same in a schema that had tables before.
func TestAdoptedIsClean(t *testing.T) {
	t.Parallel()
	pool, m := open(t)
	pgtest.Exec(t, pool, `create schema shop`)
	pgtest.Exec(t, pool, `create table shop.app_launched (id varchar(1024) not null primary key, received_at timestamptz, uuid_ts timestamptz, build numeric(10,2))`)
	pgtest.Exec(t, pool, `create table shop.tracks (id varchar(1024) not null primary key, received_at timestamptz)`)
	if err := m.Bootstrap(t.Context(), "Shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Widen(t.Context(), []migrations.Widening{{Table: "app_launched", Column: "build", From: "numeric(10,2)", To: schema.Numeric}}); err != nil {
		t.Fatal(err)
	}
	in := kept(t, m)
	wantClean(t, in)
	wantClean(t, onlyThese(in, len(in)-2, len(in)-1))
}

// onlyThese returns an up and a down file alone, as number 1.
func onlyThese(in []lint.Input, up, down int) []lint.Input {
	return []lint.Input{{Path: "shop/000001_x.up.sql", Text: in[up].Text}, {Path: "shop/000001_x.down.sql", Text: in[down].Text}}
}

// without returns the files without the lines that hold a word.
func without(in []lint.Input, word string) []lint.Input {
	out := make([]lint.Input, 0, len(in))
	for _, f := range in {
		f.Text = lint.CutLines(f.Text, word)
		out = append(out, f)
	}
	return out
}
