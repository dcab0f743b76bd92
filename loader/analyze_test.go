package loader_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// A load whose tables cannot be analyzed, because somebody vacuums one, gives the pool's connections back as they were.
func TestAnalyzeLeavesTheSettings(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Pool(t).Config()
	cfg.MaxConns = 2
	cfg.ConnConfig.RuntimeParams["lock_timeout"] = "77s"
	cfg.ConnConfig.RuntimeParams["default_statistics_target"] = "77"
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	settings := func() {
		t.Helper()
		var held []*pgxpool.Conn
		for range cfg.MaxConns {
			conn, err := pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, conn)
			got := pgtest.Query(t, conn, `select current_setting('lock_timeout'), current_setting('default_statistics_target')`)
			if diff := cmp.Diff([][]any{{"77s", "77"}}, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		}
		for _, conn := range held {
			conn.Release()
		}
	}
	load(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{}`)))
	settings()
	other := pgtest.PoolAt(t, cfg.ConnString())
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The lock of a vacuum: the load can write, analyze cannot have its own.
	pgtest.Exec(t, tx, `lock table clevertap_prod.purchase in share update exclusive mode`)
	load(t, pool, loader.Config{}, write(t, track("2", "Purchase", `{}`)))
	settings()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}
