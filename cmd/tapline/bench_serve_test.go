package main

import (
	"encoding/json"
	"testing"

	"github.com/tapline/tapline/internal/bench"
	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// TestBenchServe measures receiving, in small: everything that was answered 200 is found again.
func TestBenchServe(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn := server.DSN(localpg.Database)
	code, stdout, stderr := run(t, "", "tapline", []string{"DATABASE_URL=" + dsn}, "bench", "--serve", "--json",
		"--rate", "500", "--per-request", "50", "--for", "2s", "--connections", "8", "--temp-dir", t.TempDir())
	var r bench.Served
	if err := json.Unmarshal([]byte(stdout), &r); code != 0 || err != nil {
		t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
	}
	if r.Requests != 20 || r.Answers["200"] != 20 || r.Sent != 1000 || r.Taken != 1000 || r.Lost != 0 || r.Acknowledged <= 0 ||
		r.P50 <= 0 || r.P99 < r.P50 || r.FreshP50 <= 0 || r.Fsyncs <= 0 || r.MaxRSS <= 0 {
		t.Errorf("result %+v", r)
	}
	if pgtest.Value[bool](t, pgtest.PoolAt(t, dsn), "select exists (select from pg_namespace where nspname = 'bench_serve') or exists (select from tapline.sources)") {
		t.Error("the benchmark leaves something")
	}
}
