package gateway_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/source/ingest"
)

const aCall = `{"event":"E","userId":"u"}`

func TestEndpointsTakeCalls(t *testing.T) {
	t.Parallel()
	arrival := time.Date(2026, 1, 15, 10, 0, 0, 123, time.UTC)
	d := open(t, gateway.Config{Now: func() time.Time { return arrival }}, gateway.ServeOptions{})
	for path, call := range map[string]string{
		"/v1/track": "track", "/v1/identify": "identify", "/v1/page": "page", "/v1/screen": "screen", "/v1/group": "group",
		"/v1/alias": "alias", "/v1/t": "track", "/v1/i": "identify", "/v1/p": "page", "/v1/s": "screen", "/v1/g": "group",
		"/v1/a": "alias", "/v1/batch": "", "/v1/import": "", "/v1/b": "", "//v1/track": "track",
	} {
		got := d.post(t, path, aCall)
		if got.status != http.StatusOK || got.body != `{"success":true}` || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %+v", path, got)
		}
		want := []ingest.Request{{Source: "CleverTap_Prod", Received: arrival, Call: call, Body: []byte(aCall)}}
		if diff := cmp.Diff(want, d.intake.taken()); diff != "" {
			t.Errorf("%s: taken (-want +got):\n%s", path, diff)
		}
	}
	batch := `{"batch":[` + aCall + `]}`
	for _, path := range []string{"/v1/batch", "/v1/track"} {
		d.post(t, path, batch)
		if got := d.intake.taken(); len(got) != 1 || got[0].Call != "" || string(got[0].Body) != batch {
			t.Errorf("batch at %s: taken %+v", path, got)
		}
	}
	if got := d.post(t, "/v1/batch", `{"batch":[]}`); got.status != http.StatusOK {
		t.Errorf("empty batch: got %+v", got)
	}
}

