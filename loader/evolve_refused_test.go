package loader_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// refused loads a fraction for the bigint column Purchase.amount, which has to go to discards.
func refused(t *testing.T, pool *pgxpool.Pool, cfg loader.Config) {
	t.Helper()
	report := load(t, pool, cfg, write(t, track("x", "Purchase", `{"amount":1.50,"other":2}`)),
		// A second unit that starts again must not change what is reported of the first.
		write(t, append(events("y", 500), track("z", "Late", `{}`))...))
	if report.Discards[schema.TypeMismatch] != 1 || report.Discarded != 1 {
		t.Errorf("discards %v, want one type_mismatch", report.Discards)
	}
	if diff := cmp.Diff([][2]string{{"purchase", "amount"}}, report.Blocked); diff != "" {
		t.Errorf("blocked (-want +got):\n%s", diff)
	}
	equal(t, pool, `select amount, other, pg_typeof(amount)::text from clevertap_prod.purchase where id = 'x'`,
		[]any{nil, int64(2), "bigint"})
	equal(t, pool, `select table_name, row_id, column_name, raw_value, reason from clevertap_prod._discards`,
		[]any{"purchase", "x", "amount", "1.50", "type_mismatch"})
	consistent(t, pool)
}

func TestWidenRefused(t *testing.T) {
	t.Parallel()
	prepared := func(t *testing.T) *pgxpool.Pool {
		pool := pgtest.Pool(t)
		load(t, pool, loader.Config{}, write(t, events("e", 3)...))
		return pool
	}
	t.Run("large table", func(t *testing.T) {
		t.Parallel()
		refused(t, prepared(t), loader.Config{WidenMaxRows: 2, ChunkBytes: small})
	})
	t.Run("never", func(t *testing.T) {
		t.Parallel()
		refused(t, prepared(t), loader.Config{WidenMaxRows: -1, ChunkBytes: small})
	})
	t.Run("view of somebody else", func(t *testing.T) {
		t.Parallel()
		pool := prepared(t)
		pgtest.Exec(t, pool, `create view public.amounts as select amount from clevertap_prod.purchase`)
		refused(t, pool, loader.Config{ChunkBytes: small})
	})
	t.Run("lock not had", func(t *testing.T) {
		t.Parallel()
		pool := prepared(t)
		load(t, pool, loader.Config{}, write(t, track("w", "Purchase", `{"other":1}`), track("v", "Late", `{}`)))
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Query(t, tx, `select count(*) from clevertap_prod.purchase`)
		refused(t, pool, loader.Config{ChunkBytes: small, WidenWait: time.Second})
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The next load tries again.
		load(t, pool, loader.Config{}, write(t, track("u", "Purchase", `{"amount":0.5}`)))
		equal(t, pool, `select amount from clevertap_prod.purchase where id in ('e-00002', 'u') order by 1`, []any{0.5}, []any{2.0})
	})
}

// loadingRole makes a role that may load and change nothing of the schema, and returns a pool of its sessions.
func loadingRole(t *testing.T, admin *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	name := "loading_" + admin.Config().ConnConfig.Database // roles are the server's, which goes with the tests
	pgtest.Exec(t, admin, strings.ReplaceAll(`do $$ begin
		create role R;
		grant usage on schema tapline, clevertap_prod to R;
		grant select on all tables in schema tapline to R;
		grant select, insert, update on all tables in schema clevertap_prod to R;
	end $$`, "R", pgx.Identifier{name}.Sanitize()))
	dsn, err := url.Parse(admin.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	query := dsn.Query()
	query.Set("role", name)
	dsn.RawQuery = query.Encode()
	return pgtest.PoolAt(t, dsn.String())
}

func TestManaged(t *testing.T) {
	t.Parallel()
	admin := pgtest.Pool(t)
	load(t, admin, loader.Config{}, write(t, events("e", 3)...))
	before := pgtest.Query(t, admin, `select version, name from clevertap_prod._migration_files order by 1`)
	pool := loadingRole(t, admin)
	cfg := loader.Config{Evolve: loader.Managed, ChunkBytes: small}
	lines := append(events("m", 500),
		track("new", "Unheard Of", `{"a":1}`),
		track("col", "Purchase", `{"amount":7,"sent by":"post","deep":{"er":[1]}}`),
		track("wide", "Purchase", `{"amount":7.5}`),
		track("wrong", "Purchase", `{"amount":"many"}`),
		`{"type":"identify","messageId":"i","userId":"u","traits":{"age":1}}`)
	report := load(t, pool, cfg, write(t, lines...))
	if report.Loaded != 503 || report.Quarantine[schema.UnknownTable] != 2 {
		t.Errorf("report %+v %v, want 503 loaded and 2 of an unknown table", report.Counts, report.Quarantine)
	}
	if diff := cmp.Diff([][2]string{{"purchase", "amount"}}, report.Blocked); diff != "" {
		t.Errorf("blocked (-want +got):\n%s", diff)
	}
	equal(t, admin, `select row_id, column_name, raw_value, reason from clevertap_prod._discards order by 1, 2`,
		[]any{"col", "deep_er", "[1]", "unknown_column"}, []any{"col", "sent_by", `"post"`, "unknown_column"},
		[]any{"wide", "amount", "7.5", "type_mismatch"}, []any{"wrong", "amount", `"many"`, "type_mismatch"})
	equal(t, admin, `select reason, convert_from(raw, 'UTF8') from clevertap_prod._quarantine order by 2`,
		[]any{"unknown_table", lines[504]}, []any{"unknown_table", lines[500]})
	equal(t, admin, `select version, name from clevertap_prod._migration_files order by 1`, before...)
	if _, err := pool.Exec(t.Context(), `create table clevertap_prod.x (n int)`); err == nil {
		t.Error("the role can create tables: the test proves nothing")
	}
	consistent(t, admin)
}

func TestManagedNeedsTheSchema(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	report, err := tryLoad(t, pool, loader.Config{Evolve: loader.Managed}, write(t, events("e", 1)...))
	if err == nil || !strings.Contains(fmt.Sprint(err), "tapline migrate up") {
		t.Errorf("error %v, report %+v; want one that says what to run", err, report.Counts)
	}
	equal(t, pool, `select to_regnamespace('clevertap_prod')`, []any{nil})
}
