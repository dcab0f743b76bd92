package widen_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/widen"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// mixed are n events of one loader, every fourth with a fraction, which waits until the column is wide.
func mixed(loaderName string, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		amount := fmt.Sprint(i)
		if i%4 == 3 {
			amount += ".5"
		}
		lines[i] = track(fmt.Sprintf("%s-%04d", loaderName, i), `{"amount":`+amount+`}`)
	}
	return lines
}

// Loads go on all the time, chunk by chunk, while the column is filled and swapped. No value is lost or changed: each is
// in its row, or waits for a replay because its load was under way when the column became wide.
func TestLoadsMeanwhile(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	stop := make(chan struct{})
	var loaders sync.WaitGroup
	counts := make([]int, 2)
	for i := range counts {
		own := pgtest.PoolAt(t, pool.Config().ConnString())
		loaders.Go(func() {
			for n := 0; ; n++ {
				if err := tryLoad(t, own, loader.Config{ChunkBytes: 8 << 10}, mixed(fmt.Sprintf("l%d-%d", i, n), 200)...); err != nil {
					t.Errorf("load beside a widening: %v", err)
					return
				}
				counts[i]++
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	req := request(schema.Double)
	req.BatchSize, req.Pause = 50, time.Millisecond
	done := run(t, pool, req)
	close(stop)
	loaders.Wait()
	if done.File.Version == 0 {
		t.Errorf("done %+v", done)
	}
	clean(t, pool)
	files := int64(counts[0] + counts[1])
	var rows, right, waiting int64
	err := pool.QueryRow(t.Context(), `select count(*), count(*) filter (where amount = split_part(id, '-', 3)::int
			+ case when split_part(id, '-', 3)::int % 4 = 3 then 0.5 else 0 end),
		(select count(*) from shop._discards where table_name = 'purchase' and row_id like 'l%' and replayed_at is null)
		from shop.purchase where id like 'l%'`).Scan(&rows, &right, &waiting)
	if err != nil {
		t.Fatal(err)
	}
	if rows != files*200 || right+waiting != rows {
		t.Errorf("%d rows of %d files: %d have their value, %d wait", rows, files, right, waiting)
	}
	// Those that wait are replayed like all others.
	load(t, pool, mixed("after", 8)...)
	if got := pgtest.Value[int64](t, pool, `select count(*) from shop.purchase where id like 'after%' and amount is null`); got != 0 {
		t.Errorf("%d values of a later load are not stored", got)
	}
}

// A value that comes meanwhile and that the new type does not hold stops the swap, not the load.
func TestMisfitMeanwhile(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	req := request(schema.Double)
	var once sync.Once
	req.Progress = func(p widen.Progress) {
		if p.Step == widen.StepRows {
			once.Do(func() { load(t, pool, track("huge", `{"amount":9007199254740993}`)) })
		}
	}
	j, err := open(t, pool, req)
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Run(t.Context())
	var misfit *widen.ValuesError
	if !errors.As(err, &misfit) || misfit.Value != "9007199254740993" {
		t.Fatalf("error %v, want one that names the value", err)
	}
	var pending *widen.PendingError
	if _, err := open(t, pool, request(schema.Numeric)); !errors.As(err, &pending) || !strings.Contains(err.Error(), "--abort") {
		t.Errorf("another type: %v", err)
	}
	if err := widen.Abort(t.Context(), pool, req); err != nil {
		t.Fatal(err)
	}
	clean(t, pool)
	run(t, pool, request(schema.Numeric))
	if got := pgtest.Value[string](t, pool, `select amount::text from shop.purchase where id = 'huge'`); got != "9007199254740993" {
		t.Errorf("value %s", got)
	}
}

// Whoever reads the table for long keeps the swap waiting, and nobody else.
func TestReadersDoNotWait(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	req := request(schema.Numeric)
	var reader pgx.Tx
	swaps := 0
	req.Progress = func(p widen.Progress) {
		if swaps++; p.Step == widen.StepRows && reader == nil {
			reader = begin(t, pool)
			pgtest.Exec(t, reader, "select count(*) from shop.purchase")
		}
	}
	j, err := open(t, pool, req)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := j.Run(t.Context())
		ended <- err
	}()
	until(t, pool, `select exists (select from pg_locks where not granted and relation = 'shop.purchase'::regclass and mode = 'AccessExclusiveLock')`)
	for range 5 { // while the swap is tried again and again
		pgtest.Value[int64](t, pool, "select count(*) from shop.purchase")
	}
	select {
	case err := <-ended:
		t.Fatalf("the swap did not wait for the reader: %v", err)
	default:
	}
	if err := reader.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	clean(t, pool)
}

func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Error(err)
		return nil
	}
	return tx
}

// until waits until a query returns true.
func until(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if pgtest.Value[bool](t, pool, sql) {
			return
		}
	}
	t.Fatalf("never: %s", sql)
}
