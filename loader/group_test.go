package loader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// together is a source whose units say that another one follows, so that small ones are in one group for sure. kind is what
// they are; the default is a file.
type together struct {
	loader.Source
	kind string
}

func (s together) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		var units []loader.Unit
		for u, err := range s.Source.Units(ctx) {
			if err != nil && !yield(nil, err) {
				return
			}
			units = append(units, u)
		}
		for i, u := range units {
			if !yield(groupUnit{u, s.kind, i+1 < len(units)}, nil) {
				return
			}
		}
	}
}

type groupUnit struct {
	loader.Unit
	kind string
	more bool
}

func (u groupUnit) More() bool { return u.more }

func (u groupUnit) Kind() string {
	if u.kind == "" {
		return source.KindFile
	}
	return u.kind
}

// transactions counts the transactions that the ledger's units came in by.
const transactions = `select count(distinct xmin::text) from clevertap_prod._units`

// TestGroupWithBrokenFiles loads the cases of the contract among other files in one transaction: an empty one, two that cannot
// be read, and one that has the same records again. Each has its own outcome, counts and positions, and one load in the ledger.
func TestGroupWithBrokenFiles(t *testing.T) {
	t.Parallel()
	text, want := readFile(t, contractEvents), readExpected(t, contractExpected)
	cut := gzipped(t, bytes.Repeat([]byte(track("cut", "Purchase", `{"gone":1}`)+"\n"), 100))
	dir := t.TempDir()
	pool := pgtest.Pool(t)
	src := together{Source: filesOf(t,
		writeFile(t, filepath.Join(dir, "1 blank"), []byte("\n\n")),
		writeFile(t, filepath.Join(dir, "2 cut"), cut[:len(cut)-9]),
		writeFile(t, filepath.Join(dir, "3 cases"), text),
		writeFile(t, filepath.Join(dir, "4 short.gz"), cut[:9]),
		writeFile(t, filepath.Join(dir, "5 again"), text),
	)}
	report, err := newLoader(t, pool.Config().ConnString(), loader.Config{}).Load(t.Context(), src)
	var units *loader.UnitsError
	if !errors.As(err, &units) || units.Failed != 2 {
		t.Fatalf("error %v, want two files that failed", err)
	}
	var got []string
	for _, u := range report.Units {
		got = append(got, filepath.Base(u.Unit)[:1]+" "+string(u.Status))
	}
	if diff := cmp.Diff([]string{"1 finished", "2 failed", "3 finished", "4 failed", "5 finished"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	first, again := report.Units[2].Counts, report.Units[4].Counts
	checkCounts(t, first, want)
	if again.Duplicates != first.Accepted || again.Accepted != first.Accepted || again.Discarded != 0 {
		t.Errorf("the second file: %+v, want %d duplicates", again, first.Accepted)
	}
	s := readStored(t, pool, "clevertap_prod")
	s.checkRows(t, want)
	s.checkQuarantine(t, "3 cases", text, want)
	equal(t, pool, transactions, []any{int64(1)})
	equal(t, pool, `select substr(unit, length(unit) - strpos(reverse(unit), chr(47)) + 2, 1), status, units, rows, quarantined, duplicates, discarded from clevertap_prod._loads order by unit`,
		[]any{"1", "finished", int64(1), int64(0), int64(0), int64(0), int64(0)},
		[]any{"2", "failed", int64(1), int64(0), int64(0), int64(0), int64(0)},
		[]any{"3", "finished", int64(1), first.Loaded, first.Quarantined, first.Duplicates, first.Discarded},
		[]any{"4", "failed", int64(1), int64(0), int64(0), int64(0), int64(0)},
		[]any{"5", "finished", int64(1), int64(0), int64(0), again.Duplicates, int64(0)})
	equal(t, pool, `select count(*) - count(distinct uuid_ts), max(seq), count(*) from clevertap_prod._loads where status = 'finished'`,
		[]any{int64(0), int64(3), int64(3)})
}

// TestGroupIsUndoneFileByFile: files that came in together go out one by one.
func TestGroupIsUndoneFileByFile(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	src := together{Source: filesOf(t,
		write(t, append(events("a", 30), identify("i1", "u1", "old"), "{")...),
		write(t, append(events("b", 20), identify("i2", "u1", "new"), "[")...),
		write(t, append(events("c", 10), identify("i3", "u2", "x"))...))}
	report, err := newLoader(t, pool.Config().ConnString(), loader.Config{}).Load(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, pool, transactions, []any{int64(1)})
	undone, err := admin.Undo(t.Context(), pool, "clevertap_prod", report.Units[1].Load)
	if err != nil {
		t.Fatal(err)
	}
	if undone.Rows() != 21 || undone.Quarantined != 1 || undone.Units != 1 {
		t.Errorf("undone: %+v, want the second file's 21 rows, its bad line and its unit", undone)
	}
	equal(t, pool, `select left(id, 1), count(*) from clevertap_prod.purchase group by 1 order by 1`, []any{"a", int64(30)}, []any{"c", int64(10)})
	equal(t, pool, `select id, plan from clevertap_prod.users order by 1`, []any{"u1", "old"}, []any{"u2", "x"})
	again, err := newLoader(t, pool.Config().ConnString(), loader.Config{}).Load(t.Context(), src)
	if err != nil || again.SkippedUnits() != 2 || again.Loaded != 21 {
		t.Errorf("loaded again: %+v, %v; want the second file alone", again.Counts, err)
	}
}

// TestFramesAreOneLoad: frames that share a transaction are one row in _loads, each is one in _units.
func TestFramesAreOneLoad(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	src := together{filesOf(t, write(t, events("a", 3)...), write(t, append(events("b", 2), "{")...), write(t, events("c", 1)...)), source.KindFrame}
	var mu sync.Mutex
	var ended []loader.UnitReport
	cfg := loader.Config{Ended: func(_ loader.Unit, u loader.UnitReport) {
		mu.Lock()
		defer mu.Unlock()
		ended = append(ended, u)
		equal(t, pool, `select count(*) from clevertap_prod._units`, []any{int64(3)}) // it is committed
	}}
	report, err := newLoader(t, pool.Config().ConnString(), cfg).Load(t.Context(), src)
	if err != nil || report.Loaded != 6 || report.FinishedUnits() != 3 || len(report.Units) != 0 {
		t.Fatalf("%+v, %v; want six rows of three units that Ended has", report, err)
	}
	if len(ended) != 3 || ended[1].Loaded != 2 || ended[1].Quarantined != 1 || ended[2].Load != ended[0].Load {
		t.Errorf("ended: %+v", ended)
	}
	equal(t, pool, `select units, rows, quarantined, bytes = (select sum(size) from clevertap_prod._units), seq from clevertap_prod._loads`,
		[]any{int64(3), int64(6), int64(1), true, int64(1)})
	equal(t, pool, `select count(distinct unit_key), count(distinct load), min(kind) from clevertap_prod._units`, []any{int64(3), int64(1), "frame"})
	undone, err := admin.Undo(t.Context(), pool, "clevertap_prod", ended[0].Load)
	if err != nil || undone.Units != 3 || undone.Rows() != 6 {
		t.Errorf("undone: %+v, %v", undone, err)
	}
}

// TestGroupMemberLoadedMeanwhile: while a group is read, another loader brings in one of its files, and a third is never
// waited for.
func TestGroupMemberLoadedMeanwhile(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	paths := []string{write(t, events("a", 3)...), write(t, events("b", 4)...), write(t, events("c", 5)...)}
	var once sync.Once
	src := together{Source: watched{filesOf(t, paths...), func(_ context.Context, name string) error {
		if name == paths[2] {
			once.Do(func() { load(t, pool, loader.Config{}, paths[1]) })
		}
		return nil
	}, func() {}}}
	report, err := newLoader(t, pool.Config().ConnString(), loader.Config{}).Load(t.Context(), src)
	if err != nil || report.Loaded != 8 || report.Duplicates != 0 || report.Units[1].Status != loader.Skipped {
		t.Errorf("%+v, %v; want the first and third file", report.Units, err)
	}
	equal(t, pool, `select count(*), count(distinct load) from clevertap_prod._units`, []any{int64(3), int64(3)})
	equal(t, pool, `select rows from clevertap_prod._loads order by seq`, []any{int64(4)}, []any{int64(3)}, []any{int64(5)})
}

// TestGroupWithRefusedFile: Postgres refuses more rows of a file than may go to quarantine. That file fails alone, and what
// is refused of the others is in quarantine.
func TestGroupWithRefusedFile(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, events("first", 1)...))
	pgtest.Exec(t, pool, `alter table clevertap_prod.purchase add check (currency <> 'XXX')`)
	bad := func(prefix string, n int) (out []string) {
		for i := range n {
			out = append(out, track(fmt.Sprint(prefix, i), "Purchase", `{"currency":"XXX"}`))
		}
		return out
	}
	paths := []string{
		write(t, append(events("a", 3), bad("a", 1)...)...), write(t, append(events("b", 1), bad("b", 1001)...)...),
		write(t, events("c", 2)...), write(t, append(events("d", 1), bad("a", 1)...)...),
	}
	report, err := newLoader(t, pool.Config().ConnString(), loader.Config{}).Load(t.Context(), together{Source: filesOf(t, paths...)})
	if err == nil || report.FailedUnits() != 1 || report.Units[1].Status != loader.Failed || !strings.Contains(report.Units[1].Err.Error(), paths[1]) {
		t.Fatalf("%+v, %v; want one file that failed", report.Units, err)
	}
	if report.Loaded != 6 || report.Units[0].Quarantined != 1 || report.Quarantine[schema.RejectedByDatabase] < 1 {
		t.Errorf("%+v; want six rows and the refused ones in quarantine", report.Units)
	}
	equal(t, pool, `select left(id, 1), count(*) from clevertap_prod.purchase group by 1 order by 1`,
		[]any{"a", int64(3)}, []any{"c", int64(2)}, []any{"d", int64(1)}, []any{"f", int64(1)})
}

