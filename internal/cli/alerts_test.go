package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

// webhook notes what it is told.
type webhook struct {
	*httptest.Server
	mu    sync.Mutex
	down  bool
	texts []string
}

func newWebhook(t *testing.T) *webhook {
	t.Helper()
	h := &webhook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Text string `json:"text"`
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.down || json.NewDecoder(r.Body).Decode(&m) != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		h.texts = append(h.texts, m.Text)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *webhook) told() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := strings.Join(h.texts, "\n")
	h.texts = nil
	return out
}

const alertsFile = `
sources: {Web: {}, Later: {}}
jobs:
  broken: {kind: load, source: Web, inputs: [broken.ndjson.gz], retries: 0}
  idle: {kind: prune, source: Web, schedule: "@hourly"}
alerts:
  webhook_env: HOOK
  allow_http: true
  allow_private: true
  stale: {Web: {"purchase_*": 6h, app_launched: 6h, "notification_*": 6h}, Later: {x: 1h}}
  quarantine: {Web: {percent: 10, min_events: 5}}
`

func TestAlerts(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t), newWebhook(t)
	flag := w.declared(alertsFile)
	env := []string{"DATABASE_URL=" + w.dsn, "HOOK=" + h.URL + "/services/hunter2"}
	run := func(code int, args ...string) result {
		t.Helper()
		r := w.runWith("", env, append(args, flag)...)
		r.want(t, code, args...)
		if strings.Contains(r.stdout+r.stderr, "hunter2") {
			t.Errorf("the URL is shown: %s %s", r.stdout, r.stderr)
		}
		return r
	}
	contains(t, run(0, "alerts", "test").stdout, "✓ the webhook of env:HOOK has taken a test message")
	contains(t, h.told(), "This is a test")

	run(0, "load", w.file("a.ndjson", purchases(20)), "-s", "Web", "-q")
	w.file("broken.ndjson.gz", gzipped(t, purchases(100))[:100])
	run(1, "run", "broken", "--once")
	contains(t, h.told(), "🔴 Job broken: failed on ", "broken.ndjson.gz")
	pool := pgtest.PoolAt(t, w.dsn)
	due := func(ago string) {
		pgtest.Exec(t, pool, `insert into tapline.jobs (name, schedule, scheduled_for) values ('idle', '@hourly UTC', now() - $1::interval)
			on conflict (name) do update set scheduled_for = excluded.scheduled_for`, ago)
	}
	due("1 minute")
	r := run(2, "alerts", "check", "--dry-run")
	contains(t, r.stdout, "✗ Job broken: failed", "✗ Table web.app_launched has got no rows for 6 hours or longer.")
	if strings.Contains(r.stdout, "purchase") || strings.Contains(r.stdout, "idle") || strings.Contains(r.stdout, "notification") || strings.Contains(r.stdout, "quarantine") || h.told() != "" {
		t.Errorf("wrong is only the job and the table that is named: %s", r.stdout)
	}
	due("3 hours")
	pgtest.Exec(t, pool, "update web.purchase_made set uuid_ts = uuid_ts - interval '7 hours'")
	run(3, "load", w.file("b.ndjson", strings.Repeat(badLine, 3)), "-s", "Web", "-q")
	contains(t, run(2, "alerts", "check").stdout, "3 of 23 events of the last 1 hour went to quarantine (13.04 %, the limit is 10 %)", "(told)")
	told := h.told()
	contains(t, told, "🔴 Job idle was due at ", "Table web.purchase_made has got no rows", "Table web.app_launched", "went to quarantine")
	if strings.Contains(told, "Job broken") {
		t.Errorf("the job is told twice: %s", told)
	}
	run(2, "alerts", "check")
	if told := h.told(); told != "" {
		t.Errorf("told again: %s", told)
	}
	w.file("broken.ndjson.gz", gzipped(t, purchases(100)))
	run(0, "run", "broken", "--once")
	contains(t, h.told(), "🟢 Job broken is all right again")
	pgtest.Exec(t, pool, "insert into web.app_launched (id, received_at, uuid_ts) values ('x', now(), now())")
	due("1 minute")
	run(0, "alerts", "check")
	contains(t, h.told(), "🟢 Job idle is not overdue", "🟢 Table web.purchase_made gets rows again", "🟢 Table web.app_launched gets rows again", "🟢 Source Web: no more than 10 %")
}

// A webhook that is down costs a job nothing.
func TestAlertsAreNoBurden(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t), newWebhook(t)
	h.down = true
	flag := w.declared(alertsFile)
	w.file("broken.ndjson.gz", gzipped(t, purchases(10)))
	r := w.runWith("", []string{"DATABASE_URL=" + w.dsn, "HOOK=" + h.URL}, "run", "broken", "--once", flag)
	r.want(t, 0, "run")
	w.file("broken.ndjson.gz", gzipped(t, purchases(100))[:100])
	r = w.runWith("", []string{"DATABASE_URL=" + w.dsn, "HOOK=" + h.URL}, "run", "broken", "--once", "--json", flag)
	r.want(t, 1, "run")
	contains(t, r.stderr, "nobody was told how the job ended", "the webhook answered 404")
	if line := lastLine(t, r.stdout); line.Outcome != "failed" {
		t.Errorf("got %+v", line)
	}
	contains(t, w.must(64, "alerts", "test", flag).stderr, "HOOK")
	contains(t, w.must(64, "alerts", "test", "--config="+w.file("none.yaml", "")).stderr, "names no webhook")
	contains(t, w.runWith("", []string{"HOOK=" + h.URL}, "alerts", "test", flag).stderr, "the webhook answered 404")
}