func TestContentTypeDoesNotMatter(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	for _, kind := range []string{"", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "nonsense"} {
		if got := d.post(t, "/v1/track", aCall, "Content-Type", kind); got.status != http.StatusOK {
			t.Errorf("%q: got %+v", kind, got)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/tracks", "/v1/track/", "/v2/track", "/metrics", "/v1/projects//settings", "/v1/projects/a/b/settings"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := d.do(t, method, path, strings.NewReader(""), "Authorization", basic(goodKey)); got.status != http.StatusNotFound || got.code() != "not_found" {
				t.Errorf("%s %s: got %+v", method, path, got)
			}
		}
	}
	for path, allow := range map[string]string{"/v1/track": "POST, OPTIONS", "/healthz": "GET, HEAD", "/v1/projects/" + goodKey + "/settings": "GET, HEAD"} {
		got := d.do(t, http.MethodPut, path, strings.NewReader(""))
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != allow || got.code() != "method_not_allowed" {
			t.Errorf("PUT %s: got %+v", path, got)
		}
	}
	if got := d.intake.taken(); len(got) != 0 {
		t.Errorf("taken: %+v", got)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	got := d.do(t, http.MethodOptions, "/v1/t", nil, "Origin", "https://shop.example",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-new")
	want := map[string]string{
		"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Headers": "authorization,content-type,x-new", "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
		"Access-Control-Max-Age": "86400", "Vary": "Origin",
	}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("preflight: %s is %q, want %q", name, got.header.Get(name), value)
		}
	}
	if got.status != http.StatusNoContent || got.body != "" {
		t.Errorf("preflight: got %+v", got)
	}
	got = d.do(t, http.MethodOptions, "/v1/t", nil)
	if allowed := got.header.Get("Access-Control-Allow-Headers"); got.header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(allowed, "Authorization") || !strings.Contains(allowed, "Content-Type") {
		t.Errorf("OPTIONS of nobody: got %+v", got)
	}
	// The answers themselves must be readable too, refusals included.
	for _, key := range []string{goodKey, "unknown"} {
		got := d.do(t, http.MethodPost, "/v1/t", strings.NewReader(aCall), "Authorization", basic(key), "Origin", "null")
		if got.header.Get("Access-Control-Allow-Origin") != "null" {
			t.Errorf("POST with key %q: got %+v", key, got)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	type wanted struct {
		Integrations map[string]struct {
			APIKey   string `json:"apiKey"`
			APIHost  string `json:"apiHost"`
			Protocol string `json:"protocol"`
		} `json:"integrations"`
		Plan    map[string]any `json:"plan"`
		Metrics map[string]int `json:"metrics"`
	}
	ask := func(d *door, header ...string) wanted {
		got := d.do(t, http.MethodGet, "/v1/projects/"+goodKey+"/settings", nil, append(header, "Origin", "https://shop.example")...)
		var s wanted
		if err := json.Unmarshal([]byte(got.body), &s); err != nil || got.status != http.StatusOK ||
			got.header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
			t.Errorf("got %+v, %v", got, err)
		}
		return s
	}
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	s := ask(d)
	if own := s.Integrations["Segment.io"]; own.APIKey != goodKey || own.APIHost != d.addr+"/v1" || own.Protocol != "http" {
		t.Errorf("Segment.io: got %+v", own)
	}
	if len(s.Integrations) != 1 || s.Plan["track"] == nil || s.Metrics["sampleRate"] != 0 {
		t.Errorf("got %+v", s)
	}
	if own := ask(d, "X-Forwarded-Proto", "https").Integrations["Segment.io"]; own.Protocol != "https" {
		t.Errorf("behind a proxy: got %+v", own)
	}
	d = open(t, gateway.Config{PublicURL: "https://events.example/tap/"}, gateway.ServeOptions{})
	if own := ask(d).Integrations["Segment.io"]; own.APIHost != "events.example/tap/v1" || own.Protocol != "https" {
		t.Errorf("with a public URL: got %+v", own)
	}
	if got := d.do(t, http.MethodGet, "/v1/projects/unknown/settings", nil); got.status != http.StatusUnauthorized {
		t.Errorf("unknown key: got %+v", got)
	}
	if got := d.do(t, http.MethodGet, "/v1/projects/wk_us/settings", nil); got.code() != "wrong_region" {
		t.Errorf("key of another region: got %+v", got)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	if got := d.do(t, http.MethodGet, "/healthz", nil); got.status != http.StatusOK {
		t.Errorf("healthz: got %+v", got)
	}
	if got := d.do(t, http.MethodGet, "/readyz", nil); got.status != http.StatusOK || got.body != `{"ready":true}` {
		t.Errorf("readyz: got %+v", got)
	}
	if got := d.do(t, http.MethodHead, "/readyz", nil); got.status != http.StatusOK || got.body != "" {
		t.Errorf("HEAD readyz: got %+v", got)
	}
	for reason, err := range map[string]error{
		ingest.ErrFull.Error(): ingest.ErrFull, "not ready": errors.New("nats://user:secret@10.0.0.1 refused"),
	} {
		d.intake.setReady(err)
		got := d.do(t, http.MethodGet, "/readyz", nil)
		if got.status != http.StatusServiceUnavailable || got.body != `{"ready":false,"reason":"`+reason+`"}` {
			t.Errorf("readyz with %v: got %+v", err, got)
		}
		if got := d.do(t, http.MethodGet, "/healthz", nil); got.status != http.StatusOK {
			t.Errorf("healthz with %v: got %+v", err, got)
		}
	}
	d.intake.setReady(nil)
	d.handler.Stop()
	if got := d.do(t, http.MethodGet, "/readyz", nil); got.status != http.StatusServiceUnavailable {
		t.Errorf("readyz after Stop: got %+v", got)
	}
	if got := d.post(t, "/v1/track", aCall); got.status != http.StatusOK {
		t.Errorf("a call after Stop: got %+v", got)
	}
}
