package federate_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
)

// What goes wrong once with every request, and is sent again until it is there: nothing is missing and nothing is
// undelivered, whatever the destination did with what it had taken.
func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sink.Answer{
		"500":                {Status: 500, Body: "oops"},
		"503 taken":          {Status: 503, Take: true},
		"429":                {Status: 429},
		"429 at a date":      {Status: 429, Header: map[string]string{"Retry-After": "Mon, 02 Jan 2006 15:04:05 GMT"}},
		"reset":              {Reset: true},
		"reset after taking": {Reset: true, Take: true},
		"cut answer":         {Body: `{"success":true}`, Cut: 10, Take: true},
		"cut JSON":           {Body: `{"success":tr`},
		"no success":         {Body: `{"success":false}`},
		"408":                {Status: 408},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			var mu sync.Mutex
			seen := map[string]int{}
			s.sink.Judge = func(r *sink.Request) *sink.Answer {
				mu.Lock()
				defer mu.Unlock()
				first := r.Messages[0].ID
				if seen[first]++; seen[first] <= 2 {
					return &fault
				}
				return nil
			}
			s.load(tracks(0, 1200)...)
			s.load(tracks(1200, 30)...)
			s.add("segment", s.url, federate.Settings{})
			s.run(options())
			s.complete()
			if r := s.report("segment"); r.Delivered != 1230 || len(r.Undelivered) > 0 || r.Pending != 0 || r.Destination.LastError != "" {
				t.Errorf("status %+v", r)
			}
		})
	}
}

// A destination that asks for a pause gets one, for all requests.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var mu sync.Mutex
	var refused, next time.Time
	s.sink.Judge = func(r *sink.Request) *sink.Answer {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case refused.IsZero():
			refused = r.At
			return &sink.Answer{Status: 429, Header: map[string]string{"Retry-After": "1"}}
		case next.IsZero():
			next = r.At
		}
		return nil
	}
	s.load(tracks(0, 10)...)
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	s.complete()
	if pause := next.Sub(refused); pause < 900*time.Millisecond {
		t.Errorf("the next request came after %s, want 1s", pause)
	}
}

// Who sends once does not sit out a pause that is longer than its patience; the destination is asked once, and gets all of
// it the next time.
func TestRetryAfterOutlastsOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var asked atomic.Int64
	s.sink.Judge = func(*sink.Request) *sink.Answer {
		if asked.Add(1) == 1 {
			return &sink.Answer{Status: 429, Header: map[string]string{"Retry-After": "1800"}}
		}
		return nil
	}
	s.load(tracks(0, 10)...)
	s.add("segment", s.url, federate.Settings{})
	err := s.federator(options()).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "given up, as it asks for a pause of 30m0s: 429") {
		t.Errorf("got %v, want an error about the pause", err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	s.run(options())
	s.complete()
}

// No answer at all ends at the time-out, however long the client waits.
func TestSlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ended := make(chan struct{})
	defer close(ended)
	var requests atomic.Int64
	s.sink.Judge = func(*sink.Request) *sink.Answer {
		if requests.Add(1) <= 3 {
			return &sink.Answer{Until: ended}
		}
		return nil
	}
	s.load(tracks(0, 10)...)
	s.add("segment", s.url, federate.Settings{})
	o := options()
	o.Timeout = 200 * time.Millisecond
	s.run(o)
	s.complete()
	// The client's own limit of ten seconds is none: this destination needs longer for a request.
	requests.Store(0)
	s.sink.Set(func(*sink.Request) *sink.Answer { return &sink.Answer{Delay: 11 * time.Second, Take: true} })
	s.load(tracks(10, 5)...)
	o.Timeout = patience
	before := s.report("segment")
	s.run(o)
	s.complete()
	if _, repeated, _ := s.sink.Counts(); repeated > 0 || s.report("segment").Delivered != before.Delivered+5 {
		t.Errorf("a slow request was sent %d times again", repeated)
	}
}

// A message that is refused is found by halving its batch; the others arrive.
func TestHalving(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	bad := map[string]bool{id(17): true, id(1100): true}
	s.sink.Judge = func(r *sink.Request) *sink.Answer {
		for _, m := range r.Messages {
			if bad[m.ID] {
				return &sink.Answer{Status: 400, Body: "no " + writeKey + " for this"}
			}
		}
		return nil
	}
	s.load(tracks(0, 1250)...)
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	var want []string
	for i := range 1250 {
		if !bad[id(i)] {
			want = append(want, id(i))
		}
	}
	s.has(s.sink, want)
	r := s.report("segment")
	if diff := cmp.Diff(map[string]int64{"rejected": 2}, r.Undelivered); diff != "" || r.Delivered != 1248 || r.Pending != 0 {
		t.Errorf("status %+v", r)
	}
	all, err := federate.ListUndelivered(t.Context(), s.pool, "segment", 10)
	if err != nil || len(all) != 2 {
		t.Fatalf("undelivered: %v, %v", all, err)
	}
	for _, u := range all {
		if !bad[u.RowID] || u.MessageID != u.RowID || u.Table != "order_placed" || u.Response != "400 Bad Request: no *** for this" ||
			object(t, u.Message)["messageId"] != u.MessageID {
			t.Errorf("undelivered %+v", u)
		}
	}
	if _, _, requests := s.sink.Counts(); requests > 3+2*2*10 {
		t.Errorf("%d requests to find 2 messages", requests)
	}
}

