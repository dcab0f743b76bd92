package feed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/feed"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// patience is how long anything may take before a test gives up; all of it takes seconds at most.
const patience = 2 * time.Minute

const nickname, schemaName = "Shop", "shop"

// broker opens an embedded server in a folder of the test's own.
func broker(t *testing.T, o stream.Options) *stream.Broker {
	t.Helper()
	if o.Dir == "" && len(o.URLs) == 0 {
		o.Dir = t.TempDir()
	}
	o.MinFree, o.AckTimeout = 1, time.Minute
	b, err := stream.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// intake collects requests into the broker's streams.
func intake(t *testing.T, b *stream.Broker) *ingest.Collector {
	t.Helper()
	c, err := ingest.NewCollector(ingest.CollectorOptions{Broker: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// call is a track call with an id.
func call(id, event, properties string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"userId":"u","event":%q,"properties":%s}`, id, event, properties)
}

// post appends requests one by one.
func post(t *testing.T, c ingest.Intake, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if err := c.Append(t.Context(), &ingest.Request{Source: nickname, Received: time.Now(), Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
}

// worker is one that runs.
type worker struct {
	t *testing.T
	*feed.Worker
	stop func()

	mu      sync.Mutex
	changes []feed.Status
	loads   []feed.Load
	log     bytes.Buffer
}

// options are those of a worker that does not take its time.
func options(b *stream.Broker, pool *pgxpool.Pool, cfg loader.Config) feed.Options {
	cfg.Source = nickname
	return feed.Options{
		Broker: b, Pool: pool, LoadEvery: 20 * time.Millisecond, Refresh: 50 * time.Millisecond,
		RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond, PauseRetry: 100 * time.Millisecond,
		Sources: func(context.Context) ([]feed.Source, error) { return []feed.Source{{Config: cfg}}, nil },
	}
}

// work runs a worker until the test ends, or it is stopped.
func work(t *testing.T, o feed.Options) *worker {
	t.Helper()
	w := &worker{t: t}
	o.Changed = func(s feed.Status) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changes = append(w.changes, s)
	}
	o.Loaded = func(l feed.Load) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.loads = append(w.loads, l)
	}
	o.Logger = slog.New(slog.NewTextHandler(&w.log, nil))
	var err error
	if w.Worker, err = feed.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the worker does not stop")
		}
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
	t.Cleanup(w.stop)
	return w
}

// status is that of the only source.
func (w *worker) status() feed.Status {
	for _, s := range w.Status() {
		return s
	}
	return feed.Status{}
}

// reached waits until the source is in a state, and returns why.
func (w *worker) reached(state feed.State) string {
	w.t.Helper()
	var reason string
	eventually(w.t, func() error {
		s := w.status()
		if s.State != state {
			return fmt.Errorf("the source is %s (%s), want %s", s.State, s.Reason, state)
		}
		reason = s.Reason
		return nil
	})
	return reason
}

// eventually waits until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// count is how many rows a query finds; none if its tables are not there yet.
func count(ctx context.Context, pool *pgxpool.Pool, query string, args ...any) (n int64) {
	if pool.QueryRow(ctx, "select count(*) from ("+query+") q", args...).Scan(&n) != nil {
		return -1
	}
	return n
}

// has waits until a query finds so many rows.
func has(t *testing.T, pool *pgxpool.Pool, want int64, query string) {
	t.Helper()
	eventually(t, func() error {
		if got := count(t.Context(), pool, query); got != want {
			return fmt.Errorf("%q finds %d rows, want %d", query, got, want)
		}
		return nil
	})
}

// drained waits until all frames are acknowledged and purged.
func drained(t *testing.T, b *stream.Broker) {
	t.Helper()
	eventually(t, func() error {
		info, ok, err := b.Info(t.Context(), schemaName)
		if err != nil || !ok {
			return errors.Join(err, errors.New("no stream"))
		}
		if info.Unloaded != 0 || info.Messages != 0 || info.InHand != 0 || !info.Oldest.IsZero() {
			return fmt.Errorf("the stream has %+v, want nothing", info)
		}
		return nil
	})
}

// equal compares the rows of a query with what is wanted, as text.
func equal(t *testing.T, pool *pgxpool.Pool, query string, want ...string) {
	t.Helper()
	var got []string
	for _, row := range pgtest.Query(t, pool, query) {
		got = append(got, strings.TrimSuffix(fmt.Sprintln(row...), "\n"))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\ngot  %q\nwant %q", query, got, want)
	}
}
