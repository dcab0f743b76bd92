package clevertap_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/schema"
)

// step is one answer of a script: the file for a cursor, the first time and from then on.
type step struct{ first, then string }

// script is an account that answers with files.
func script(t *testing.T, steps map[string]step) *clevertap.Client {
	t.Helper()
	var mu sync.Mutex
	asked := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cursor := r.URL.Query().Get("cursor")
		mu.Lock()
		asked[cursor]++
		file := steps[cursor].then
		if asked[cursor] == 1 && steps[cursor].first != "" {
			file = steps[cursor].first
		}
		mu.Unlock()
		if file == "http_429.json" {
			w.WriteHeader(http.StatusTooManyRequests)
		}
		if file == "truncated_body.json" {
			w.Header().Set("Content-Length", "1346")
		}
		_, _ = w.Write(clevertapfake.File(file))
	}))
	t.Cleanup(s.Close)
	return clientWith(t, clevertap.Options{
		Account: "A", Passcode: "p", Endpoint: s.URL, PollWait: time.Millisecond, MinWait: time.Millisecond, MaxWait: time.Millisecond,
	})
}

// TestAnswersOfTheContract reads pages as CleverTap's look.
func TestAnswersOfTheContract(t *testing.T) {
	t.Parallel()
	begin := map[string]step{"": {then: "step1_cursor.json"}}
	for name, test := range map[string]struct {
		steps           map[string]step
		records, unique int
		reasons         map[schema.Reason]int
		fails           string
	}{
		"pages": {steps: map[string]step{
			"CURSOR-1": {then: "page1.json"}, "CURSOR-2": {"http_429.json", "page2_empty_with_cursor.json"}, "CURSOR-3": {"http_502.html", "page3_last.json"},
		}, records: 8, unique: 8},
		"overlap": {steps: map[string]step{
			"CURSOR-1": {"truncated_body.json", "page1.json"}, "CURSOR-2": {"still_running.json", "page_overlap.json"}, "CURSOR-4": {"records_null.json", "page3_last.json"},
		}, records: 11, unique: 9},
		"twins":     {steps: map[string]step{"CURSOR-1": {"status_fail.json", "identical_twins.json"}}, records: 2, unique: 2},
		"odd times": {steps: map[string]step{"CURSOR-1": {"records_missing.json", "odd_ts.json"}}, records: 5, unique: 5},
		"odd properties": {steps: map[string]step{"CURSOR-1": {then: "odd_props.json"}}, records: 4, unique: 2, reasons: map[schema.Reason]int{
			schema.NoUserAnonID: 2,
		}},
		"large identity": {steps: map[string]step{"CURSOR-1": {then: "missing_identity_large_int.json"}}, records: 1, unique: 1},
		"loop":           {steps: map[string]step{"CURSOR-1": {then: "page1.json"}, "CURSOR-2": {then: "page_same_cursor.json"}}, fails: "cursor_loop"},
		"dead cursors":   {steps: map[string]step{"CURSOR-1": {then: "status_fail.json"}}, fails: "Invalid cursor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.steps[""] = begin[""]
			g := read(t, clevertap.NewSource(clevertap.SourceOptions{
				Client: script(t, test.steps), Location: india(t), Windows: []clevertap.Window{{Event: "App Launched", Day: day(20260115)}},
			}))
			if test.fails != "" {
				if len(g.failed) != 1 || !strings.Contains(g.failed[0].Error(), test.fails) || g.records > 0 {
					t.Fatalf("got %d records and %v, want an error with %q", g.records, g.failed, test.fails)
				}
				return
			}
			if test.reasons == nil {
				test.reasons = map[schema.Reason]int{}
			}
			if g.records != test.records || len(g.ids) != test.unique || len(g.failed) > 0 {
				t.Errorf("%d records, %d ids, %v; want %d and %d", g.records, len(g.ids), g.failed, test.records, test.unique)
			}
			if diff := cmp.Diff(test.reasons, g.reasons); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOverlong reads a record far over the limit of one event without holding it, and goes on behind it.
func TestOverlong(t *testing.T) {
	t.Parallel()
	p := population(t)
	first, _ := p.Days()
	want := len(p.Records("App Launched", first))
	bomb := `{"profile":{"objectId":"__x"},"ts":20260101000000,"event_props":{"a":"` + strings.Repeat("\\u0041", 1<<20) + `"}}`
	p.Add(clevertapfake.Record{Event: "App Launched", Day: first, Raw: []byte(bomb)})
	_, c := account(t, clevertapfake.Options{Population: p, PageSize: 3})
	g := read(t, clevertap.NewSource(clevertap.SourceOptions{
		Client: c, Location: india(t), Windows: []clevertap.Window{{Event: "App Launched", Day: day(first)}},
	}))
	if g.records != want+1 || g.reasons[schema.EventTooLarge] != 1 {
		t.Errorf("%d records, %v; want %d, one of them too large", g.records, g.reasons, want+1)
	}
}
