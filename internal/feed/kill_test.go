package feed_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// A process that takes and loads is killed at any moment, again and again: what it had taken is in its table or in quarantine
// once.
func TestKilledProcesses(t *testing.T) {
	t.Parallel()
	dsn, dir := pgtest.DSN(t), t.TempDir()
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	var taken []string
	for round := range rounds {
		p := start(t, "append", "DIR="+dir, "DSN="+dsn, fmt.Sprintf("NAME=r%d", round))
		p.wrote(30 + rand.IntN(300))
		p.kill()
		taken = append(taken, p.output()...)
	}
	pool := pgtest.PoolAt(t, dsn)
	b := broker(t, stream.Options{Dir: dir})
	work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	t.Logf("%d batches taken", len(taken))
	complete(t, pool, taken)
}

// complete checks that each batch is there: its events once in the table, the bad one once in quarantine.
func complete(t *testing.T, pool *pgxpool.Pool, taken []string) {
	t.Helper()
	lost := pgtest.Query(t, pool, `select b || '-' || n from unnest($1::text[]) b, generate_series(0, $2 - 1) n where n <> 3
		except select id from shop.seen`, taken, batchEvents)
	if len(lost) > 0 {
		t.Errorf("%d events that were taken are lost: %v ...", len(lost), lost[0])
	}
	lost = pgtest.Query(t, pool, `select b from unnest($1::text[]) b
		except select substring(convert_from(raw, 'UTF8') from '"messageId":"(.*)-3"') from shop._quarantine`, taken)
	if len(lost) > 0 {
		t.Errorf("%d bad events that were taken are lost: %v ...", len(lost), lost[0])
	}
	equal(t, pool, `select count(*) - count(distinct id) from shop.seen`, "0")
	equal(t, pool, `select count(*) - count(distinct raw) from shop._quarantine`, "0")
	equal(t, pool, `select distinct reason from shop._quarantine`, "invalid_event")
	equal(t, pool, `select (select sum(rows) from shop._loads)::bigint - (select count(*) from shop.seen)`, "0")
}

// Several workers in processes of their own share the frames. One after the other is killed; nothing is lost, nothing twice.
func TestSeveralWorkers(t *testing.T) {
	t.Parallel()
	dsn, dir := pgtest.DSN(t), t.TempDir()
	b := broker(t, stream.Options{Dir: dir, Listen: "127.0.0.1:0", AckWait: time.Second})
	c := intake(t, b)
	env := []string{"DSN=" + dsn, "URL=" + b.URL(), "TOKEN=" + stream.TokenPath(dir)}
	workers := make([]*process, 3)
	for i := range workers {
		workers[i] = start(t, "work", env...)
		workers[i].wrote(1)
	}
	var taken []string
	add := func(n int) {
		for range n {
			id := fmt.Sprintf("m-%d", len(taken))
			if err := c.Append(t.Context(), &ingest.Request{Source: nickname, Received: time.Now(), Body: batch(id)}); err != nil {
				t.Fatal(err)
			}
			taken = append(taken, id)
		}
	}
	pool := pgtest.PoolAt(t, dsn)
	for i := range workers {
		before := count(t.Context(), pool, `select from shop._units`)
		add(100)
		eventually(t, func() error { // it is at work
			if now := count(t.Context(), pool, `select from shop._units`); now <= before {
				return fmt.Errorf("%d units, as before", now)
			}
			return nil
		})
		workers[i].kill()
		if i > 0 {
			workers[i] = start(t, "work", env...)
		}
	}
	add(100)
	drained(t, b)
	complete(t, pool, taken)
}
