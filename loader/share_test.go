package loader_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// manyFiles are n small files of two events each.
func manyFiles(t *testing.T, n int) []string {
	t.Helper()
	paths := make([]string, n)
	for i := range paths {
		paths[i] = write(t, events(fmt.Sprintf("f%03d", i), 2)...)
	}
	return paths
}

// until waits for a condition.
func until(t *testing.T, what string, pool *pgxpool.Pool, sql string) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !pgtest.Value[bool](t, pool, sql); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// TestShared: three Loads of the same files, which all have begun with one when the first goes on, read each file once in all.
func TestShared(t *testing.T) {
	t.Parallel()
	const loads, files = 3, 300
	pool := pgtest.Pool(t)
	paths := manyFiles(t, files)
	load(t, pool, loader.Config{}, write(t, events("first", 1)...)) // so that no group starts again for its schema
	meet := newMeeting(loads)
	var mu sync.Mutex
	opened := map[string]int{}
	var running sync.WaitGroup
	for range loads {
		var once sync.Once
		src := watched{filesOf(t, paths...), func(ctx context.Context, name string) (err error) {
			mu.Lock()
			opened[name]++
			mu.Unlock()
			once.Do(func() { err = meet.arrive(ctx, name) })
			return err
		}, func() {}}
		l := newLoader(t, pool.Config().ConnString(), loader.Config{Share: true, Lease: time.Hour})
		running.Go(func() {
			report, err := l.Load(t.Context(), src)
			if n := report.FinishedUnits(); err != nil || n == 0 || n+report.SkippedUnits() != files || report.Duplicates > 0 {
				t.Errorf("%d units loaded, %d skipped, %+v, %v; want some of %d, and the others skipped", n, report.SkippedUnits(), report.Counts, err, files)
			}
		})
	}
	running.Wait()
	twice := 0
	for _, n := range opened {
		if n != 1 {
			twice++
		}
	}
	if twice > 0 {
		t.Errorf("%d of %d files were opened more than once", twice, files)
	}
	equal(t, pool, `select count(*), sum(rows)::bigint from clevertap_prod._loads where unit <> (select unit from clevertap_prod._loads where seq = 1)`,
		[]any{int64(files), int64(2 * files)})
	equal(t, pool, `select count(*) from clevertap_prod._claims`, []any{int64(0)})
}

// TestTakenOver: units that a Load took which is gone are left to it until its lease has run out by the database's clock.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	paths := manyFiles(t, 100)
	load(t, pool, loader.Config{}, paths[0])
	pgtest.Exec(t, pool, `insert into clevertap_prod._claims select u.unit_key, gen_random_uuid(), now() + interval '1 day' from clevertap_prod._units u`)
	dead := load(t, pool, loader.Config{}, paths[1:40]...)
	for _, u := range dead.Units { // as if it had been killed before it could load them
		pgtest.Exec(t, pool, `insert into clevertap_prod._claims select unit_key, gen_random_uuid(), now() + interval '1 day' from clevertap_prod._units where unit = '`+u.Unit+`'`)
	}
	pgtest.Exec(t, pool, `delete from clevertap_prod._units u using clevertap_prod._loads l where l.unit = u.unit and l.seq > 1; truncate clevertap_prod.purchase`)
	l := newLoader(t, pool.Config().ConnString(), loader.Config{Share: true, Lease: 100 * time.Millisecond})
	done := make(chan error, 1)
	var report loader.Report
	go func() {
		var err error
		report, err = l.Load(t.Context(), filesOf(t, paths...))
		done <- err
	}()
	until(t, "the free units are loaded", pool, `select count(*) = 61 from clevertap_prod._units`)
	select {
	case err := <-done:
		t.Fatalf("the load ended before the others were loaded: %+v, %v", report.Counts, err)
	default:
	}
	pgtest.Exec(t, pool, `update clevertap_prod._claims set until = now() - interval '1 second' where until > now() + interval '1 hour'`)
	if err := <-done; err != nil || report.FinishedUnits() != 99 || report.SkippedUnits() != 1 || report.Loaded != 198 {
		t.Errorf("%d units, %+v, %v; want 99", report.FinishedUnits(), report.Counts, err)
	}
	load(t, pool, loader.Config{Share: true}, paths[0]) // tidies
	equal(t, pool, `select count(*) from clevertap_prod._claims`, []any{int64(0)})
}

// TestLeaseIsRenewed: a Load that takes longer than a lease to read its units keeps them; another one waits for it.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	paths := manyFiles(t, 3)
	load(t, pool, loader.Config{}, write(t, events("first", 1)...))
	hold, reading := make(chan struct{}), make(chan struct{})
	var once sync.Once
	src := watched{filesOf(t, paths...), func(ctx context.Context, _ string) error {
		once.Do(func() { close(reading) })
		select {
		case <-hold:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}, func() {}}
	cfg := loader.Config{Share: true, Lease: 3 * time.Second}
	first, second := newLoader(t, pool.Config().ConnString(), cfg), newLoader(t, pool.Config().ConnString(), cfg)
	ended := make(chan error, 2)
	var reports [2]loader.Report
	go func() {
		var err error
		reports[0], err = first.Load(t.Context(), src)
		ended <- err
	}()
	<-reading
	go func() {
		var err error
		reports[1], err = second.Load(t.Context(), filesOf(t, paths...))
		ended <- err
	}()
	for range 4 { // the lease is over, but for the renewals
		at := pgtest.Value[time.Time](t, pool, `select max(until) from clevertap_prod._claims`).UTC().Format(time.RFC3339Nano)
		until(t, "the lease is renewed", pool, `select max(until) > '`+at+`' from clevertap_prod._claims`)
	}
	close(hold)
	if err := errors.Join(<-ended, <-ended); err != nil {
		t.Fatal(err)
	}
	if a, b := reports[0].FinishedUnits(), reports[1].FinishedUnits(); a+b != 3 {
		t.Errorf("%d and %d units loaded, want 3 in all", a, b)
	}
	equal(t, pool, `select count(*), count(distinct worker) from clevertap_prod._claims`, []any{int64(0), int64(0)})
}

// TestCancelledGivesBack: a Load that is cancelled leaves its units to others at once.
func TestCancelledGivesBack(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	paths := manyFiles(t, 5)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src := watched{filesOf(t, paths...), func(ctx context.Context, _ string) error {
		cancel()
		<-ctx.Done()
		return context.Cause(ctx)
	}, func() {}}
	if _, err := newLoader(t, pool.Config().ConnString(), loader.Config{Share: true, Lease: time.Hour}).Load(ctx, src); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	report := load(t, pool, loader.Config{Share: true, Lease: time.Hour}, paths...)
	if report.FinishedUnits() != 5 {
		t.Errorf("%d units loaded, want 5", report.FinishedUnits())
	}
}
