package ingest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
)

// A server that has stopped answering, with more frames waiting for it than it is sent at once, does not keep a Collector from
// being closed: nobody was promised anything.
func TestClosedWhileTheServerHangs(t *testing.T) {
	t.Parallel()
	t.Run("close", func(t *testing.T) {
		t.Parallel()
		closedWhileTheServerHangs(t, func(*ingest.Collector) {})
	})
	t.Run("give up", func(t *testing.T) {
		t.Parallel()
		closedWhileTheServerHangs(t, (*ingest.Collector).GiveUp)
	})
}

func closedWhileTheServerHangs(t *testing.T, before func(*ingest.Collector)) {
	t.Helper()
	dir := t.TempDir()
	server, err := stream.Open(t.Context(), stream.Options{Dir: dir, Listen: "127.0.0.1:0", MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	way := newWay(t, strings.TrimPrefix(server.URL(), "nats://"))
	b, err := stream.Open(t.Context(), stream.Options{
		URLs: []string{"nats://" + way.listener.Addr().String()}, TokenFile: stream.TokenPath(dir), TrustSync: true, AckTimeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c, err := ingest.NewCollector(ingest.CollectorOptions{Broker: b, InFlight: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Append(t.Context(), request(track("first"))); err != nil {
		t.Fatal(err)
	}
	way.hold.Lock()
	defer way.hold.Unlock()
	body := `{"batch":[` + track("x") + `],"p":"` + strings.Repeat("x", 300_000) + `"}`
	refused := make(chan error, 5)
	for range cap(refused) {
		go func() { refused <- c.Append(context.Background(), request(body)) }()
	}
	for limit := time.Now().Add(patience); c.Stats().Pending < int64(cap(refused)*len(body)); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("requests do not wait")
		}
	}
	before(c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for range cap(refused) {
		if err := <-refused; !errors.Is(err, ingest.ErrUnavailable) || !strings.Contains(err.Error(), "being stopped") {
			t.Errorf("a request that nobody has kept is answered with %v", err)
		}
	}
}

// way is what lies between client and server, and holds on to what the client sends while hold is locked.
type way struct {
	listener net.Listener
	hold     sync.Mutex
	ways     sync.WaitGroup
}

func newWay(t *testing.T, to string) *way {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{listener: l}
	w.ways.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			w.ways.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
			w.ways.Go(func() { _, _ = io.Copy(&slow{server, &w.hold}, client); _ = server.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.ways.Wait()
	})
	return w
}

// slow writes when it may.
type slow struct {
	io.Writer
	hold *sync.Mutex
}

func (s *slow) Write(p []byte) (int, error) {
	s.hold.Lock()
	defer s.hold.Unlock()
	return s.Writer.Write(p)
}
