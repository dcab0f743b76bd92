package loader_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// windows are files as windows of an API: file i has the key of day i, whatever is in it now.
type windows struct {
	loader.Source
	again []bool
	read  []int // how often each was opened
	began time.Time
}

func (s *windows) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		i := 0
		for u, err := range s.Source.Units(ctx) {
			if !yield(window{u, s, i}, err) {
				return
			}
			i++
		}
	}
}

type window struct {
	loader.Unit
	s *windows
	n int
}

func (w window) Kind() string     { return source.KindWindow }
func (w window) Again() bool      { return w.s.again[w.n] }
func (w window) Began() time.Time { return w.s.began }

func (w window) Key() string { return "window:" + string(rune('a'+w.n)) }

func (w window) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	w.s.read[w.n]++
	return w.Unit.Open(ctx, paths)
}

// TestWindows reads two windows, of which one is closed, again: that one is not even opened, the other is added to.
func TestWindows(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	first := &windows{Source: filesOf(t, write(t, events("a", 100)...), write(t, events("b", 50)...)), again: []bool{true, false}, read: make([]int, 2)}
	l := newLoader(t, pool.Config().ConnString(), loader.Config{})
	report, err := l.Load(t.Context(), first)
	if err != nil || report.Loaded != 150 || report.FinishedUnits() != 2 {
		t.Fatalf("%+v, %v", report.Counts, err)
	}
	// A sequence counts rows that were sent and rolled back too: a COPY that fails first would be seen.
	pgtest.Exec(t, pool, `create sequence clevertap_prod.sent; create function clevertap_prod.count() returns trigger language plpgsql as
		$$ begin perform nextval('clevertap_prod.sent'); return new; end $$;
		create trigger sent before insert on clevertap_prod.purchase for each row execute function clevertap_prod.count()`)
	second := &windows{Source: filesOf(t, write(t, append(events("a", 105), "{")...), write(t, events("late", 50)...)), again: []bool{true, false}, read: make([]int, 2)}
	report, err = l.Load(t.Context(), second)
	if err != nil || report.Loaded != 5 || report.Duplicates != 100 || report.Quarantined != 1 || report.SkippedUnits() != 1 || second.read[0] != 1 || second.read[1] != 0 {
		t.Errorf("read again: %+v, %v, opened %v; want five new rows of the first window", report.Counts, err, second.read)
	}
	equal(t, pool, `select last_value from clevertap_prod.sent`, []any{int64(5)})
	equal(t, pool, `select unit_key, kind, reads, (select seq from clevertap_prod._loads l where l.load = u.load) from clevertap_prod._units u order by 1`,
		[]any{"window:a", "window", int64(2), int64(3)}, []any{"window:b", "window", int64(1), int64(2)})
	equal(t, pool, `select unit_key, rows, duplicates from clevertap_prod._loads order by seq`,
		[]any{"window:a", int64(100), int64(0)}, []any{"window:b", int64(50), int64(0)}, []any{"window:a", int64(5), int64(100)})
}

// TestWindowBegan: a window that waited for hours to be loaded is as old as its reading, and no reading makes it older.
func TestWindowBegan(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLoader(t, pool.Config().ConnString(), loader.Config{})
	for i, began := range []time.Time{time.Now().Add(-3 * time.Hour), {}, time.Now().Add(-5 * time.Hour)} {
		src := &windows{Source: filesOf(t, write(t, events("a", 10)...)), again: []bool{true}, read: make([]int, 1), began: began}
		if _, err := l.Load(t.Context(), src); err != nil {
			t.Fatal(err)
		}
		equal(t, pool, `select loaded_at < clock_timestamp() - interval '2 hours', loaded_at > clock_timestamp() - interval '4 hours'
			from clevertap_prod._units`, []any{i == 0, true})
	}
}

// TestWindowIsUndone: once any load of a window is taken out, the window is read again although it is closed.
func TestWindowIsUndone(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLoader(t, pool.Config().ConnString(), loader.Config{})
	src := &windows{Source: filesOf(t, write(t, events("a", 10)...)), again: []bool{true}, read: make([]int, 1)}
	first, err := l.Load(t.Context(), src)
	if err == nil {
		_, err = l.Load(t.Context(), src)
	}
	if err == nil {
		_, err = admin.Undo(t.Context(), pool, "clevertap_prod", first.Units[0].Load)
	}
	if err != nil {
		t.Fatal(err)
	}
	src.again[0] = false
	if again, err := l.Load(t.Context(), src); err != nil || again.Loaded != 10 {
		t.Errorf("%+v, %v; want ten rows", again.Counts, err)
	}
}

// TestWindowThatFails: a window that cannot be read to its end leaves what is there as it was.
func TestWindowThatFails(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLoader(t, pool.Config().ConnString(), loader.Config{ChunkBytes: 2000})
	src := &windows{Source: filesOf(t, write(t, events("a", 10)...)), again: []bool{true}, read: make([]int, 1)}
	if _, err := l.Load(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	cut := errors.New("the answer was cut")
	bad := &windows{Source: cutSource{filesOf(t, write(t, events("a", 200)...)), 150, cut}, again: []bool{true}, read: make([]int, 1)}
	report, err := l.Load(t.Context(), bad)
	if !errors.Is(err, cut) || report.FailedUnits() != 1 || report.Loaded != 0 {
		t.Errorf("%+v, %v; want a window that failed", report.Counts, err)
	}
	equal(t, pool, `select count(*) from clevertap_prod.purchase`, []any{int64(10)})
	equal(t, pool, `select reads, (select seq from clevertap_prod._loads l where l.load = u.load) from clevertap_prod._units u`, []any{int64(1), int64(1)})
}

// cutSource breaks every unit off after n records.
type cutSource struct {
	loader.Source
	n   int
	err error
}

func (s cutSource) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		for u, err := range s.Source.Units(ctx) {
			if !yield(brokenUnit{u, s}, err) {
				return
			}
		}
	}
}

type brokenUnit struct {
	loader.Unit
	s cutSource
}

func (u brokenUnit) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	r, err := u.Unit.Open(ctx, paths)
	return &cutReader{r, u.s.n, u.s.err}, err
}

type cutReader struct {
	source.Reader
	left int
	err  error
}

func (r *cutReader) Next(ev *schema.Event) error {
	if r.left--; r.left < 0 {
		return r.err
	}
	return r.Reader.Next(ev)
}
