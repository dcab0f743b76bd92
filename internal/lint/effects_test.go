package lint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/lint"
)

func TestEffects(t *testing.T) {
	t.Parallel()
	got := lint.Effects(`-- drop table s.never;
		create table if not exists s."Purchase Made" (id text, amount numeric(10, 2), primary key (id));
		comment on table s."Purchase Made" is 'drop table s.x';
		alter table s.refund add column if not exists why text, alter column amount type double precision, drop column "Old";
		create or replace view s.tracks as select 1;
		do $$ begin drop table s.inner_one; end $$;
		create index concurrently by_user on s.refund (user_id);
		insert into s._columns values (1); drop table if exists a, s.b cascade;`)
	want := []lint.Effect{
		{Op: "create table", Schema: "s", Table: "Purchase Made", Columns: 2},
		{Op: "add column", Schema: "s", Table: "refund", Name: "why", Type: "text"},
		{Op: "alter type", Schema: "s", Table: "refund", Name: "amount", Type: "double precision"},
		{Op: "drop column", Schema: "s", Table: "refund", Name: "Old"},
		{Op: "create view", Schema: "s", Table: "tracks"},
		{Op: "drop table", Schema: "s", Table: "inner_one"},
		{Op: "create index", Schema: "s", Table: "refund", Name: "by_user"},
		{Op: "drop table", Table: "a"},
		{Op: "drop table", Schema: "s", Table: "b"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Effects (-want +got):\n%s", diff)
	}
}
