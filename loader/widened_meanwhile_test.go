package loader_test

import (
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// TestWidenedBeforeDiscards widens a column after the loader has refused a value for it and before it has the lock: the
// value is stored, not left to wait for a type that is there already.
func TestWidenedBeforeDiscards(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	cfg := loader.Config{WidenMaxRows: -1, ChunkBytes: small}
	load(t, pool, cfg, write(t, track("1", "Purchase", `{"a":71}`)))
	tx := begin(t, pool)
	pgtest.Exec(t, tx, `alter table clevertap_prod.purchase alter a type double precision`)
	wait := background(t, pool, cfg, write(t, track("2", "Purchase", `{"a":2.5}`)))
	waitUntil(t, pool, waitsForTable)
	commit(t, tx)
	if report := wait(); report.Loaded != 1 || report.Discarded != 0 {
		t.Errorf("report %+v, want one loaded and nothing discarded", report.Counts)
	}
	equal(t, pool, `select a from clevertap_prod.purchase where id = '2'`, []any{2.5})
}
