package alert_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/alert"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

// hook is a webhook that may be told to misbehave.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	faults   []http.HandlerFunc // of the next requests
	requests int
	taken    []map[string]any
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests++
	if len(h.faults) > 0 {
		fault := h.faults[0]
		h.faults = h.faults[1:]
		fault(w, r)
		return
	}
	var m map[string]any
	if err != nil || json.Unmarshal(body, &m) != nil || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.taken = append(h.taken, m)
}

func (h *hook) fail(faults ...http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = faults
}

func answer(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "not for you: "+r.URL.Path)
	}
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func (h *hook) seen() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests
}

func (h *hook) states() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.taken {
		out = append(out, m["state"].(string)+" "+m["key"].(string))
	}
	return out
}

func setUp(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t)
	if err := migrations.Control(t.Context(), pool.Config().ConnConfig, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	return pool
}

func teller(t *testing.T, pool *pgxpool.Pool, h *hook, cooldown time.Duration) *alert.Teller {
	t.Helper()
	a, err := alert.New(pool, alert.Options{
		URL: h.URL + "/services/hunter2", AllowHTTP: true, AllowPrivate: true, Cooldown: cooldown, Timeout: 30 * time.Second,
		Pause: time.Millisecond, Host: "here", Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func want(t *testing.T, h *hook, states ...string) {
	t.Helper()
	if got := h.states(); strings.Join(got, ",") != strings.Join(states, ",") {
		t.Errorf("told %q, want %q", got, states)
	}
}

var (
	firing = alert.Condition{Key: "job/a", Kind: alert.JobFailed, Firing: true, Text: "Job a: <!channel> & co"}
	over   = alert.Condition{Key: "job/a", Kind: alert.JobFailed, Text: "Job a is all right again"}
)

// What is wrong is told once, by whoever comes first, and that it is over; what was never wrong, never.
func TestToldOnce(t *testing.T) {
	t.Parallel()
	pool, h := setUp(t), newHook(t)
	tell := func(c alert.Condition) {
		t.Helper()
		var wg sync.WaitGroup
		for range 4 {
			a := teller(t, pool, h, time.Hour)
			wg.Go(func() {
				if _, err := a.Tell(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	tell(over)
	want(t, h)
	tell(firing)
	tell(firing)
	want(t, h, "firing job/a")
	h.mu.Lock()
	m := h.taken[0]
	h.mu.Unlock()
	if m["text"] != "🔴 Job a: &lt;!channel&gt; &amp; co" || m["message"] != firing.Text || m["host"] != "here" || m["kind"] != alert.JobFailed {
		t.Errorf("got %v", m)
	}
	tell(over)
	tell(over)
	tell(firing)
	want(t, h, "firing job/a", "resolved job/a", "firing job/a")
}

func TestCooldown(t *testing.T) {
	t.Parallel()
	pool, h := setUp(t), newHook(t)
	a := teller(t, pool, h, time.Hour)
	for _, age := range []string{"0s", "59 minutes", "61 minutes"} {
		pgtest.Exec(t, pool, `update tapline.alerts set told_at = now() - $1::interval`, age)
		if _, err := a.Tell(t.Context(), firing); err != nil {
			t.Fatal(err)
		}
	}
	want(t, h, "firing job/a", "firing job/a")
}

// A webhook that fails gets the message when it is well again: within the call, or with the next.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults   []http.HandlerFunc
		requests int
		err      string
	}{
		"passes":    {[]http.HandlerFunc{answer(503), cut}, 3, ""},
		"throttled": {[]http.HandlerFunc{answer(429)}, 2, ""},
		"down":      {[]http.HandlerFunc{answer(500), cut, answer(502)}, 3, "the webhook answered 502 Bad Gateway: not for you: /***"},
		"refused":   {[]http.HandlerFunc{answer(404)}, 1, "the webhook answered 404 Not Found"},
		"redirect": {
			[]http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }},
			1, "the webhook answered 302 Found",
		},
		"cut": {[]http.HandlerFunc{cut, cut, cut}, 3, "the webhook was not reached: EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, h := setUp(t), newHook(t)
			a := teller(t, pool, h, time.Hour)
			h.fail(test.faults...)
			told, err := a.Tell(t.Context(), firing)
			if told != (test.err == "") || (err == nil) != told || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("told %v, error %v, want %q", told, err, test.err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error has the URL: %v", err)
			}
			if n := h.seen(); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			if _, err := a.Tell(t.Context(), firing); err != nil {
				t.Error(err)
			}
			want(t, h, "firing job/a")
		})
	}
}

// A process that died over telling keeps others from it for a while only.
func TestClaimEnds(t *testing.T) {
	t.Parallel()
	pool, h := setUp(t), newHook(t)
	a := teller(t, pool, h, time.Hour)
	pgtest.Exec(t, pool, `insert into tapline.alerts (key, kind, state, text, claimed_until) values ('job/a', 'job_failed', 'firing', 'x', now() + interval '1 hour')`)
	if told, err := a.Tell(t.Context(), firing); told || err != nil {
		t.Errorf("told %v, %v", told, err)
	}
	pgtest.Exec(t, pool, `update tapline.alerts set claimed_until = now()`)
	if told, err := a.Tell(t.Context(), firing); !told || err != nil {
		t.Errorf("told %v, %v", told, err)
	}
}

// A webhook that does not answer is given up in time.
func TestSilence(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	h.fail(hang, hang, hang)
	a, err := alert.New(nil, alert.Options{URL: h.URL, AllowHTTP: true, AllowPrivate: true, Timeout: 100 * time.Millisecond, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Test(t.Context()); err == nil || !strings.Contains(err.Error(), "did not answer within 100ms") {
		t.Errorf("error %v", err)
	}
}

// What leads to this machine or is readable on the way is refused, unless it is allowed.
func TestRefused(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	for _, url := range []string{"", "hunter2", "ftp://hunter2/x", h.URL + "/hunter2", "https://\x7f/hunter2"} {
		if _, err := alert.New(nil, alert.Options{URL: url}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error %v", url, err)
		}
	}
	a, err := alert.New(nil, alert.Options{URL: h.URL + "/hunter2", AllowHTTP: true, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Test(t.Context()); err == nil || !strings.Contains(err.Error(), "address of this machine") || h.seen() != 0 {
		t.Errorf("error %v after %d requests", err, h.seen())
	}
}
