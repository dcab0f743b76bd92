package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/lint"
)

const timeout = "set local lock_timeout = '300ms';\n"

// found returns the rules that were found, in order, each once.
func found(r lint.Report) []string {
	var rules []string
	for _, f := range r.Findings {
		if !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	slices.Sort(rules)
	return rules
}

// up looks at one up file after the lock_timeout; that it has no down file is not told.
func up(sql string) lint.Report {
	return lint.Lint([]lint.Input{
		{Path: "m/000001_x.up.sql", Text: timeout + "-- tapline:lint-ignore-file missing-down the test has none\n" + sql},
	}, lint.Options{})
}

func TestRules(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		// types
		"alter table s.t alter column c type bigint;":                                                        "table-rewrite",
		"alter table s.t alter c set data type varchar(20);":                                                 "narrowing",
		"alter table s.t alter column c type int using c::int;":                                              "narrowing",
		"alter table s.t alter column c type numeric(10,2);":                                                 "narrowing",
		"alter table s.t add column c uuid default gen_random_uuid();":                                       "table-rewrite",
		"alter table s.t add column c timestamptz default clock_timestamp() not null;":                       "table-rewrite",
		"alter table s.t add column c bigserial;":                                                            "table-rewrite",
		"alter table s.t add c bigint generated always as identity;":                                         "table-rewrite",
		"alter table s.t add column c int generated always as (a + b) stored;":                               "table-rewrite",
		"alter table s.t add column if not exists c timestamptz default now() not null;":                     "",
		"alter table s.t add column c text default 'a', add column d boolean default false":                  "",
		"alter table s.t add column c text not null;":                                                        "add-not-null",
		"alter table s.t set tablespace fast;":                                                               "table-rewrite",
		"alter table s.t set unlogged;":                                                                      "table-rewrite",
		"alter table all in tablespace a set tablespace b;":                                                  "table-rewrite",
		"create table s.t (c bigint); alter table s.t alter column c type numeric, alter column c type int;": "",
		// locks
		"create index i on s.t (c);":                           "index-lock",
		"create unique index if not exists i on only s.t (c);": "index-lock",
		"create table s.t (c int); create index i on s.t (c);": "",
		"drop index s.i;":    "index-lock",
		"reindex table s.t;": "index-lock",
		"alter table s.t add constraint k foreign key (c) references s.u (id);":                            "foreign-key-lock",
		"alter table s.t add column c bigint references s.u;":                                              "foreign-key-lock",
		"alter table s.t add constraint k foreign key (c) references s.u (id) not valid;":                  "",
		"alter table s.t add constraint k check (c > 0);":                                                  "check-lock",
		"alter table s.t add check (c > 0) not valid;":                                                     "",
		"alter table s.t alter column c set not null;":                                                     "not-null-lock",
		"alter table s.t add constraint k unique (c);":                                                     "unique-lock",
		"alter table s.t add primary key (c);":                                                             "unique-lock",
		"alter table s.t add constraint k unique using index i;":                                           "",
		"alter table s.t add constraint k exclude using gist (c with &&);":                                 "unique-lock",
		"alter table s.t add constraint k check (c > 0) not valid; alter table s.t validate constraint k;": "validate-same-file",
		"alter table s.t validate constraint k;":                                                           "",
		"cluster s.t using i;":                                                                             "full-table-lock",
		"alter table s.t detach partition s.p;":                                                            "full-table-lock",
		"alter table s.t detach partition s.p concurrently;":                                               "concurrently-in-transaction",
		"vacuum full s.t;":                            "concurrently-in-transaction full-table-lock",
		"refresh materialized view s.v;":              "full-table-lock",
		"refresh materialized view concurrently s.v;": "",
		// what is lost
		"drop table s.t;":                             "drop-table",
		"drop view if exists s.v;":                    "drop-table",
		"drop view s.v; create view s.v as select 1;": "",
		"alter table s.t drop column c;":              "drop-column",
		"alter table s.t drop if exists c cascade;":   "drop-cascade drop-column",
		"drop schema s;":                              "drop-schema",
		"drop schema s cascade;":                      "drop-cascade drop-schema",
		"drop type s.y;":                              "drop-type",
		"truncate s.a, s.b;":                          "truncate",
		"delete from s.t;":                            "delete-without-where",
		"delete from s.t where c = 1;":                "",
		"update s.t set c = 1;":                       "update-without-where",
		"update s.t set c = 1 where d;":               "",
		"alter table s.t rename to u;":                "rename",
		"alter table s.t rename column a to b;":       "rename",
		"alter table s.t rename a to b;":              "rename",
		"alter schema s rename to r;":                 "rename",
		"alter table s.t set schema r;":               "rename",
		"alter index s.i rename to j;":                "",
		"alter table s.t rename constraint a to b;":   "",
		// names
		"create table t (c int);":                                "unqualified-name",
		"insert into t values (1);":                              "unqualified-name",
		"comment on column t.c is 'x';":                          "unqualified-name",
		"comment on column s.t.c is 'x';":                        "",
		"create temp table t (c int); insert into t values (1);": "",
		// transactions
		"create index concurrently i on s.t (c);": "concurrently-in-transaction",
		"vacuum s.t;":              "concurrently-in-transaction",
		"begin; select 1; commit;": "transaction-control",
		// bodies
		"do $$ begin if true then alter table s.t drop column c; end if; end $$;": "drop-column",
		"do $$ begin drop index concurrently s.i; end $$;":                        "concurrently-in-transaction",
		"do $$ begin execute $$drop table s.t$$; end $$;":                         "dollar-quote transaction-control",
		"do $a$ begin execute $$select 1$$; end $a$;":                             "",
		"do $$ begin": "dollar-quote",
		"select 'a;":  "syntax",
		"select (1;":  "syntax",
		"select 1);":  "syntax",
		"/* alter table s.t drop column c; /* */": "syntax",
		// comments hide, quoted words are names
		"-- drop table s.t;\nselect 1;":                  "",
		"select 'drop table s.t;';":                      "",
		`alter table s.t add column "drop column" text;`: "",
		"ALTER TABLE S.T DROP COLUMN C;":                 "drop-column",
	} {
		if got := strings.Join(found(up(sql)), " "); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", sql, got, want)
		}
	}
}

