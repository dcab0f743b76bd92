package migrations_test

import (
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func TestCanWiden(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql, column, reason string
		rows                      int
		want                      schema.Type
	}{
		{name: "empty", column: "amount", want: schema.Double},
		{name: "shown by tracks", column: "context_build", want: schema.Double},
		{
			name: "2^53", sql: `insert into shop.purchase (id, amount) values ('a', 9007199254740992), ('b', -9007199254740992)`,
			column: "amount", want: schema.Double,
		},
		{
			name: "over 2^53", sql: `insert into shop.purchase (id, amount) values ('a', 9007199254740993)`,
			column: "amount", want: schema.Numeric,
		},
		{
			name: "least bigint", sql: `insert into shop.purchase (id, amount) values ('a', -9223372036854775808)`,
			column: "amount", want: schema.Numeric,
		},
		{
			name: "as many rows as allowed", sql: `insert into shop.purchase (id) values ('a'), ('b')`,
			column: "amount", rows: 2, want: schema.Double,
		},
		{
			name: "too many rows", sql: `insert into shop.purchase (id) values ('a'), ('b'), ('c')`,
			column: "amount", rows: 2, reason: "table purchase has more than 2 rows",
		},
		{
			name: "somebody's view", sql: `create view public.v as select amount from shop.purchase`,
			column: "amount", reason: "view public.v depends on column purchase.amount",
		},
		{
			name: "a view of another column", sql: `create view public.v as select id from shop.purchase`,
			column: "amount", want: schema.Double,
		},
		{
			name: "somebody's view called tracks", sql: `create view public.tracks as select amount from shop.purchase`,
			column: "amount", reason: "view public.tracks depends",
		},
		{
			name: "generated column", sql: `alter table shop.purchase add column double bigint generated always as (amount * 2) stored`,
			column: "amount", reason: "depends on column purchase.amount",
		},
		{
			name: "a default of its own", sql: `alter table shop.purchase alter column amount set default 0`,
			column: "amount", want: schema.Double,
		},
		{name: "text", column: "user_id", reason: "column purchase.user_id is not bigint but text"},
		{name: "no such column", column: "nothing", reason: "not bigint"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pool, m := ready(t, migrations.Options{})
			evolve(t, m, purchases())
			if test.sql != "" {
				pgtest.Exec(t, pool, test.sql)
			}
			to, reason, err := m.CanWiden(t.Context(), "purchase", test.column, test.rows)
			if err != nil {
				t.Fatal(err)
			}
			if to != test.want || !strings.Contains(reason, test.reason) || (reason == "") != (test.reason == "") {
				t.Fatalf("CanWiden = %v, %q, want %v, %q", to, reason, test.want, test.reason)
			}
			if to != schema.Unknown {
				evolve(t, m, schema.Diff{Widen: []schema.Widens{{Table: "purchase", Column: test.column, From: schema.Bigint, To: to}}})
			}
		})
	}
}
