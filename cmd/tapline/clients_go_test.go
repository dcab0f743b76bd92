package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	analytics "github.com/segmentio/analytics-go/v3"

	"github.com/tapline/tapline/internal/pgtest"
)

// tally counts what became of the messages of a client.
type tally struct {
	mu              sync.Mutex
	success, failed int
	err             error
}

func (c *tally) Success(analytics.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.success++
}

func (c *tally) Failure(_ analytics.Message, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed++
	c.err = err
}

func (c *tally) settled() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.success + c.failed
}

// TestClientGo sends a thousand calls of each type with analytics-go, some of which are refused or not answered the first
// time: every one is in its table, once, as it was sent.
func TestClientGo(t *testing.T) {
	t.Parallel()
	const n = 1000
	dsn := pgtest.DSN(t)
	s := launch(t, []string{"DATABASE_URL=" + dsn}, "serve", "--source", "Client", "--data-dir", folder(t), "--load-every", "200ms")
	w := newWire(t, s.URL)
	became := &tally{}
	client, err := analytics.NewWithConfig(s.NewKey.WriteKey, analytics.Config{
		Endpoint: w.url, Callback: became, Interval: 100 * time.Millisecond,
		RetryAfter: func(int) time.Duration { return 5 * time.Millisecond },
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		for _, m := range goCalls(i) {
			if err := client.Enqueue(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	until(t, "the client has settled all calls", func() bool { return became.settled() == 6*n })
	if err := client.Close(); err != nil { // drops what it would have to send again: there is nothing
		t.Fatal(err)
	}
	if became.failed > 0 {
		t.Errorf("%d calls failed: %v", became.failed, became.err)
	}
	wantRows(t, pgtest.PoolAt(t, dsn), "client", n, w, func(i int) bool { return i%2 == 1 })
	s.stop()
}

// goCalls are the i-th call of each type, those of testdata/clients/calls.js.
func goCalls(i int) []analytics.Message {
	user, values := fmt.Sprintf("u%d", i%50), map[string]any{"n": i, "price": float64(i) + 0.5, "name_of": "Zoë", "tags": []any{"a", i}}
	var at time.Time
	if i%2 == 1 {
		at = clientEpoch.Add(time.Duration(i) * time.Second)
	}
	in := func(call string) *analytics.Context {
		return &analytics.Context{Extra: map[string]any{"client": map[string]any{"n": i, "type": call}}}
	}
	return []analytics.Message{
		analytics.Identify{UserId: user, Traits: values, Timestamp: at, Context: in("identify")},
		analytics.Track{UserId: user, Event: "Client Tracked", Properties: values, Timestamp: at, Context: in("track")},
		analytics.Page{UserId: user, Name: fmt.Sprintf("Page %d", i%10), Properties: values, Timestamp: at, Context: in("page")},
		analytics.Screen{UserId: user, Name: fmt.Sprintf("Screen %d", i%10), Properties: values, Timestamp: at, Context: in("screen")},
		analytics.Group{UserId: user, GroupId: fmt.Sprintf("g%d", i%20), Traits: values, Timestamp: at, Context: in("group")},
		analytics.Alias{UserId: fmt.Sprintf("now%d", i), PreviousId: fmt.Sprintf("before%d", i), Timestamp: at, Context: in("alias")},
	}
}
