package clevertap_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/schema"
)

// TestLargeAnswer reads an answer of 160 MB: it is never in memory.
func TestLargeAnswer(t *testing.T) {
	const pieces, each = 160, 1000
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			fmt.Fprint(w, `{"status":"success","cursor":"a"}`)
			return
		}
		fmt.Fprint(w, `{"status":"success","records":[`)
		var b strings.Builder
		for i := range each {
			fmt.Fprintf(&b, `{"profile":{"objectId":"__%d"},"ts":20260115100000,"event_props":{"text":"%s"}},`, i, strings.Repeat("x", 900))
		}
		for range pieces - 1 {
			fmt.Fprint(w, b.String())
		}
		fmt.Fprint(w, strings.TrimSuffix(b.String(), ","), "]}")
	}))
	t.Cleanup(s.Close)
	c := clientWith(t, clevertap.Options{Account: "A", Passcode: "p", Endpoint: s.URL})
	var most atomic.Uint64
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for tick := time.NewTicker(2 * time.Millisecond); ; {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	src := clevertap.NewSource(clevertap.SourceOptions{
		Client: c, Location: india(t), TempDir: t.TempDir(), Windows: []clevertap.Window{{Event: "App Launched", Day: day(20260115)}},
	})
	records := 0
	for u, err := range src.Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := u.Open(t.Context(), schema.NewPaths(0))
		if err != nil {
			t.Fatal(err)
		}
		var ev schema.Event
		for r.Next(&ev) == nil {
			records++
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	<-watched
	if records != pieces*each {
		t.Errorf("%d records, want %d", records, pieces*each)
	}
	if most.Load() > 64<<20 {
		t.Errorf("%d MiB of memory at most, want less than 64", most.Load()>>20)
	}
	t.Logf("%d MiB at most", most.Load()>>20)
}
