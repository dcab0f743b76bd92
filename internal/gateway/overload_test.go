package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/source/ingest"
)

// More bodies than there is room for: those beyond are asked to come again, the others are taken, and in the end nothing
// is held any more.
func TestMemoryOfBodiesIsBounded(t *testing.T) {
	t.Parallel()
	const room = 4 << 20
	release, metrics := make(chan struct{}), prometheus.NewRegistry()
	in := &intake{before: func(ctx context.Context, _ *ingest.Request) error {
		<-release
		return nil
	}}
	d := open(t, gateway.Config{Intake: in, MaxInFlight: room, AppendTimeout: patience, Metrics: metrics}, gateway.ServeOptions{})
	const clients = 60
	body := batchOf(100_000)
	replies := make(chan reply, clients)
	for range clients {
		go func() { replies <- d.post(t, "/v1/batch", body) }()
	}
	// 128 KiB a body: 32 of them, less what others hold for a moment while they grow.
	refused, most := 0, 0.0
	until(t, "all are held or refused", func() bool {
		most = max(most, value(t, metrics, "tapline_http_in_flight_bytes"))
		for {
			select {
			case r := <-replies:
				refused++
				if r.status != http.StatusServiceUnavailable || r.code() != "overloaded" || r.header.Get("Retry-After") != "1" {
					t.Errorf("got %+v", r)
				}
				continue
			default:
			}
			return refused > 0 && value(t, metrics, "tapline_http_in_flight_requests") == float64(clients-refused) &&
				value(t, metrics, "tapline_http_in_flight_bytes") == float64((clients-refused)*128<<10)
		}
	})
	if most > room {
		t.Errorf("%g bytes were held, %d are allowed", most, room)
	}
	if got := d.do(t, http.MethodGet, "/healthz", nil); got.status != http.StatusOK {
		t.Errorf("healthz under load: got %+v", got)
	}
	close(release)
	for range clients - refused {
		if r := <-replies; r.status != http.StatusOK {
			t.Errorf("a request that was held: got %+v", r)
		}
	}
	if taken := len(in.taken()); taken != clients-refused || taken < 16 {
		t.Errorf("%d taken of %d, %d refused", taken, clients, refused)
	}
	if got := value(t, metrics, "tapline_http_in_flight_bytes"); got != 0 {
		t.Errorf("%g bytes are held in the end", got)
	}
}

// Ten times what the Intake manages: each 200 is an event that it has, and each other answer one that it has not.
func TestEveryAnswerIsTrueUnderOverload(t *testing.T) {
	t.Parallel()
	in := &intake{}
	slots := make(chan struct{}, 2)
	in.before = func(ctx context.Context, r *ingest.Request) error {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			return ingest.ErrFull
		}
		if len(r.Body)%3 == 0 {
			return ingest.ErrUnavailable
		}
		return nil
	}
	d := open(t, gateway.Config{Intake: in, MaxInFlight: 2 << 20}, gateway.ServeOptions{})
	var mu sync.Mutex
	accepted := map[string]bool{}
	counts := map[int]int{}
	var all sync.WaitGroup
	for c := range 40 {
		all.Go(func() {
			for n := range 25 {
				id := fmt.Sprintf("%d-%d", c, n)
				r := d.post(t, "/v1/track", `{"messageId":"`+id+`","pad":"`+strings.Repeat("x", c+n)+`"}`)
				mu.Lock()
				counts[r.status]++
				accepted[id] = r.status == http.StatusOK
				mu.Unlock()
				if r.status != http.StatusOK && (r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "") {
					t.Errorf("got %+v", r)
				}
			}
		})
	}
	all.Wait()
	has := map[string]bool{}
	for _, r := range in.taken() {
		has[strings.Split(string(r.Body), `"`)[3]] = true
	}
	for id, ok := range accepted {
		if ok != has[id] {
			t.Errorf("%s: answered 200: %t, taken: %t", id, ok, has[id])
		}
	}
	if counts[200] == 0 || counts[503] == 0 {
		t.Errorf("answers: %v", counts)
	}
}

