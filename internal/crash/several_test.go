package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/pgtest"
)

// Three loaders have the same files, all three die at once, and three others go on.
func TestSeveralLoadersOfTheSameFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, sound, unlessShort(steady))
	rng := random(t)
	o := observe(t, b.pool)
	for range 3 {
		loaders := []*process{b.start(""), b.start(""), b.start("")}
		loaders[0].open(2)
		time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
		for _, p := range loaders {
			p.signal(syscall.SIGKILL)
		}
		for _, p := range loaders {
			p.wait()
		}
	}
	loaders := []*process{b.start(""), b.start(""), b.start("")}
	for _, p := range loaders {
		p.mustFinish()
	}
	o.mustHaveSeen(t, b.input.files/3)
	b.mustBeClean()
}

// Two loaders have different files with events in common, in opposite orders, so that each waits for rows of the other.
func TestLoadersOfOverlappingFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, sound, unlessShort(everything))
	o := observe(t, b.pool)
	var even, odd []string
	for i, path := range b.input.paths(t) {
		if i%2 == 0 {
			even = append(even, path)
		} else {
			odd = append([]string{path}, odd...)
		}
	}
	b.paths = even
	first := b.start("")
	b.paths = odd
	second := b.start("")
	first.mustFinish()
	second.mustFinish()
	o.mustHaveSeen(t, b.input.files/3)
	b.mustBeClean()
}

// A loader that was paused in the middle of a transaction goes on when another one already waits to do its work.
func TestPausedLoader(t *testing.T) {
	t.Parallel()
	b := newBench(t, sound, small)
	o := observe(t, b.pool)
	paused := b.start("")
	if !b.writes(paused) {
		t.Fatalf("the loader ended: %s", paused.log())
	}
	paused.signal(syscall.SIGSTOP)
	stopped := len(b.tables(paused)) > 0
	other := b.start("")
	const waits = "select count(*) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'"
	for stopped && pgtest.Value[int64](t, b.pool, waits, other.tag) == 0 {
		time.Sleep(2 * time.Millisecond)
	}
	paused.signal(syscall.SIGCONT)
	paused.mustFinish()
	other.mustFinish()
	o.mustHaveSeen(t, 1)
	b.mustBeClean()
}

// Eight loaders meet an empty database and a new event at once, and want its property to have two different types. One
// wins; whatever has the other type is in discards.
func TestNewEventEverywhereAtOnce(t *testing.T) {
	t.Parallel()
	const loaders, rows = 8, 50
	b := newBench(t, sound, small)
	dir := t.TempDir()
	var running []*process
	for i := range loaders {
		value := []string{"true", `"text"`}[i%2]
		var lines strings.Builder
		for n := range rows {
			fmt.Fprintf(&lines, `{"type":"track","event":"Brand New","messageId":"%d-%d","userId":"u","timestamp":"2026-01-01",`+
				`"properties":{"value":%s,"own_%d":1}}`+"\n", i, n, value, i)
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.ndjson", i))
		if err := os.WriteFile(path, []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		b.paths = []string{path}
		running = append(running, b.start(""))
	}
	for _, p := range running {
		p.mustFinish()
	}
	b.gone(b.pool)
	if err := consistent(t.Context(), b.pool); err != nil {
		t.Error(err)
	}
	const query = "select (select count(*) from crash_test.brand_new), (select count(value) from crash_test.brand_new) + " +
		"(select count(*) from crash_test._discards where column_name = 'value' and reason = 'type_mismatch')"
	got := pgtest.Query(t, b.pool, query)[0]
	if got[0] != int64(loaders*rows) || got[1] != int64(loaders*rows) {
		t.Errorf("%d rows, %d values in the column or in discards, want %d of both", got[0], got[1], loaders*rows)
	}
}
