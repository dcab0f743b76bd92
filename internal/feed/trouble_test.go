package feed_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/feed"
	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// An outage of Postgres that lasts until the stream is full: what was taken is loaded afterwards, what was not was refused,
// and requests are taken again as soon as there is room. Nothing goes by age: there is none that an outage could exceed.
func TestPostgresDownUntilTheStreamIsFull(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	pool := pgtest.PoolAt(t, server.DSN("postgres"))
	b := broker(t, stream.Options{MaxBytes: 4 * stream.MaxFrame})
	c := intake(t, b)
	w := work(t, options(b, pool, loader.Config{}))
	post(t, c, call("before", "Seen", `{}`))
	has(t, pool, 1, `select from shop.seen`)
	if err := server.Stop(t.Context(), localpg.Immediate); err != nil {
		t.Fatal(err)
	}
	taken := fill(t, c, "down")
	w.reached(feed.Retrying)
	if err := b.Ready(); err != nil {
		t.Errorf("one full stream makes the others unready: %v", err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	drained(t, b)
	has(t, pool, int64(taken+1), `select from shop.seen`)
	has(t, pool, int64(taken+1), `select distinct id from shop.seen`)
	w.reached(feed.Running)
	post(t, c, call("after", "Seen", `{}`))
	has(t, pool, 1, `select from shop.seen where id = 'after'`)
}

// fill appends requests from several goroutines until the stream is full, and returns how many it took.
func fill(t *testing.T, c ingest.Intake, name string) (taken int) {
	t.Helper()
	var mu sync.Mutex
	var senders sync.WaitGroup
	padding := strings.Repeat("x", 30_000)
	for s := range 4 {
		senders.Go(func() {
			for n := 0; ; n++ {
				body := call(fmt.Sprintf("%s-%d-%d", name, s, n), "Seen", fmt.Sprintf(`{"p":%q}`, padding))
				err := c.Append(t.Context(), &ingest.Request{Source: nickname, Received: time.Now(), Body: []byte(body)})
				if err != nil {
					if !errors.Is(err, ingest.ErrFull) {
						t.Errorf("a full stream's error is %v", err)
					}
					return
				}
				mu.Lock()
				taken++
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	if taken < 50 {
		t.Errorf("the stream was full after %d requests", taken)
	}
	return taken
}

// A right that was taken away pauses the source: nothing of it goes to quarantine, and when it is given back all is loaded.
func TestRevokedRight(t *testing.T) {
	t.Parallel()
	b, admin := broker(t, stream.Options{}), pgtest.Pool(t)
	c := intake(t, b)
	post(t, c, call("first", "Seen", `{}`))
	w := work(t, options(b, admin, loader.Config{}))
	drained(t, b)
	w.stop()
	role := pgx.Identifier{"feeding_" + admin.Config().ConnConfig.Database}.Sanitize()
	pgtest.Exec(t, admin, strings.ReplaceAll(`do $$ begin
		create role R;
		grant usage on schema tapline, shop to R;
		grant select on all tables in schema tapline to R;
		grant select, insert, update on all tables in schema shop to R;
		revoke insert on shop.seen from R;
	end $$`, "R", role))
	w = work(t, options(b, as(t, admin, role), loader.Config{Evolve: loader.Managed}))
	const many = 500
	for i := range many {
		post(t, c, call(fmt.Sprint("event", i), "Seen", `{}`))
		if i == many/2 {
			if reason := w.reached(feed.Paused); !strings.Contains(reason, "insert on table shop.seen") {
				t.Errorf("reason %q does not name the right", reason)
			}
		}
	}
	w.mu.Lock()
	if len(w.changes) == 0 || w.changes[0].State != feed.Paused || w.changes[0].Reason == "" {
		t.Errorf("told of changes %+v", w.changes)
	}
	w.mu.Unlock()
	equal(t, admin, `select count(*) from shop.seen`, "1")
	equal(t, admin, `select count(*) from shop._quarantine`, "0")
	pgtest.Exec(t, admin, `grant insert on shop.seen to `+role)
	drained(t, b)
	w.reached(feed.Running)
	equal(t, admin, `select count(*), count(distinct id) from shop.seen`, fmt.Sprint(many+1, many+1))
	equal(t, admin, `select count(*) from shop._quarantine`, "0")
}

// What cannot be loaded here may be loaded elsewhere: then nothing is wrong here any more, although nothing comes that would show it.
func TestLoadedByAnother(t *testing.T) {
	t.Parallel()
	b, pool := broker(t, stream.Options{}), pgtest.Pool(t)
	post(t, intake(t, b), call("first", "Seen", `{}`))
	away := pgtest.PoolAt(t, "postgres://nobody@127.0.0.1:1/nowhere")
	w := work(t, options(b, away, loader.Config{}))
	w.reached(feed.Retrying)
	work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	w.reached(feed.Running)
}

// as returns a pool of sessions with another role.
func as(t *testing.T, admin *pgxpool.Pool, role string) *pgxpool.Pool {
	t.Helper()
	dsn, err := url.Parse(admin.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	query := dsn.Query()
	query.Set("role", strings.Trim(role, `"`))
	dsn.RawQuery = query.Encode()
	return pgtest.PoolAt(t, dsn.String())
}

// With managed evolution a schema that is not there pauses the source and says what to run.
func TestMissingSchema(t *testing.T) {
	t.Parallel()
	b, pool := broker(t, stream.Options{}), pgtest.Pool(t)
	post(t, intake(t, b), call("first", "Seen", `{}`))
	w := work(t, options(b, pool, loader.Config{Evolve: loader.Managed}))
	if reason := w.reached(feed.Paused); !strings.Contains(reason, "tapline migrate up") {
		t.Errorf("reason %q does not say what to run", reason)
	}
	other := work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	other.stop()
	equal(t, pool, `select count(*) from shop.seen`, "1")
}

// A row that Postgres refuses goes to quarantine alone.
func TestRefusedRow(t *testing.T) {
	t.Parallel()
	b, pool := broker(t, stream.Options{}), pgtest.Pool(t)
	c := intake(t, b)
	post(t, c, call("first", "Seen", `{"n":1}`))
	work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	pgtest.Exec(t, pool, `alter table shop.seen add check (n < 100)`)
	for i := range 300 {
		post(t, c, call(fmt.Sprint("event", i), "Seen", fmt.Sprintf(`{"n":%d}`, i%103)))
	}
	drained(t, b)
	equal(t, pool, `select reason, count(*) from shop._quarantine group by 1`, "rejected_by_database 6")
	equal(t, pool, `select count(*) from shop.seen`, "295")
}

// A worker that is stopped while it waits for a lock rolls its load back and gives the frames back: the next one has them at
// once, and nothing is there twice.
func TestStoppedInMidLoad(t *testing.T) {
	t.Parallel()
	b, pool := broker(t, stream.Options{}), pgtest.Pool(t)
	c := intake(t, b)
	post(t, c, call("first", "Seen", `{}`))
	w := work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, `lock table shop.seen in access exclusive mode`)
	post(t, c, call("second", "Seen", `{}`), call("third", "Seen", `{}`))
	has(t, pool, 1, `select from pg_locks where relation = 'shop.seen'::regclass and not granted`)
	stopping := time.Now()
	w.stop()
	took := time.Since(stopping)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, pool, `select count(*) from shop.seen`, "1")
	if info, _, err := b.Info(t.Context(), schemaName); err != nil || info.Unloaded == 0 {
		t.Errorf("frames that are not loaded were acknowledged: %+v, %v", info, err)
	}
	t.Logf("stopped after %s", took)
	work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	equal(t, pool, `select count(*), count(distinct id) from shop.seen`, "3 3")
}

// What has been loaded and comes again is skipped: here somebody removes the consumer, and what was loaded is delivered anew.
func TestDeliveredAgain(t *testing.T) {
	t.Parallel()
	b, pool := broker(t, stream.Options{}), pgtest.Pool(t)
	c := intake(t, b)
	const many = 50
	for i := range many {
		post(t, c, fmt.Sprintf(`{"type":"track","userId":"u","event":"Seen","properties":{"n":%d}}`, i))
	}
	taken, err := b.Consumer(t.Context(), schemaName)
	if err != nil {
		t.Fatal(err)
	}
	var kept []*stream.Frame
	for len(kept) < 5 {
		got, err := taken.Fetch(5-len(kept), 1<<20, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, got...)
	}
	load := func() loader.Report {
		l, err := loader.New(pool, loader.Config{Source: nickname})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r, err := l.Load(t.Context(), feed.Units(kept))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first, second := load(), load()
	if first.Loaded == 0 || second.Loaded != 0 || second.Duplicates != 0 || second.SkippedUnits() != len(kept) {
		t.Errorf("loaded %+v, then %+v with %d units skipped", first.Counts, second.Counts, second.SkippedUnits())
	}
	for _, f := range kept { // committed, but the worker died before it could say so
		if err := f.GiveBack(0); err != nil {
			t.Fatal(err)
		}
	}
	work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	equal(t, pool, `select count(*), count(distinct id), count(distinct n) from shop.seen`, fmt.Sprint(many, many, many))
}