func TestIntakeErrors(t *testing.T) {
	t.Parallel()
	var answer atomic.Value // func() error
	in := &intake{before: func(context.Context, *ingest.Request) error { return answer.Load().(func() error)() }}
	log := &lines{}
	d := open(t, gateway.Config{Intake: in, Log: slog.New(slog.NewTextHandler(log, nil))}, gateway.ServeOptions{})
	for code, err := range map[string]error{
		"full": fmt.Errorf("append: %w", ingest.ErrFull), "unavailable": ingest.ErrUnavailable, "": nil,
	} {
		answer.Store(func() error { return err })
		got := d.post(t, "/v1/track", aCall)
		if err == nil && got.status != http.StatusOK {
			t.Errorf("recovered: got %+v", got)
		}
		if err != nil && (got.status != http.StatusServiceUnavailable || got.code() != code || got.header.Get("Retry-After") == "") {
			t.Errorf("%v: got %+v", err, got)
		}
	}
	answer.Store(func() error { panic("a fault of the Intake") })
	res, err := d.client.Post(d.url+"/v1/track", "", strings.NewReader(`{"writeKey":"`+goodKey+`"}`))
	if err == nil {
		res.Body.Close()
		t.Errorf("a panic was answered with %s", res.Status)
	}
	until(t, "the panic is in the log", func() bool { return strings.Contains(log.String(), "a fault of the Intake") })
	answer.Store(func() error { return nil })
	if got := d.post(t, "/v1/track", aCall); got.status != http.StatusOK {
		t.Errorf("after a panic: got %+v", got)
	}
}

func TestRateOfAKey(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	d := open(t, gateway.Config{EventsPerSecond: 100, Burst: 3000, Now: clock}, gateway.ServeOptions{})
	ok := func(what string, r reply) {
		t.Helper()
		if r.status != http.StatusOK {
			t.Errorf("%s: got %+v", what, r)
		}
	}
	limited := func(what string, r reply, seconds int) {
		t.Helper()
		if want := strconv.Itoa(seconds); r.status != http.StatusTooManyRequests || r.code() != "rate_limited" ||
			r.header.Get("Retry-After") != want || r.header.Get("X-RateLimit-Reset") != want {
			t.Errorf("%s: got %+v, want to come again after %d s", what, r, seconds)
		}
	}
	ok("the first", d.post(t, "/v1/batch", eventsOf(2500)))
	ok("up to the burst", d.post(t, "/v1/batch", eventsOf(500)))
	limited("one more", d.post(t, "/v1/track", aCall), 1)
	ok("settings, which are no event", d.do(t, http.MethodGet, "/v1/projects/"+goodKey+"/settings", nil))
	pass(time.Second)
	limited("more than there is", d.post(t, "/v1/batch", eventsOf(350)), 3)
	ok("what there is, after it was refused", d.post(t, "/v1/batch", eventsOf(100)))
	limited("again one more, by the key in the body", d.do(t, http.MethodPost, "/v1/track", strings.NewReader(`{"writeKey":"`+goodKey+`"}`)), 1)
	ok("another key", d.do(t, http.MethodPost, "/v1/track", strings.NewReader(aCall), "Authorization", basic("wk_any")))
	pass(time.Hour)
	ok("later", d.post(t, "/v1/batch", eventsOf(2500)))
}

// What was not taken does not count: the client that sends it again is not told that it has sent too much.
func TestRateDoesNotCountWhatIsNotTaken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	full := true
	h, err := gateway.New(gateway.Config{
		Intake: &intake{before: func(context.Context, *ingest.Request) error {
			if full {
				return ingest.ErrFull
			}
			return nil
		}},
		Keys: someKeys(), EventsPerSecond: 1, Burst: 2500, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := record(h, "/v1/batch", eventsOf(2500), goodKey); got.Code != http.StatusServiceUnavailable {
			t.Errorf("while there is no room: got %d %s", got.Code, got.Body)
		}
	}
	full = false
	for _, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		if got := record(h, "/v1/batch", eventsOf(2500), goodKey); got.Code != want {
			t.Errorf("when there is room: got %d %s, want %d", got.Code, got.Body, want)
		}
	}
}

// A key that has nothing left is refused before its body is read.
func TestRateIsCheckedBeforeTheBody(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h, err := gateway.New(gateway.Config{
		Intake: &intake{}, Keys: someKeys(), EventsPerSecond: 1, Burst: 2500, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := record(h, "/v1/batch", eventsOf(2500), goodKey); got.Code != http.StatusOK {
		t.Fatalf("got %d", got.Code)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/track", unreadableBody{t})
	r.Header.Set("Authorization", basic(goodKey))
	w := &discard{header: http.Header{}}
	h.ServeHTTP(w, r)
	if got := w.header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After is %q", got)
	}
}

// unreadableBody is a body that nobody should read.
type unreadableBody struct{ t *testing.T }

func (b unreadableBody) Read([]byte) (int, error) {
	b.t.Error("the body is read")
	return 0, io.EOF
}

// value returns the sum of a metric over its labels.
func value(t testing.TB, from prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}
