package widen_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/widen"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// load loads lines into the source Shop, in which loads widen no column.
func load(t *testing.T, pool *pgxpool.Pool, lines ...string) {
	t.Helper()
	if err := tryLoad(t, pool, loader.Config{}, lines...); err != nil {
		t.Fatal(err)
	}
}

func tryLoad(t *testing.T, pool *pgxpool.Pool, cfg loader.Config, lines ...string) error {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		return err
	}
	cfg.Source, cfg.WidenMaxRows = "Shop", -1
	l, err := loader.New(pool, cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	src, err := loader.Files([]string{path}, loader.FileOptions{})
	if err != nil {
		return err
	}
	_, err = l.Load(t.Context(), src)
	return err
}

func track(id, properties string) string {
	return fmt.Sprintf(`{"type":"track","event":"Purchase","userId":"u","messageId":%q,"properties":%s,"context":{"build":%d}}`, id, properties, len(id))
}

// purchases are n events with whole amounts from first on.
func purchases(first, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = track(fmt.Sprintf("%06d", first+i), fmt.Sprintf(`{"amount":%d}`, first+i))
	}
	return lines
}

// shop is a database with 1000 purchases, and two values that wait for a wider column.
func shop(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t)
	load(t, pool, purchases(0, 1000)...)
	load(t, pool, track("w1", `{"amount":0.5}`), track("w2", `{"amount":0.25}`), track("w3", `{"amount":"word"}`))
	return pool
}

// request widens purchase.amount.
func request(to schema.Type) widen.Request {
	return widen.Request{Source: "Shop", Schema: "shop", Table: "purchase", Column: "amount", To: to, BatchSize: 100, Wait: time.Minute}
}

func migrator(t *testing.T, pool *pgxpool.Pool) *migrations.Migrator {
	t.Helper()
	m, err := migrations.Open(t.Context(), pool.Config().ConnConfig, "shop", migrations.Options{RetryFor: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func open(t *testing.T, pool *pgxpool.Pool, req widen.Request) (*widen.Job, error) {
	t.Helper()
	return widen.Open(t.Context(), pool, migrator(t, pool), req)
}

// run widens a column and returns what was done.
func run(t *testing.T, pool *pgxpool.Pool, req widen.Request) widen.Result {
	t.Helper()
	j, err := open(t, pool, req)
	if err != nil {
		t.Fatal(err)
	}
	done, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// typeOf is the type of a column of the schema shop.
func typeOf(t *testing.T, pool *pgxpool.Pool, table, column string) string {
	t.Helper()
	typ, err := migrations.ColumnType(t.Context(), pool, "shop", table, column)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// clean checks that nothing of a widening is left but its migration.
func clean(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	left := pgtest.Query(t, pool, `select 'relation', relname::text from pg_class where relname like '\_widening%'
		union all select 'column', attname::text from pg_attribute where attname like '\_widening%' and not attisdropped
			and attrelid in (select oid from pg_class where relkind = 'r' and relname not like '\_widening%')
		union all select 'function', proname::text from pg_proc where proname like '\_widening%'
		union all select 'trigger', tgname::text from pg_trigger where tgname like '~\_widening%'`)
	if len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	// A closed connection's backend gives its locks back when it notices, a moment later.
	until(t, pool, `select not exists (select from pg_locks where locktype = 'advisory'
		and database = (select oid from pg_database where datname = current_database()))`)
}
