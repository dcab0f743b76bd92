package main

import (
	"os/exec"
	"testing"

	"github.com/tapline/tapline/internal/bench"
	"github.com/tapline/tapline/internal/pgtest"
)

func benchOptions(t *testing.T) bench.Options {
	t.Helper()
	program, err := exec.LookPath("tapline")
	if err != nil {
		t.Fatal(err)
	}
	return bench.Options{DSN: pgtest.DSN(t), Psql: "psql", Tapline: []string{program}, Dir: t.TempDir()}
}

// TestBench runs the benchmark, small: what it measures is not asserted, but that it does.
func TestBench(t *testing.T) {
	t.Parallel()
	o := benchOptions(t)
	o.Events, o.Files, o.Rounds = 3000, 3, 1
	r, err := bench.Measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tapline) != 1 || len(r.PsqlHeap) != 1 || len(r.PsqlByID) != 1 || r.Tapline[0].Rate <= 0 || r.Ratio <= 0 ||
		r.Files != 3 || r.Columns < 10 || r.JSONBytes < 3000*500 {
		t.Errorf("result %+v", r)
	}
}

// TestBenchMemory makes each of the large files, small, and loads it.
func TestBenchMemory(t *testing.T) {
	t.Parallel()
	bombs, err := bench.Memory(t.Context(), benchOptions(t), 1000)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]int64{ // loaded, quarantined
		"a line of 64 MiB":              {1, 1},
		"1 GiB without a newline":       {1, 1},
		"10 million lines in one gzip":  {10_000, 0},
		"10 million CleverTap records":  {10_000, 0},
		"500 new tables of 100 columns": {50, 0},
		"500 new tables of 500 columns": {50, 0},
	}
	for _, b := range bombs {
		if w := want[b.Name]; b.Loaded != w[0] || b.Quarantined != w[1] || b.Bytes == 0 {
			t.Errorf("%+v, want %d loaded and %d quarantined", b, w[0], w[1])
		}
		delete(want, b.Name)
	}
	if len(want) > 0 {
		t.Errorf("not measured: %v", want)
	}
}
