package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/schema"
)

func request(body string) *ingest.Request {
	return &ingest.Request{Source: "Shop", Received: time.UnixMicro(1_700_000_000_123_456), Body: []byte(body)}
}

// track is a call with an id.
func track(id string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"userId":"u","event":"E"}`, id)
}

// stored returns the ids of all records of a source's stream, in their order, and of how many frames.
func stored(t *testing.T, b *stream.Broker, schemaName string, want int) (ids []string, frames int) {
	t.Helper()
	c, err := b.Consumer(t.Context(), schemaName)
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	paths := schema.NewPaths(0)
	for limit := time.Now().Add(patience); len(ids) < want && time.Now().Before(limit); {
		got, err := c.Fetch(100, 1<<20, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range got {
			frames++
			for _, ev := range events(t, ingest.NewUnit(f, false), paths) {
				ids = append(ids, ev.id)
			}
			if err := f.Ack(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return ids, frames
}

// Requests of many goroutines share frames, and so writes to disk; each is there once it is acknowledged.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	c, b := collector(t, stream.Options{}, ingest.CollectorOptions{Linger: 20 * time.Millisecond})
	const senders, each = 50, 20
	var busy sync.WaitGroup
	for s := range senders {
		busy.Go(func() {
			for n := range each {
				body := []byte(track(fmt.Sprintf("%d-%d", s, n)))
				if err := c.Append(t.Context(), &ingest.Request{Source: "Shop", Received: time.Now(), Body: body}); err != nil {
					t.Error(err)
				}
				clear(body) // it is the caller's again
			}
		})
	}
	busy.Wait()
	stats := c.Stats()
	if stats.Requests != senders*each || stats.Failed != 0 || stats.Pending != 0 || stats.Bytes == 0 {
		t.Errorf("stats %+v", stats)
	}
	ids, frames := stored(t, b, "shop", senders*each)
	seen := map[string]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	if len(ids) != senders*each || len(seen) != senders*each {
		t.Errorf("%d records of %d ids, want %d", len(ids), len(seen), senders*each)
	}
	if int64(frames) != stats.Frames || frames > senders*each/5 {
		t.Errorf("%d requests made %d frames, the stats say %d: hardly any were shared", senders*each, frames, stats.Frames)
	}
}

// Requests that do not fit into a frame's rest begin the next one; the largest ones are frames by themselves.
func TestFrameSizes(t *testing.T) {
	t.Parallel()
	c, b := collector(t, stream.Options{}, ingest.CollectorOptions{FrameBytes: 10_000, Linger: time.Hour, InFlight: 1})
	var busy sync.WaitGroup
	for n := range 8 {
		busy.Go(func() {
			body := fmt.Sprintf(`{"type":"track","messageId":"%d","userId":"u","event":"E","properties":{"p":%q}}`, n, strings.Repeat("x", 4000))
			if err := c.Append(t.Context(), request(body)); err != nil {
				t.Error(err)
			}
		})
	}
	large := strings.Repeat(" ", 512_000-len(track("large"))) + track("large")
	if err := c.Append(t.Context(), request(`{"batch":[`+track("large")+strings.Repeat(" ", 512_000-12-len(track("large")))+`]}`)); err != nil {
		t.Error(err)
	}
	if err := c.Append(t.Context(), request(large+strings.Repeat(" ", stream.MaxFrame))); err == nil {
		t.Error("a request that no frame can hold was taken")
	}
	// Nothing lingers for an hour: each frame is full when the next request comes, and Close sends the last.
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		busyUntil(c, 8*4000)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	busy.Wait()
	<-closed
	ids, frames := stored(t, b, "shop", 9)
	if len(ids) != 9 || frames < 5 || frames > 9 {
		t.Errorf("%d records in %d frames, want 9 in 5 or more", len(ids), frames)
	}
	if err := c.Append(t.Context(), request(track("late"))); !errors.Is(err, ingest.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

// busyUntil waits until so many bytes were appended, acknowledged or not.
func busyUntil(c *ingest.Collector, bytes int64) {
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if s := c.Stats(); s.Bytes+s.Pending >= bytes+512_000 {
			return
		}
	}
}

// What waits is bounded: more is refused at once.
func TestOverload(t *testing.T) {
	t.Parallel()
	c, _ := collector(t, stream.Options{}, ingest.CollectorOptions{MaxPending: 1000, Linger: time.Hour})
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("the client is gone")
	first := make(chan error)
	go func() { first <- c.Append(ctx, request(track("a")+strings.Repeat(" ", 900))) }()
	for c.Stats().Pending == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := c.Append(t.Context(), request(track("b")+strings.Repeat(" ", 900))); !errors.Is(err, ingest.ErrUnavailable) {
		t.Errorf("over the limit: %v", err)
	}
	if err := c.Ready(); !errors.Is(err, ingest.ErrUnavailable) {
		t.Errorf("ready at the limit: %v", err)
	}
	cancel(stopped)
	if err := <-first; !errors.Is(err, stopped) {
		t.Errorf("a request that was given up: %v", err)
	}
}

func TestNoRoom(t *testing.T) {
	t.Parallel()
	c, _ := collector(t, stream.Options{MinFree: 1 << 60}, ingest.CollectorOptions{})
	if err := c.Append(t.Context(), request(track("a"))); !errors.Is(err, ingest.ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := c.Ready(); !errors.Is(err, ingest.ErrFull) {
		t.Errorf("ready on a full disk: %v", err)
	}
}

// Sources do not share frames, and a source that has no schema is refused alone.
func TestSources(t *testing.T) {
	t.Parallel()
	unknown := errors.New("no such source")
	c, b := collector(t, stream.Options{}, ingest.CollectorOptions{Schema: func(nickname string) (string, error) {
		if nickname == "Nobody" {
			return "", unknown
		}
		return "schema_of_" + strings.ToLower(nickname), nil
	}})
	var busy sync.WaitGroup
	for _, name := range []string{"A", "B"} {
		busy.Go(func() {
			if err := c.Append(t.Context(), &ingest.Request{Source: name, Received: time.Now(), Body: []byte(track(name))}); err != nil {
				t.Error(err)
			}
		})
	}
	if err := c.Append(t.Context(), &ingest.Request{Source: "Nobody", Body: []byte(track("x"))}); !errors.Is(err, unknown) {
		t.Errorf("of an unknown source: %v", err)
	}
	busy.Wait()
	for _, name := range []string{"a", "b"} {
		if ids, _ := stored(t, b, "schema_of_"+name, 1); len(ids) != 1 || strings.ToLower(ids[0]) != name {
			t.Errorf("stream of %s has %v", name, ids)
		}
	}
	if s := c.Stats(); s.Failed != 1 || s.Pending != 0 {
		t.Errorf("stats %+v", s)
	}
}
