package loader_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// watched tells when units are opened and closed.
type watched struct {
	loader.Source
	opened func(ctx context.Context, name string) error // its error fails the opening
	closed func()
}

func (s watched) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		for u, err := range s.Source.Units(ctx) {
			if u != nil {
				u = watchedUnit{u, s}
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

type watchedUnit struct {
	loader.Unit
	s watched
}

func (u watchedUnit) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	if err := u.s.opened(ctx, u.Name()); err != nil {
		return nil, err
	}
	r, err := u.Unit.Open(ctx, paths)
	if err != nil {
		return nil, err
	}
	return watchedReader{r, u.s.closed}, nil
}

type watchedReader struct {
	source.Reader
	closed func()
}

func (r watchedReader) Close() error {
	r.closed()
	return r.Reader.Close()
}

// meeting is a place where the first n arrivals wait for each other.
type meeting struct {
	n     atomic.Int64
	all   chan struct{}
	close sync.Once
}

func newMeeting(n int64) *meeting {
	m := &meeting{all: make(chan struct{})}
	m.n.Store(n)
	return m
}

func (m *meeting) arrive(ctx context.Context, _ string) error {
	if m.n.Add(-1) <= 0 {
		m.close.Do(func() { close(m.all) })
	}
	select {
	case <-m.all:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Minute):
		return errors.New("nobody else came")
	}
}

func newLoader(t *testing.T, dsn string, cfg loader.Config) *loader.Loader {
	t.Helper()
	cfg.Source = "CleverTap_Prod"
	l, err := loader.New(pgtest.PoolAt(t, dsn), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func filesOf(t *testing.T, paths ...string) loader.Source {
	t.Helper()
	src, err := loader.Files(paths, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// TestLargeUnitsSideBySide loads six files over three connections, each with columns, tables and widenings of its own and
// with ids that the others have too. The first three are open at once, or none would go on.
func TestLargeUnitsSideBySide(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const files, each = 6, 700
	var paths []string
	for i := range files {
		lines := append(events(fmt.Sprintf("f%d", i), each), events("shared", 50)...)
		lines = append(lines, track(fmt.Sprintf("n%d", i), fmt.Sprintf("Event %d", i%4), fmt.Sprintf(`{"p%d":%d,"q":%d.5}`, i, i, i)),
			track(fmt.Sprintf("w%d", i), "Purchase", fmt.Sprintf(`{"amount":0.25,"late_%d":"x"}`, i)))
		paths = append(paths, write(t, lines...))
	}
	l := newLoader(t, pool.Config().ConnString(), loader.Config{Workers: 3, LargeUnit: 1, ChunkBytes: 3 * small})
	report, err := l.Load(t.Context(), watched{filesOf(t, paths...), newMeeting(3).arrive, func() {}})
	if err != nil {
		t.Fatal(err)
	}
	if report.Accepted != files*(each+52) || report.Loaded != files*(each+2)+50 || report.Duplicates != (files-1)*50 {
		t.Errorf("counts %+v", report.Counts)
	}
	for i, u := range report.Units {
		if u.Unit != paths[i] || u.Status != loader.Finished {
			t.Errorf("unit %d is %s, %s; want %s, finished", i, u.Unit, u.Status, paths[i])
		}
	}
	equal(t, pool, `select count(*), count(distinct uuid_ts), min(seq), max(seq) from clevertap_prod._loads`,
		[]any{int64(files), int64(files), int64(1), int64(files)})
	equal(t, pool, `select count(*), count(distinct id), sum(amount) from clevertap_prod.purchase`,
		[]any{int64(files*(each+1) + 50), int64(files*(each+1) + 50), float64(files*each*(each-1)/2+50*49/2) + files*0.25})
	equal(t, pool, `select sum(p0)::int8, sum(p1)::int8, sum(p2)::int8, sum(p3)::int8, sum(p4)::int8, sum(p5)::int8 from (select p0, null::bigint p1, null::bigint p2,
		null::bigint p3, p4, null::bigint p5 from clevertap_prod.event_0 union all select null, p1, null, null, null, p5
		from clevertap_prod.event_1 union all select null, null, p2, null, null, null from clevertap_prod.event_2
		union all select null, null, null, p3, null, null from clevertap_prod.event_3) e`,
		[]any{int64(0), int64(1), int64(2), int64(3), int64(4), int64(5)})
	consistent(t, pool)
	p := l.Progress()
	if p.Units != files || p.Events < files*(each+52) || p.Bytes != report.Bytes || p.Unit != "" {
		t.Errorf("progress %+v, want %d units and %d bytes", p, files, report.Bytes)
	}
	again, err := l.Load(t.Context(), filesOf(t, paths...))
	if err != nil || again.SkippedUnits() != files || again.Loaded != 0 {
		t.Errorf("again: %+v, %v; want all skipped", again.Counts, err)
	}
}

// TestSmallUnitsKeepTheirOrder loads small files around large ones: each small one is alone, and the first of equal ids is
// that of the first file.
func TestSmallUnitsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	var paths, names []string
	for i := range 8 {
		lines := []string{track("same", "Purchase", fmt.Sprintf(`{"file":%d}`, i))}
		if i == 3 || i == 4 {
			lines = append(lines, events(fmt.Sprint(i), 500)...)
		}
		paths = append(paths, write(t, lines...))
	}
	var mu sync.Mutex
	var open, most int
	src := watched{filesOf(t, paths...), func(_ context.Context, name string) error {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, name)
		open++
		if name != paths[3] && name != paths[4] {
			most = max(most, open)
		}
		return nil
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		open--
	}}
	l := newLoader(t, pool.Config().ConnString(), loader.Config{Workers: 4, LargeUnit: 10_000})
	if _, err := l.Load(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	if most != 1 {
		t.Errorf("%d small units were open at once", most)
	}
	for i, path := range paths {
		if i != 3 && i != 4 && names[i] != path {
			t.Errorf("unit %d was %s, want %s", i, names[i], path)
		}
	}
	equal(t, pool, `select file from clevertap_prod.purchase where id = 'same'`, []any{int64(0)})
}

// TestCancelEndsAllWorkers cancels a Load while three units are open: nothing of them stays.
func TestCancelEndsAllWorkers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, events("a", 1)...))
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	meet := newMeeting(3)
	src := watched{
		filesOf(t, write(t, events("x", 2000)...), write(t, events("y", 2000)...), write(t, events("z", 2000)...), write(t, events("b", 1)...)),
		func(ctx context.Context, name string) error {
			err := meet.arrive(ctx, name)
			cancel(stop)
			return err
		}, func() {},
	}
	l := newLoader(t, pool.Config().ConnString(), loader.Config{Workers: 3, LargeUnit: 1})
	report, err := l.Load(ctx, src)
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
	if len(report.Units) < 3 || report.FailedUnits() != 0 {
		t.Errorf("units %+v, want three or four, none failed", report.Units)
	}
	for _, u := range report.Units {
		if u.Status != loader.Interrupted || u.Load != uuid.Nil {
			t.Errorf("unit %+v, want interrupted", u)
		}
	}
	equal(t, pool, `select count(*) from clevertap_prod.purchase`, []any{int64(1)})
	equal(t, pool, `select count(*) from clevertap_prod._loads`, []any{int64(1)})
}
