package feed_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/feed"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// BenchmarkEvents takes requests of 100 events of 600 bytes from 16 clients, and loads them at the same time: events/s is
// what was acknowledged, and what was loaded in all.
func BenchmarkEvents(b *testing.B) {
	for _, loading := range []bool{false, true} {
		b.Run(fmt.Sprintf("loading=%t", loading), func(b *testing.B) { benchmarkEvents(b, loading) })
	}
}

const eventsOfRequest = 100

func benchmarkEvents(b *testing.B, loading bool) {
	broker, err := stream.Open(b.Context(), stream.Options{Dir: b.TempDir(), MinFree: 1})
	if err != nil {
		b.Fatal(err)
	}
	c, err := ingest.NewCollector(ingest.CollectorOptions{Broker: broker})
	if err != nil {
		b.Fatal(err)
	}
	pool := pgtest.PoolAt(b, pgtest.NewServer(b, map[string]string{"shared_buffers": "256MB", "max_wal_size": "4GB"}).DSN("postgres"))
	if loading {
		o := options(broker, pool, loader.Config{})
		o.LoadEvery = 5 * time.Second
		w, err := feed.New(o)
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = w.Run(ctx) })
		defer running.Wait()
		defer cancel()
	}
	const clients = 16
	b.SetBytes(eventsOfRequest * 600)
	b.ResetTimer()
	start := time.Now()
	var busy sync.WaitGroup
	for s := range clients {
		busy.Go(func() {
			var body bytes.Buffer
			for n := s; n < b.N; n += clients {
				request(&body, n)
				if err := c.Append(b.Context(), &ingest.Request{Source: nickname, Received: time.Now(), Body: body.Bytes()}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	busy.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N*eventsOfRequest)/time.Since(start).Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/float64(c.Stats().Frames), "requests/frame")
	if loading {
		for limit := time.Now().Add(patience); count(b.Context(), pool, `select from shop.bought`) < int64(b.N*eventsOfRequest); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(limit) {
				b.Fatal("not all events are loaded")
			}
		}
		b.ReportMetric(float64(b.N*eventsOfRequest)/time.Since(start).Seconds(), "loaded/s")
	}
	if err := c.Close(); err != nil {
		b.Error(err)
	}
	if err := broker.Close(); err != nil && !loading {
		b.Error(err)
	}
}

var padding = strings.Repeat("x", 300)

// request makes the n-th request.
func request(body *bytes.Buffer, n int) {
	body.Reset()
	body.WriteString(`{"batch":[`)
	for i := range eventsOfRequest {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(body, `{"type":"track","messageId":"m-%09d-%03d","userId":"user-%d","event":"Bought","timestamp":"2026-01-15T10:00:00.000Z",`+
			`"context":{"ip":"203.0.113.7","library":{"name":"bench","version":"1.0"}},"properties":{"n":%d,"amount":%d.5,"name":"thing","text":%q}}`,
			n, i, n%1000, i, n%500, padding)
	}
	body.WriteString(`]}`)
}
