package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/source/ingest"
)

// record asks a handler without a server.
func record(h http.Handler, path, body, key string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", basic(key))
	h.ServeHTTP(w, r)
	return w
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	in, ks := &intake{}, someKeys()
	for name, cfg := range map[string]gateway.Config{
		"no intake":          {Keys: ks},
		"no keys":            {Intake: in},
		"negative rate":      {Intake: in, Keys: ks, EventsPerSecond: -1},
		"burst without rate": {Intake: in, Keys: ks, Burst: 5000},
		"no room":            {Intake: in, Keys: ks, MaxInFlight: 1 << 20},
	} {
		if _, err := gateway.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// blackHole takes everything.
type blackHole struct{}

func (blackHole) Append(ctx context.Context, _ *ingest.Request) error { return ctx.Err() }
func (blackHole) Ready() error                                        { return nil }

// rewind is a body that can be read again.
type rewind struct{ strings.Reader }

func (*rewind) Close() error { return nil }

func TestARequestAllocatesLittle(t *testing.T) {
	h, err := gateway.New(gateway.Config{Intake: blackHole{}, Keys: someKeys()})
	if err != nil {
		t.Fatal(err)
	}
	call := `{"type":"track","messageId":"0123456789","userId":"u","event":"E","properties":{"a":"` + strings.Repeat("x", 500) + `"}}`
	body := `{"batch":[` + strings.Repeat(call+",", 99) + call + `]}`
	for name, sent := range map[string]string{"plain": body, "gzip": zip(t, body)} {
		r := httptest.NewRequest(http.MethodPost, "/v1/batch", nil)
		r.Header.Set("Authorization", basic(goodKey))
		r.ContentLength = int64(len(sent))
		from := &rewind{}
		r.Body = from
		w := &discard{header: http.Header{}}
		n := testing.AllocsPerRun(200, func() {
			clear(w.header)
			from.Reset(sent)
			h.ServeHTTP(w, r)
		})
		// A context with its deadline, a few headers; not one of it is for an event.
		if n > 24 {
			t.Errorf("%s: %g allocations for a request of 100 events", name, n)
		}
	}
}

// BenchmarkRequest is the door alone: a batch of 100 events of 600 bytes, without a network and without a disk.
func BenchmarkRequest(b *testing.B) {
	h, err := gateway.New(gateway.Config{Intake: blackHole{}, Keys: someKeys()})
	if err != nil {
		b.Fatal(err)
	}
	call := `{"type":"track","messageId":"0123456789","userId":"u","event":"E","timestamp":"2026-01-15T10:00:00Z",` +
		`"context":{"app":{"version":"1.2.3"},"os":{"name":"iOS"}},"properties":{"n":12345,"a":"` + strings.Repeat("x", 415) + `"}}`
	body := `{"batch":[` + strings.Repeat(call+",", 99) + call + `]}`
	r := httptest.NewRequest(http.MethodPost, "/v1/batch", nil)
	r.Header.Set("Authorization", basic(goodKey))
	from := &rewind{}
	r.Body = from
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		clear(w.header)
		from.Reset(body)
		h.ServeHTTP(w, r)
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
