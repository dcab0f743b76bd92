package widen_test

import (
	"context"
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

// Loads go on all the time, chunk by chunk, while the column is filled and swapped. Every value is in its row in the end:
// those that loads before the swap refused are stored after it, and a load that is overtaken by it starts again.
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
	if rows != files*200 || right != rows || waiting != 0 {
		t.Errorf("%d rows of %d files: %d have their value, %d wait", rows, files, right, waiting)
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

// A loader that may do nothing but insert into the table goes on doing so.
func TestLoaderRole(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	pgtest.Exec(t, pool, `create role "`+role(t)+`"`)
	t.Cleanup(func() { dropRole(t, pool) })
	pgtest.Exec(t, pool, `grant usage on schema shop to "`+role(t)+`"`)
	pgtest.Exec(t, pool, `grant insert on shop.purchase to "`+role(t)+`"`)
	pgtest.Exec(t, pool, `revoke execute on all functions in schema shop from public`)
	req := request(schema.Double)
	var once sync.Once
	req.Progress = func(p widen.Progress) {
		if p.Step == widen.StepRows {
			once.Do(func() {
				tx := begin(t, pool)
				pgtest.Exec(t, tx, `set local role "`+role(t)+`"`)
				pgtest.Exec(t, tx, `insert into shop.purchase (id, amount) values ('mine', 1), ('huge', 9007199254740993)`)
				if err := tx.Commit(t.Context()); err != nil {
					t.Error(err)
				}
				pgtest.Exec(t, pool, `delete from shop.purchase where id = 'huge'`) // its load was undone
			})
		}
	}
	run(t, pool, req)
	if got := pgtest.Value[float64](t, pool, `select amount from shop.purchase where id = 'mine'`); got != 1 {
		t.Errorf("value %v, want 1", got)
	}
	clean(t, pool)
}

// An interrupted run leaves what it did, and the next goes on from there.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	ctx, cancel := context.WithCancel(t.Context())
	req := request(schema.Numeric)
	req.Progress = func(p widen.Progress) {
		if p.Done >= 300 {
			cancel()
		}
	}
	j, err := open(t, pool, req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that of the context", err)
	}
	again, err := open(t, pool, request(schema.Numeric))
	if err != nil || !again.Begun {
		t.Fatalf("begun %v, %v", again != nil && again.Begun, err)
	}
	done, err := again.Run(t.Context())
	if err != nil || done.Rows != 1003 || done.Waiting.Stored != 2 {
		t.Errorf("done %+v, %v", done, err)
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