// slow yields its units one after the other, each only when the rows of those before are in the table.
type slow struct {
	loader.Source
	visible func(units int) error
}

func (s slow) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		n := 0
		for u, err := range s.Source.Units(ctx) {
			if wait := s.visible(n); wait != nil {
				yield(nil, wait)
				return
			}
			if n++; !yield(u, err) {
				return
			}
		}
	}
}

// TestGroupDoesNotWait: a source that has nothing more for now keeps nothing up that it yielded before.
func TestGroupDoesNotWait(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, events("first", 1)...))
	src := slow{filesOf(t, write(t, events("a", 1)...), write(t, events("b", 1)...), write(t, events("c", 1)...)), func(n int) error {
		for limit := time.Now().Add(time.Minute); pgtest.Value[int64](t, pool, `select count(*) from clevertap_prod._units`) <= int64(n); time.Sleep(time.Millisecond) {
			if time.Now().After(limit) {
				return fmt.Errorf("unit %d waits for the next one", n)
			}
		}
		return nil
	}}
	report, err := newLoader(t, pool.Config().ConnString(), loader.Config{}).Load(t.Context(), src)
	if err != nil || report.Loaded != 3 {
		t.Errorf("%+v, %v; want three rows", report.Counts, err)
	}
}

// TestSmallFilesStayInOrder loads many files that tell of the same ids and of columns of different types: one by one and in
// groups of any size they come to the same.
func TestSmallFilesStayInOrder(t *testing.T) {
	t.Parallel()
	var paths []string
	for i := range 60 {
		value := []string{`1`, `"2"`, `2.5`, `true`, `"x"`}[i%5]
		paths = append(paths, write(t, track(fmt.Sprint(i%17), "Shared", fmt.Sprintf(`{"n":%d,"v_%d":%s}`, i, i%7, value)),
			track(fmt.Sprint("own", i), fmt.Sprintf("Event %d", i%9), `{"p":1}`), fmt.Sprintf(`{"bad":%d}`, i%3)))
	}
	var want map[string][]string
	for _, cfg := range []loader.Config{{SmallUnit: -1}, {}, {ChunkBytes: 1000}} {
		pool := pgtest.Pool(t)
		report, err := newLoader(t, pool.Config().ConnString(), cfg).Load(t.Context(), together{Source: filesOf(t, paths...)})
		if err != nil {
			t.Fatal(err)
		}
		got := contents(t, pool, "clevertap_prod")
		delete(got, "_discards") // what a widening came too late for depends on where a transaction ends
		if want == nil {
			want = got
			continue
		}
		if n := pgtest.Value[int64](t, pool, transactions); n > 20 {
			t.Errorf("%d transactions for %d files", n, len(paths))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (+) one by one (-):\n%s", cfg, diff)
		}
		if slices.ContainsFunc(report.Units, func(u loader.UnitReport) bool { return u.Accepted != 3 || u.Loaded+u.Quarantined+u.Duplicates != 3 }) {
			t.Errorf("files do not have three records each: %+v", report.Units)
		}
	}
}
