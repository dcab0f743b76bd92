package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/lint"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	var in []lint.Input
	for _, name := range []string{
		"000001_a.up.sql", "000001_a.down.sql", "000002_b.up.sql", "000004_c.up.sql", "000004_c.down.sql", "4_d.up.sql", "000005_e.down.sql", "seed.sql",
	} {
		in = append(in, lint.Input{Path: "m/" + name, Text: "select 1;"})
	}
	var got []string
	for _, f := range lint.Lint(in, lint.Options{}).Findings {
		got = append(got, strings.TrimPrefix(f.File, "m/")+" "+f.Rule)
	}
	want := []string{
		"000002_b.up.sql missing-down", "000004_c.down.sql number-gap", "000004_c.up.sql number-gap", "000005_e.down.sql missing-up",
		"4_d.up.sql duplicate-number", "seed.sql file-name",
	}
	if !slices.Equal(got, want) && !slices.Equal(got, slices.Delete(want, 1, 2)) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	dates := []lint.Input{
		{Path: "m/20260101120000_a.up.sql", Text: "select 1;"}, {Path: "m/20260101120000_a.down.sql", Text: "select 1;"},
	}
	if got := found(lint.Lint(dates, lint.Options{})); len(got) > 0 {
		t.Errorf("numbers that are dates: %v", got)
	}
}

func TestDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ up, down, want string }{
		{"create table s.t (c int);", "drop table s.t;", ""},
		{"create table s.t (c int); create index i on s.t (c); alter table s.t add column d int;", "drop table if exists s.t;", ""},
		{"create table s.t (c int); create table s.u (c int);", "drop table s.t;", "down-incomplete"},
		{"create table s.t (c int);", "drop table r.t;", "down-incomplete drop-table"},
		{"create schema s; create table s.t (c int); create type s.y as enum ('a');", "drop schema s;", ""},
		{"alter table s.t add column a int, add column b int;", "alter table s.t drop column a;", "down-incomplete"},
		{"alter table s.t add column a int, add column b int;", "alter table s.t drop column a, drop column b;", ""},
		{"alter table s.t add column a int;", "alter table s.t drop column a, drop column b;", "drop-column"},
		{"alter table s.t add constraint k check (a > 0) not valid;", "alter table s.t drop constraint k;", ""},
		{"alter table s.t add constraint k check (a > 0) not valid;", "select 1;", "down-incomplete"},
		{"create or replace view s.v as select 1;", "create or replace view s.v as select 2;", ""},
		{"create view s.v as select 1;", "drop view s.v;", ""},
		{"create function s.f() returns int language sql as $$ select 1; $$;", "drop function s.f();", ""},
		{"create sequence s.q;", "drop sequence s.q;", ""},
		{"alter table s.t alter column c drop not null;", "select 1;", "down-incomplete"},
		{"alter table s.t add column a int references s.u;", "alter table s.t drop column a;", "foreign-key-lock"},
		{"insert into s.t values (1);", "delete from s.t where c = 1;", ""},
		{"insert into s.t values (1);", "", "empty-file"},
	} {
		r := lint.Lint([]lint.Input{
			{Path: "m/000001_x.up.sql", Text: timeout + c.up}, {Path: "m/000001_x.down.sql", Text: c.down},
		}, lint.Options{LockTimeout: true})
		if got := strings.Join(found(r), " "); got != c.want {
			t.Errorf("%s / %s: got %q, want %q", c.up, c.down, got, c.want)
		}
	}
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"-- tapline:lint-ignore drop-column nobody reads it since May\nalter table s.t drop column c;":                        "",
		"/* tapline:lint-ignore drop-column nobody reads it */ alter table s.t drop column c;":                                "",
		"alter table s.t drop column c; -- tapline:lint-ignore drop-column nobody reads it":                                   "",
		"alter table s.t\n -- tapline:lint-ignore drop-column nobody reads it\n drop column c;":                               "",
		"-- tapline:lint-ignore drop-column,index-lock small\nalter table s.t drop column c;":                                 "",
		"-- tapline:lint-ignore drop-column\nalter table s.t drop column c;":                                                  "drop-column ignore-without-reason",
		"-- tapline:lint-ignore drop-colum a slip\nalter table s.t drop column c;":                                            "drop-column ignore-without-reason",
		"-- tapline:lint-ignore index-lock the wrong rule\nalter table s.t drop column c;":                                    "drop-column ignore-unused",
		"-- tapline:lint-ignore drop-column one only\nalter table s.t drop column c;\nalter table s.t drop column d;":         "drop-column",
		"-- tapline:lint-ignore-file drop-column all of them\nalter table s.t drop column c;\nalter table s.t drop column d;": "",
		"do $$ begin\n-- tapline:lint-ignore drop-column inside\nalter table s.t drop column c;\nend $$;":                     "",
		"-- tapline:lint-ignore drop-column from outside\ndo $$ begin alter table s.t drop column c; end $$;":                 "",
		"select '-- tapline:lint-ignore drop-column in a string'; alter table s.t drop column c;":                             "drop-column",
	} {
		if got := strings.Join(found(up(sql)), " "); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", sql, got, want)
		}
	}
	r := up("-- tapline:lint-ignore drop-column nobody reads it\nalter table s.t drop column c;")
	if r.Ignored != 2 { // and missing-down
		t.Errorf("ignored %d, want 2", r.Ignored)
	}
	if !up("alter table s.t drop column c;").Worst(lint.Error) || up("alter table s.t add column c int;").Worst(lint.Notice) {
		t.Error("Worst is wrong")
	}
}
