package lint_test

import (
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/lint"
)

// TestStatements wants what golang-migrate and Postgres take for statements.
func TestStatements(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		"":                                   nil,
		" ;; -- nothing\n/* /* at */ all */": nil,
		"select 1; select 2":                 {"select 1", "select 2"},
		"select ';', E'\\';', $$;$$, $a$ $$; $a$; x":                                          {"select ';', E'\\';', $$;$$, $a$ $$; $a$", "x"},
		`select ";" , "a"";b"; y`:                                                             {`select ";" , "a"";b"`, "y"},
		"select 1 /* ; /* ; */ ; */ + 2; z":                                                   {"select 1 /* ; /* ; */ ; */ + 2", "z"},
		"create rule r as on insert to t do (select 1; select 2); a":                          {"create rule r as on insert to t do (select 1; select 2)", "a"},
		"select 'it''s;'\n  ' still; it'; b":                                                  {"select 'it''s;'\n  ' still; it'", "b"},
		"select U&'\\0041;', B'1', x'ff', $1, a$b; c":                                         {"select U&'\\0041;', B'1', x'ff', $1, a$b", "c"},
		"create function f() begin atomic select case when true then 1 end; select 2; end; d": {"create function f() begin atomic select case when true then 1 end; select 2; end", "d"},
		"select 1e-5, 1..2, .5; e":                                                            {"select 1e-5, 1..2, .5", "e"},
		"select 'open; all":                                                                   {"select 'open; all"},
	} {
		got := lint.Statements(sql)
		if strings.Join(got, "\x00") != strings.Join(want, "\x00") {
			t.Errorf("%q: got %q, want %q", sql, got, want)
		}
	}
}

// FuzzLint wants an end and no panic for any bytes, tokens that cover all that is no white space, in order, and findings
// at places that there are.
func FuzzLint(f *testing.F) {
	for _, sql := range []string{
		"alter table a.b add column c text not null, alter column d type int using d::int;",
		"do $$ begin alter table x.y drop column z; end $$ language plpgsql;",
		"create index concurrently if not exists i on only s.t (a); -- tapline:lint-ignore index-lock why\n",
		"create table s.t (a int, b varchar(3) default 'x', constraint c check (a > 0));",
		"'", "\"", "$", "$a", "$$", "/*", "--", "E'\\", "U&", "U&\"", "(", ")", "a.b.c.", "alter table", "comment on column",
		"drop table a, b cascade", "create", "alter table x add", "alter table x alter column", "\xff\xfe'\x00", "create or replace",
		"alter table a.b add constraint c check (d is not null) not valid; alter table a.b validate constraint c;",
	} {
		f.Add(sql, true)
		f.Add(sql, false)
	}
	f.Fuzz(func(t *testing.T, sql string, multi bool) {
		at := 0
		for _, span := range lint.Spans(sql) {
			if span[0] < at || span[1] <= span[0] || strings.Trim(sql[at:span[0]], " \t\r\n\f\v") != "" {
				t.Fatalf("token %v after %d of %q", span, at, sql)
			}
			at = span[1]
		}
		if strings.Trim(sql[at:], " \t\r\n\f\v") != "" {
			t.Fatalf("%q is in no token of %q", sql[at:], sql)
		}
		lines := strings.Count(sql, "\n") + 1
		in := []lint.Input{{Path: "m/000001_a.up.sql", Text: sql}, {Path: "m/000001_a.down.sql", Text: sql}}
		for _, finding := range lint.Lint(in, lint.Options{MultiStatement: multi}).Findings {
			if finding.Line < 1 || finding.Line > lines || finding.Column < 1 || finding.Why == "" || finding.Fix == "" {
				t.Fatalf("%q: finding %+v", sql, finding)
			}
		}
	})
}
