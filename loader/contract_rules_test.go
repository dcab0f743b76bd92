package loader_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

const rulesDir = "../testdata/rules/"

// TestRules loads all cases of testdata/rules that need no settings of their own, as one folder, and compares every
// value. Then it loads them again under other names: nothing may change.
func TestRules(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob(rulesDir + "r*.ndjson")
	if err != nil || len(inputs) < 15 {
		t.Fatalf("found %d inputs, %v", len(inputs), err)
	}
	pool := pgtest.Pool(t)
	o := loader.FileOptions{Format: "segment"}
	report := loadFiles(t, pool, loader.Config{}, o, inputs...)
	s := readStored(t, pool, "clevertap_prod")
	var all []expectation
	for i, in := range inputs {
		want := readExpected(t, strings.TrimSuffix(in, ".ndjson")+".expected.jsonl")
		for n := range want {
			want[n].Case = filepath.Base(in) + " " + want[n].Case
		}
		all = append(all, want...)
		t.Run(filepath.Base(in), func(t *testing.T) {
			checkCounts(t, report.Units[i].Counts, want)
			s.checkQuarantine(t, filepath.Base(in), readFile(t, in), want)
		})
	}
	s.checkRows(t, all)
	checkTracks(t, s, pgtest.Value[int64](t, pool, "select count(*) from clevertap_prod.tracks"))

	before := contents(t, pool, "clevertap_prod")
	dir := t.TempDir()
	for _, in := range inputs {
		writeFile(t, filepath.Join(dir, filepath.Base(in)), readFile(t, in))
	}
	again := loadFiles(t, pool, loader.Config{ChunkBytes: 10_000}, o, dir)
	if again.Duplicates != report.Accepted || again.Accepted != report.Accepted {
		t.Errorf("second load: %+v, want %d duplicates", again.Counts, report.Accepted)
	}
	if diff := cmp.Diff(before, contents(t, pool, "clevertap_prod")); diff != "" {
		t.Errorf("the second load changed something:\n%s", diff)
	}
}