// A message that is too large for the API is not sent; neither is one that no call can be made of.
func TestUndeliverable(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 3)...)
	pgtest.Exec(t, s.pool, `alter table `+shop+`.order_placed add column note text`)
	pgtest.Exec(t, s.pool, `update `+shop+`.order_placed set note = repeat('x', 40000) where id = $1`, id(1))
	pgtest.Exec(t, s.pool, `update `+shop+`.order_placed set user_id = null where id = $1`, id(2))
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	s.has(s.sink, []string{id(0)})
	r := s.report("segment")
	if diff := cmp.Diff(map[string]int64{"too_large": 1, "invalid": 1}, r.Undelivered); diff != "" || r.Delivered != 1 {
		t.Errorf("status %+v: %s", r, diff)
	}
}

// Large messages make batches that stay below the limits of the API, which the sink checks.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var lines []string
	for i := range 300 {
		lines = append(lines, track(i, "Big", fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 100*i))))
	}
	for i := range 3000 {
		lines = append(lines, track(1000+i, "Small", fmt.Sprintf(`{"text":%q}`, strings.Repeat("y", 800))))
	}
	s.load(lines...)
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	s.complete()
}

// A destination that takes nothing is paused, with the reason, after a request or two for each that may be under way.
func TestPauses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer sink.Answer
		says   string
	}{
		"401":      {sink.Answer{Status: 401, Body: "wrong " + writeKey}, "401 Unauthorized: wrong ***: the write key is not accepted; check env:KEY"},
		"403":      {sink.Answer{Status: 403}, "403 Forbidden: the write key is not accepted"},
		"404":      {sink.Answer{Status: 404}, "404 Not Found: check the endpoint"},
		"redirect": {sink.Answer{Status: 302, Header: map[string]string{"Location": "/elsewhere"}}, "302 Found: redirects are not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			good := newSink()
			var broken atomic.Bool
			broken.Store(true)
			s.sink.Judge = func(*sink.Request) *sink.Answer {
				if broken.Load() {
					return &c.answer
				}
				return nil
			}
			s.load(tracks(0, 3000)...)
			s.add("bad", s.url, federate.Settings{})
			s.add("good", s.serve(good), federate.Settings{})
			var log bytes.Buffer
			o := options()
			o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			err := s.federator(o).Run(t.Context())
			var paused *federate.PausedError
			if !errors.As(err, &paused) || paused.Destination != "bad" || !strings.Contains(paused.Reason, c.says) {
				t.Errorf("Run = %v", err)
			}
			s.has(good, s.want())
			r := s.report("bad")
			if r.Destination.Status != federate.Paused || !strings.Contains(r.Destination.LastError, c.says) || r.Pending != 3000 || len(r.Undelivered) > 0 {
				t.Errorf("status %+v", r)
			}
			if _, _, requests := s.sink.Counts(); requests > 8 {
				t.Errorf("%d requests to a destination that takes none", requests)
			}
			if all := fmt.Sprint(err, r, log.String()); strings.Contains(all, writeKey) || strings.Contains(all, "Order Placed") {
				t.Errorf("a key or a payload is told: %s", all)
			}
			broken.Store(false)
			if err := federate.Resume(t.Context(), s.pool, "bad"); err != nil {
				t.Fatal(err)
			}
			s.run(options())
			s.complete()
		})
	}
}

// A destination that refuses every message is paused: that is no matter of messages.
func TestRefusesEverything(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.sink.Judge = func(*sink.Request) *sink.Answer { return &sink.Answer{Status: 400, Body: "no"} }
	s.load(tracks(0, 2500)...)
	s.add("segment", s.url, federate.Settings{})
	err := s.federator(options()).Run(t.Context())
	var paused *federate.PausedError
	if !errors.As(err, &paused) || !strings.Contains(paused.Reason, "taken none") {
		t.Errorf("Run = %v", err)
	}
	if r := s.report("segment"); r.Pending != 2500 || len(r.Undelivered) > 0 {
		t.Errorf("status %+v", r)
	}
}

// A run that is to end gives a destination up that stays down.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.sink.Judge = func(*sink.Request) *sink.Answer { return &sink.Answer{Status: 503, Body: "closed"} }
	s.load(tracks(0, 700)...)
	s.add("segment", s.url, federate.Settings{})
	o := options()
	o.GiveUp = 100 * time.Millisecond
	err := s.federator(o).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "given up after 100ms: 503 Service Unavailable: closed") {
		t.Errorf("Run = %v", err)
	}
	r := s.report("segment")
	if r.Pending != 700 || r.Destination.Status == federate.Paused || !strings.Contains(r.Destination.LastError, "503") || !r.Leased.IsZero() {
		t.Errorf("status %+v", r)
	}
	s.sink.Set(nil)
	s.run(options())
	s.complete()
}