// TestAllRulesHaveACase wants no rule that nothing leads to, and no finding of a rule that there is not.
func TestAllRulesHaveACase(t *testing.T) {
	t.Parallel()
	text, seen := strings.Builder{}, map[string]bool{}
	for _, r := range lint.Rules() {
		if seen[r.ID] || r.About == "" || !slices.Contains(lint.Severities(), r.Severity) {
			t.Errorf("rule %+v", r)
		}
		seen[r.ID] = true
		text.WriteString(r.ID + " ")
	}
	if len(seen) < 30 {
		t.Errorf("%d rules: %s", len(seen), text.String())
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	r := lint.Lint([]lint.Input{{Path: "m/000001_x.up.sql", Text: "select 'é';\n\n\t/* é */ alter table s.t\n  add column a int,\n  alter column b set not null;\n"}}, lint.Options{})
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.Rule)
		switch f.Rule {
		case "not-null-lock":
			if f.Line != 5 || f.Column != 3 {
				t.Errorf("%d:%d, want 5:3", f.Line, f.Column)
			}
		case "lock-timeout":
			if f.Line != 3 || f.Column != 10 {
				t.Errorf("%d:%d, want 3:10", f.Line, f.Column)
			}
		}
	}
	if diff := cmp.Diff([]string{"missing-down", "lock-timeout", "not-null-lock"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestKnownTypes(t *testing.T) {
	t.Parallel()
	first := "create table s.t (id text, a bigint, b varchar(10), c numeric(10,2), d integer[], e timestamp(3) with time zone, f text, constraint k check (a > 0));\n"
	for change, want := range map[string]string{
		"a type int": "narrowing table-rewrite", "a type numeric": "table-rewrite", "a type numeric(10)": "narrowing table-rewrite",
		"a type double precision": "table-rewrite", "a type text": "table-rewrite", "a type int8": "",
		"b type text": "", "b type character varying(20)": "", "b type varchar": "", "b type varchar(5)": "narrowing table-rewrite",
		"c type numeric(12,2)": "", "c type numeric(12,4)": "table-rewrite", "c type numeric(9,1)": "narrowing table-rewrite", "c type numeric(10,4)": "narrowing table-rewrite", "c type numeric": "",
		"d type bigint[]": "table-rewrite", "d type bigint": "narrowing table-rewrite", "e type timestamptz": "", "e type date": "narrowing table-rewrite",
		"f type varchar": "", "f type varchar(3)": "narrowing table-rewrite", "f type int using f::int": "narrowing table-rewrite",
	} {
		r := lint.Lint([]lint.Input{
			{Path: "m/000001_a.up.sql", Text: first, Context: true},
			{Path: "m/000002_b.up.sql", Text: timeout + "alter table s.t alter column " + change + ";"},
			{Path: "m/000002_b.down.sql", Text: "select 1;", Context: true},
		}, lint.Options{})
		got := slices.DeleteFunc(found(r), func(rule string) bool { return rule == "down-incomplete" })
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", change, got, want)
		}
	}
}

func TestNotNullAfterAValidatedCheck(t *testing.T) {
	t.Parallel()
	file := func(number, sql string) lint.Input {
		return lint.Input{Path: "m/00000" + number + "_x.up.sql", Text: timeout + "-- tapline:lint-ignore-file missing-down none here\n" + sql}
	}
	add := file("1", "alter table s.t add constraint k check (c is not null) not valid;")
	set := file("3", "alter table s.t alter column c set not null;")
	validate := file("2", "alter table s.t validate constraint k;")
	if got := found(lint.Lint([]lint.Input{set, validate, add}, lint.Options{})); len(got) > 0 {
		t.Errorf("found %v", got)
	}
	validate.Text = "-- tapline:lint-ignore-file missing-down none here\nselect 1;"
	if got := found(lint.Lint([]lint.Input{add, validate, set}, lint.Options{})); !slices.Equal(got, []string{"not-null-lock"}) {
		t.Errorf("found %v, want not-null-lock", got)
	}
}

func TestLockTimeout(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"alter table s.t add column c int;":                                                          true,
		"set lock_timeout = '1s'; alter table s.t add column c int;":                                 false,
		"select pg_catalog.set_config('lock_timeout', '1s', true);alter table s.t add column c int;": false,
		"alter table s.t add column c int; set lock_timeout = '1s';":                                 true,
		"drop table s.t;": true, "create or replace view s.v as select 1;": true, "create table s.t (c int);": false,
		"create table s.t (c int); alter table s.t add column d int; comment on table s.t is 'x';": false,
		"create index concurrently i on s.t (c);":                                                  false, "insert into s.t values (1);": false, "drop schema s;": false,
		"alter type s.color add value 'red';": false,
	} {
		r := lint.Lint([]lint.Input{{Path: "m/000001_x.up.sql", Text: sql}}, lint.Options{})
		if got := slices.Contains(found(r), "lock-timeout"); got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
	if got := found(lint.Lint([]lint.Input{{Path: "m/000001_x.up.sql", Text: "alter table s.t add column c int;"}}, lint.Options{LockTimeout: true})); slices.Contains(got, "lock-timeout") {
		t.Errorf("found %v where the session has a lock_timeout", got)
	}
}

func TestMultiStatement(t *testing.T) {
	t.Parallel()
	r := lint.Lint([]lint.Input{{Path: "m/000001_x.up.sql", Text: "create index concurrently i on s.t (c); do $$ begin perform 1; end $$;"}}, lint.Options{MultiStatement: true})
	if got := found(r); !slices.Equal(got, []string{"dollar-quote", "missing-down"}) {
		t.Errorf("found %v", got)
	}
	alone := []lint.Input{{Path: "m/000001_x.up.sql", Text: "do $$ begin drop index concurrently s.i; end $$;"}}
	if got := found(lint.Lint(alone, lint.Options{})); !slices.Contains(got, "concurrently-in-transaction") {
		t.Errorf("a do block alone in its file is a transaction, too: found %v", got)
	}
	alone[0].Text = "create index concurrently i on s.t (c);"
	if got := found(lint.Lint(alone, lint.Options{})); slices.Contains(got, "concurrently-in-transaction") {
		t.Errorf("a statement alone in its file: found %v", got)
	}
}
