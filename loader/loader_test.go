package loader_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// load loads paths as the source CleverTap_Prod and fails the test if it cannot.
func load(t *testing.T, pool *pgxpool.Pool, cfg loader.Config, paths ...string) loader.Report {
	t.Helper()
	report, err := tryLoad(t, pool, cfg, paths...)
	if err != nil {
		t.Fatalf("load %v: %v", paths, err)
	}
	return report
}

// tryLoad loads paths and returns what became of it. CleverTap's files are those of an account in India.
func tryLoad(t *testing.T, pool *pgxpool.Pool, cfg loader.Config, paths ...string) (loader.Report, error) {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatalf("load time zone: %v", err)
	}
	src, err := loader.Files(paths, loader.FileOptions{Timezone: zone, Account: "TEST-ACCOUNT"})
	if err != nil {
		t.Fatalf("open %v: %v", paths, err)
	}
	if cfg.Source == "" {
		cfg.Source = "CleverTap_Prod"
	}
	l, err := loader.New(pool, cfg)
	if err != nil {
		t.Fatalf("new loader: %v", err)
	}
	defer l.Close()
	return l.Load(t.Context(), src)
}

func TestSampleIsLoadedOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	first := load(t, pool, loader.Config{}, "../testdata/sample/events.ndjson.gz")
	if first.Accepted != 3000 || first.Accepted != first.Loaded+first.Quarantined+first.Duplicates {
		t.Errorf("first load: %+v, want 3000 accepted", first.Counts)
	}
	second := load(t, pool, loader.Config{}, "../testdata/sample/events.ndjson.gz")
	if second.SkippedUnits() != 1 || second.Accepted != 0 {
		t.Errorf("second load: %+v, want the file skipped", second)
	}
	if n := pgtest.Value[int64](t, pool, "select count(*) from clevertap_prod.tracks"); n != first.Loaded {
		t.Errorf("tracks has %d rows, want %d", n, first.Loaded)
	}
}
