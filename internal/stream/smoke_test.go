package stream_test

import (
	"testing"
	"time"

	"github.com/tapline/tapline/internal/stream"
)

func TestSmoke(t *testing.T) {
	start := time.Now()
	b, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(start), b.URL())
	if err := b.Publish(t.Context(), "shop", "1", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	c, err := b.Consumer(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	fs, err := c.Fetch(10, 1<<20, time.Second)
	t.Log(fs, err, fs[0])
	t.Log(fs[0].AckSync(t.Context()), c.Purge(t.Context()))
	t.Log(b.Info(t.Context(), "shop"))
	t.Log(b.Schemas(t.Context()))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(start))
}
