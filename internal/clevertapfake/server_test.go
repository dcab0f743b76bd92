package clevertapfake_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/clevertapfake"
)

func population(t *testing.T) *clevertapfake.Population {
	t.Helper()
	p, err := clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: 200, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// site is a server on the fifth of January 2026.
type site struct {
	t *testing.T
	*clevertapfake.Server
	url string
}

func newSite(t *testing.T, o clevertapfake.Options) *site {
	t.Helper()
	if o.Population == nil {
		o.Population = population(t)
	}
	o.Now = func() time.Time { return time.Date(2026, 1, 4, 20, 0, 0, 0, time.UTC) }
	s, err := clevertapfake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return &site{t, s, h.URL}
}

// ask makes a request and returns status and body.
func (s *site) ask(method, path, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-CleverTap-Account-Id", clevertapfake.DefaultAccount)
	req.Header.Set("X-CleverTap-Passcode", clevertapfake.DefaultPasscode)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func begin(event, from, to string) string {
	return fmt.Sprintf(`{"event_name":"%s","from":%s,"to":%s}`, event, from, to)
}

// TestStrict makes the requests that CleverTap refuses.
func TestStrict(t *testing.T) {
	t.Parallel()
	s := newSite(t, clevertapfake.Options{NotExportable: []string{"App Installed"}})
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"today":      {"POST", "/1/events.json?batch_size=5", begin("App Launched", "20260105", "20260105"), 200, `"cursor"`},
		"future":     {"POST", "/1/events.json", begin("App Launched", "20260106", "20260106"), 400, "in the future"},
		"dashes":     {"POST", "/1/events.json", begin("App Launched", `"2026-01-05"`, `"2026-01-05"`), 500, "Internal"},
		"other case": {"POST", "/1/events.json", begin("app launched", "20260105", "20260105"), 400, `["Invalid event : app launched"]`},
		"refused":    {"POST", "/1/events.json", begin("App Installed", "20260105", "20260105"), 400, "Export not allowed for this event"},
		"no cursor":  {"GET", "/1/events.json", "", 400, "Cursor missing"},
		"odd cursor": {"GET", "/1/events.json?cursor=x", "", 200, "Invalid cursor"},
		"schema":     {"GET", "/getSchema?type=events", "", 200, `"name":"App Launched"`},
	} {
		if status, body := s.ask(test.method, test.path, test.body); status != test.status || !strings.Contains(body, test.says) {
			t.Errorf("%s: %d %s, want %d and %q", name, status, body, test.status, test.says)
		}
	}
	resp, err := http.Get(s.url + "/getSchema?type=events") //nolint:noctx // a test
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a passcode: %v, %v", resp, err)
	}
	resp.Body.Close()
}

// TestCursors wants cursors as they came, or decoded once and encoded again; twice encoded they are refused.
func TestCursors(t *testing.T) {
	t.Parallel()
	s := newSite(t, clevertapfake.Options{PageSize: 3})
	_, body := s.ask("POST", "/1/events.json", begin("App Launched", "20260101", "20260101"))
	var first struct{ Cursor string }
	if err := json.Unmarshal([]byte(body), &first); err != nil || len(first.Cursor) < 1000 || !strings.Contains(first.Cursor, "%2") {
		t.Fatalf("%v: %s", err, body)
	}
	plain, err := url.QueryUnescape(first.Cursor)
	if err != nil {
		t.Fatal(err)
	}
	for _, cursor := range []string{first.Cursor, url.QueryEscape(plain)} {
		if status, body := s.ask("GET", "/1/events.json?cursor="+cursor, ""); status != 200 || !strings.Contains(body, `"records": [{`) {
			t.Errorf("%d %.200s", status, body)
		}
	}
	if status, _ := s.ask("GET", "/1/events.json?cursor="+url.QueryEscape(first.Cursor), ""); status != 400 || s.Stats().Doubled != 1 {
		t.Errorf("twice encoded: %d, %+v", status, s.Stats())
	}
}

// TestFourthRequest refuses it while three are under way.
func TestFourthRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t, clevertapfake.Options{Fault: clevertapfake.Hang, EveryRequest: true})
	client := &http.Client{}
	var wg sync.WaitGroup
	release := make(chan struct{})
	for i := range 3 {
		wg.Go(func() {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/1/events.json", strings.NewReader(begin("App Launched", fmt.Sprint(20260101+i), fmt.Sprint(20260101+i))))
			req.Header.Set("X-CleverTap-Account-Id", clevertapfake.DefaultAccount)
			req.Header.Set("X-CleverTap-Passcode", clevertapfake.DefaultPasscode)
			resp, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			<-release
			resp.Body.Close()
		})
	}
	for s.Stats().Faults < 3 {
		if t.Context().Err() != nil {
			t.Fatal("three requests are not under way")
		}
		time.Sleep(time.Millisecond)
	}
	status, body := s.ask("GET", "/getSchema?type=events", "")
	close(release)
	wg.Wait()
	if status != http.StatusTooManyRequests || body != string(clevertapfake.File("http_429.json")) || s.Stats().Refused != 1 {
		t.Errorf("%d %s, %+v", status, body, s.Stats())
	}
	client.CloseIdleConnections()
}

// TestPopulationIsFixed wants the same bytes each time, unique serials but for twins, and records as the API has them.
func TestPopulationIsFixed(t *testing.T) {
	t.Parallel()
	sum := func() string {
		h := sha256.New()
		p := population(t)
		seen := map[int64][]byte{}
		for _, event := range p.Events() {
			for _, r := range p.Records(event, 0) {
				fmt.Fprintf(h, "%s %d %s\n", event, r.Day, r.Raw)
				if before, ok := seen[r.Serial]; ok && string(before) != string(r.Raw) {
					t.Errorf("serial %d is of two records", r.Serial)
				}
				seen[r.Serial] = r.Raw
				var record struct {
					Profile struct{ ObjectID string }
					TS      int64
					Props   map[string]any `json:"event_props"`
				}
				if err := json.Unmarshal(r.Raw, &record); err != nil || record.Profile.ObjectID == "" || record.TS/1_000_000 != int64(r.Day) || record.Props["Serial"] == nil {
					t.Fatalf("%v: %s", err, r.Raw)
				}
			}
		}
		if int64(len(seen))+4 != p.Len() {
			t.Errorf("%d serials of %d records", len(seen), p.Len())
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	if a, b := sum(), sum(); a != b {
		t.Errorf("two populations of the same options differ: %s, %s", a, b)
	}
}
