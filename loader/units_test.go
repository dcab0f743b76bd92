package loader_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// TestFailureNamesTheFileOnce looks at what people read of a file that cannot be loaded: the report, the error, _loads.
func TestFailureNamesTheFileOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	text := strings.Repeat(`{"type":"track","messageId":"m","event":"Cut Short","userId":"u"}`+"\n", 1000)
	compressed := gzipped(t, []byte(text))
	path := writeFile(t, filepath.Join(t.TempDir(), "cut.gz"), compressed[:len(compressed)-20])
	missing := writeFile(t, filepath.Join(t.TempDir(), "gone.gz"), nil)
	src, err := loader.Files([]string{path, missing}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(missing); err != nil {
		t.Fatal(err)
	}
	l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, read := range map[string]func(context.Context, loader.Source) (loader.Report, error){"Plan": l.Plan, "Load": l.Load} {
		report, err := read(t.Context(), src)
		var units *loader.UnitsError
		if !errors.As(err, &units) || len(report.Units) != 2 || len(units.Errs) != 2 {
			t.Fatalf("%s: units %+v, error %v; want two that failed", name, report.Units, err)
		}
		want := "read " + path + ": truncated: the compressed data ends too early (get the file again)"
		if got := report.Units[0].Err.Error(); got != want || report.Units[0].Status != loader.Failed {
			t.Errorf("%s: error %q (%s), want %q", name, got, report.Units[0].Status, want)
		}
		for _, e := range units.Errs {
			if n := strings.Count(e.Error(), path) + strings.Count(e.Error(), missing); n != 1 {
				t.Errorf("%s: error %q names its file %d times", name, e, n)
			}
		}
	}
	equal(t, pool, `select unit, status, error from clevertap_prod._loads`,
		[]any{path, "failed", "read " + path + ": truncated: the compressed data ends too early (get the file again)"})
}

// cutAt cancels a load after a unit was yielded.
type cutAt struct {
	loader.Source
	cancel context.CancelFunc
}

func (s cutAt) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		for u, err := range s.Source.Units(ctx) {
			if u != nil {
				u = cutUnit{u, s.cancel}
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

type cutUnit struct {
	loader.Unit
	cancel context.CancelFunc
}

// Key is asked for when the unit's turn has come.
func (u cutUnit) Key() string {
	u.cancel()
	return u.Unit.Key()
}

// TestCancelledUnitDidNotFail cancels a load while a unit is open: nothing is wrong with that unit.
func TestCancelledUnitDidNotFail(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, events("first", 1)...)) // Plan asks the ledger for the key only if there is one
	files, err := loader.Files([]string{write(t, events("a", 5000)...), write(t, events("b", 1)...)}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod", SmallUnit: -1}) // the others of a group are interrupted too
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, read := range map[string]func(context.Context, loader.Source) (loader.Report, error){"Plan": l.Plan, "Load": l.Load} {
		ctx, cancel := context.WithCancel(t.Context())
		report, err := read(ctx, cutAt{files, cancel})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", name, err)
		}
		if len(report.Units) != 1 || report.Units[0].Status != loader.Interrupted || report.Units[0].Err != nil ||
			report.Units[0].Load != uuid.Nil || report.FailedUnits() != 0 {
			t.Errorf("%s: units %+v, want one that was interrupted", name, report.Units)
		}
	}
	equal(t, pool, `select count(*) from clevertap_prod._loads`, []any{int64(1)})
	equal(t, pool, `select count(*) from clevertap_prod.tracks`, []any{int64(1)})
}

// TestPlanWithoutDatabase plans with and without a server: a schema that is not there yet is the same in both.
func TestPlanWithoutDatabase(t *testing.T) {
	t.Parallel()
	lines := append(events("a", 3), track("f", "App Launched", `{"CT Session Id":1.5}`), "{")
	files, err := loader.Files([]string{write(t, lines...)}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.Pool(t)
	var reports [2]loader.Report
	for i, p := range []*pgxpool.Pool{nil, pool} {
		l, err := loader.New(p, loader.Config{Source: "CleverTap_Prod", Now: func() time.Time { return time.Unix(0, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if reports[i], err = l.Plan(t.Context(), files); err != nil {
			t.Fatal(err)
		}
		if p == nil {
			if _, err := l.Load(t.Context(), files); err == nil {
				t.Error("Load without a pool: no error")
			}
		}
	}
	got := reports[0]
	if got.Loaded != 4 || got.Quarantined != 1 || got.Discards[schema.TypeMismatch] != 1 || !got.Tables["purchase"].New || len(got.Blocked) != 0 {
		t.Errorf("the plan is %+v", got)
	}
	if diff := cmp.Diff(got, reports[1]); diff != "" {
		t.Errorf("with a server (+) the plan is another than without (-):\n%s", diff)
	}
	loaded := load(t, pool, loader.Config{}, write(t, lines...))
	if diff := cmp.Diff(got.Tables, loaded.Tables); diff != "" || loaded.Loaded != got.Loaded {
		t.Errorf("a load came to something else (+) than the plan (-):\n%s", diff)
	}
}
