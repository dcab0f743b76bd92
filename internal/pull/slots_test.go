package pull_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/pull"
	"github.com/tapline/tapline/internal/source/clevertap"
)

// crowd counts the requests that are under way at a server, and holds the first ones back.
type crowd struct {
	http.Handler
	hold chan struct{} // closed when no request is to wait any more

	mu        sync.Mutex
	now, most int
}

// ServeHTTP implements http.Handler.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	<-c.hold
	c.Handler.ServeHTTP(w, r)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
}

func (c *crowd) atMost() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

// TestOneAccountTwoPulls: two pulls of one account at the same time, into two sources, have three requests under way together, and
// both are done.
func TestOneAccountTwoPulls(t *testing.T) {
	t.Parallel()
	s := newSite(t, 200, clevertapfake.Options{PageSize: 10})
	c := &crowd{Handler: s.server, hold: make(chan struct{})}
	door := httptest.NewServer(c)
	t.Cleanup(door.Close)
	s.API.Endpoint, s.Only, s.Events = door.URL, true, []string{"App Launched", "Notification Sent", "UTM Visited"}
	var pulls sync.WaitGroup
	for _, name := range []string{sourceName, "Other"} {
		o := s.Options
		o.Loader.Source = name
		pulls.Go(func() {
			if _, err := pull.Pull(t.Context(), o); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	for waiting := 0; (waiting == 0 || c.atMost() < clevertap.MaxRequests) && c.atMost() <= clevertap.MaxRequests; runtime.Gosched() {
		s.scan(`select count(*)::int from pg_catalog.pg_locks where locktype = 'advisory' and not granted and database =
			(select oid from pg_catalog.pg_database where datname = current_database())`, &waiting)
	}
	close(c.hold)
	pulls.Wait()
	if most := c.atMost(); most != clevertap.MaxRequests {
		t.Errorf("%d requests at once, want %d", most, clevertap.MaxRequests)
	}
	for _, name := range []string{schemaName, "other"} {
		want := len(s.people.Records("App Launched", 0))
		s.scanInto(func(n int) {
			if n != want {
				t.Errorf("%s: %d rows, want %d", name, n, want)
			}
		}, "select count(*)::int from "+name+".app_launched")
	}
}
