package clevertap_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/source/clevertap"
)

// TestFaults reads a whole account through each fault: no record is lost, none comes twice but where the API gave it twice,
// and the limits of the API are kept.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range append(clevertapfake.Faults(), clevertapfake.NoFault) {
		t.Run("fault "+string(fault), func(t *testing.T) {
			t.Parallel()
			s, c := account(t, clevertapfake.Options{Fault: fault, PageSize: 7, Pending: 1})
			if fault == clevertapfake.Hang || fault == clevertapfake.Everything {
				c = clientWith(t, clevertap.Options{
					Account: clevertapfake.DefaultAccount, Passcode: clevertapfake.DefaultPasscode, Endpoint: s.URL(),
					PollWait: time.Millisecond, MinWait: time.Millisecond, MaxWait: time.Millisecond, Timeout: 200 * time.Millisecond,
				})
			}
			p := population(t)
			src := clevertap.NewSource(clevertap.SourceOptions{Client: c, Windows: windows(t, p), Location: india(t), TempDir: t.TempDir()})
			g := read(t, src)
			g.want(t, p)
			if overlaps := fault == clevertapfake.Overlap || fault == clevertapfake.Everything; g.records > len(g.ids) && !overlaps {
				t.Errorf("%d records, %d of them twice: a part that is read again takes the place of the first", g.records, g.records-len(g.ids))
			}
			stats := s.Stats()
			if stats.Doubled > 0 {
				t.Errorf("%d cursors were encoded twice", stats.Doubled)
			}
			// A request that the client has given up may be under way at the server still.
			if stats.Refused > 0 && fault != clevertapfake.Hang && fault != clevertapfake.Everything {
				t.Errorf("%d requests were one too many at once", stats.Refused)
			}
			if fault != clevertapfake.NoFault && fault != clevertapfake.Overlap && stats.Faults == 0 {
				t.Error("nothing went wrong")
			}
		})
	}
}

// population is what account serves by default.
func population(t testing.TB) *clevertapfake.Population {
	t.Helper()
	p, err := clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: 600, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCursorLoopFailsTheWindow(t *testing.T) {
	t.Parallel()
	_, c := account(t, clevertapfake.Options{Fault: clevertapfake.CursorLoop, PageSize: 1})
	p := population(t)
	first, _ := p.Days()
	src := clevertap.NewSource(clevertap.SourceOptions{
		Client: c, Windows: []clevertap.Window{{Event: "App Launched", Day: day(first)}}, Location: india(t),
	})
	g := read(t, src)
	if len(g.failed) != 1 || !errors.Is(g.failed[0], clevertap.ErrCursorLoop) || g.records > 0 {
		t.Fatalf("got %d records, errors %v, want the one of a loop", g.records, g.failed)
	}
}

// TestServerIsAway gives up after some windows instead of trying each of them for as long as the patience lasts.
func TestServerIsAway(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write(clevertapfake.File("http_502.html"))
	}))
	t.Cleanup(s.Close)
	c := clientWith(t, clevertap.Options{
		Account: "A", Passcode: "p", Endpoint: s.URL, MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond, Patience: 30 * time.Millisecond,
	})
	src := clevertap.NewSource(clevertap.SourceOptions{
		Client: c, Location: india(t), Windows: clevertap.Windows([]string{"A", "B", "C", "D"}, day(20260101), day(20260131)),
	})
	g := read(t, src)
	// The third that is given up ends it, maybe before those that are yielded first.
	if n := len(g.failed); n < 1 || n > 6 || src.Err() == nil || !strings.Contains(src.Err().Error(), "given up after") {
		t.Errorf("%d windows failed, and %v ended it; want a few", len(g.failed), src.Err())
	}
}

// TestRedirect follows none: it would take the passcode to another host.
func TestRedirect(t *testing.T) {
	t.Parallel()
	var got atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	t.Cleanup(thief.Close)
	s := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	t.Cleanup(s.Close)
	c := clientWith(t, clevertap.Options{Account: "A", Passcode: "p", Endpoint: s.URL})
	g := read(t, clevertap.NewSource(clevertap.SourceOptions{
		Client: c, Location: india(t), Windows: []clevertap.Window{{Event: "A", Day: day(20260101)}},
	}))
	if len(g.failed) != 1 || got.Load() > 0 {
		t.Errorf("%v, and %d requests arrived elsewhere", g.failed, got.Load())
	}
}

// TestPasscodeIsShownNowhere prints a client's options in all ways, and an answer that has the passcode in it.
func TestPasscodeIsShownNowhere(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("what is " + r.Header.Get("X-CleverTap-Passcode") + "?"))
	}))
	t.Cleanup(s.Close)
	var log bytes.Buffer
	o := clevertap.Options{
		Account: "A", Passcode: "hunter2", Endpoint: s.URL, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	g := read(t, clevertap.NewSource(clevertap.SourceOptions{
		Client: clientWith(t, o), Location: india(t), Windows: []clevertap.Window{{Event: "A", Day: day(20260101)}},
	}))
	o.Logger.Info("options", "options", o, "passcode", o.Passcode)
	text, err := json.Marshal(map[string]any{"passcode": o.Passcode})
	if all := fmt.Sprintf("%v %+v %#v %s %v %s %v", o, o, o, text, err, log.String(), g.failed); strings.Contains(all, "hunter2") || !strings.Contains(all, "what is ***?") {
		t.Errorf("the passcode is shown, or the answer is not: %s", all)
	}
}
