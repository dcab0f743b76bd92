package migrations_test

import (
	"context"
	"errors"
	"fmt"
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

func TestCanWidenOtherType(t *testing.T) {
	t.Parallel()
	_, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	for column, want := range map[string]string{
		"user_id": "check column shop.purchase.user_id: the column is not bigint but text", "nothing": "not bigint",
	} {
		_, _, err := m.CanWiden(t.Context(), "purchase", column, 0)
		if !errors.Is(err, migrations.ErrOtherType) || !strings.Contains(err.Error(), want) {
			t.Errorf("CanWiden of %s: %v, want %q", column, err, want)
		}
	}
}

// While somebody changes the table it is not known what becomes of the column, and neither yes nor no is said of it.
func TestCanWidenWaits(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	pgtest.Exec(t, tx, `lock table shop.purchase in access exclusive mode`)
	if to, reason, err := m.CanWiden(t.Context(), "purchase", "amount", 0); !migrations.LockNotHad(err) {
		t.Errorf("CanWiden of a locked table = %v, %q, %v; want the lock's error", to, reason, err)
	}
	asked := make(chan error, 1)
	go func() {
		to, reason, err := m.CanWiden(t.Context(), "purchase", "amount", 0)
		if err == nil && to != schema.Double {
			err = fmt.Errorf("CanWiden = %v, %q", to, reason)
		}
		asked <- err
	}()
	waits(t, pool, `select exists (select from pg_locks where not granted and relation = 'shop.purchase'::regclass)`)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-asked; err != nil {
		t.Errorf("after the lock is free: %v", err)
	}
}
