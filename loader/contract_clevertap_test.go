package loader_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

const contractPages = "../testdata/contract/files/clevertap/"

// TestCleverTapRules loads the cases of CleverTap's own records, as JSON and as CSV, of a project in Berlin.
func TestCleverTapRules(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	inputs := []string{"ct-records.ndjson", "ct-named.ndjson", "ct-export.csv", "csv-segment.csv"}
	var paths []string
	for _, in := range inputs {
		paths = append(paths, rulesDir+in)
	}
	o := loader.FileOptions{Timezone: zone(t, "Europe/Berlin"), Account: "ACC"}
	report := loadFiles(t, pool, loader.Config{}, o, paths...)
	s := readStored(t, pool, "clevertap_prod")
	var all []expectation
	for i, in := range inputs {
		want := readExpected(t, rulesDir+strings.TrimSuffix(in, filepath.Ext(in))+".expected.jsonl")
		for n := range want {
			want[n].Case = in + " " + want[n].Case
		}
		all = append(all, want...)
		checkCounts(t, report.Units[i].Counts, want)
		s.checkQuarantine(t, in, readFile(t, paths[i]), want)
	}
	s.checkRows(t, all)
	notes := report.Notes
	if notes.AmbiguousHours != 1 || notes.MissingHours != 1 || notes.TimeZone != "Europe/Berlin" {
		t.Errorf("got notes %+v, want one hour of either kind", notes)
	}
	before := contents(t, pool, "clevertap_prod")
	dir := t.TempDir()
	for i, in := range inputs {
		writeFile(t, filepath.Join(dir, in), readFile(t, paths[i]))
	}
	again := loadFiles(t, pool, loader.Config{ChunkBytes: 10_000}, o, dir)
	if again.Duplicates != report.Accepted {
		t.Errorf("second load: %+v, want %d duplicates", again.Counts, report.Accepted)
	}
	if diff := cmp.Diff(before, contents(t, pool, "clevertap_prod")); diff != "" {
		t.Errorf("the second load changed something:\n%s", diff)
	}
}
