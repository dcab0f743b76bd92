package federate

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/analytics-go/v3"
)

type panics struct{}

func (panics) RoundTrip(*http.Request) (*http.Response, error) { panic("in the client") }

// A panic within the client is recovered there and nobody is told: what it had counts as not sent, and whoever waits for
// room is woken.
func TestSilentClient(t *testing.T) {
	t.Parallel()
	var aborted error
	w := newWaiting(1, func(err error) { aborted = err })
	client, err := analytics.NewWithConfig("key", analytics.Config{Transport: panics{}, Callback: w, Logger: silent{}, BatchSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	go w.watch(t.Context(), 10*time.Millisecond, func() bool { return false })
	n := 0
	for err == nil {
		id := uuid.NewString()
		if err = w.add(t.Context(), entry{size: 100}, id); err == nil {
			n++
			err = client.Enqueue(analytics.Track{MessageId: id, UserId: "u", Event: "e"})
		}
	}
	if !errors.Is(err, errSilent) || n < 100 {
		t.Errorf("after %d messages: %v", n, err)
	}
	if !errors.Is(aborted, errSilent) {
		t.Errorf("the session is ended for %v", aborted)
	}
	if err := closeClient(t.Context(), client); err != nil {
		t.Errorf("close: %v", err)
	}
	quiet := newWaiting(1, func(error) {})
	if err := quiet.add(t.Context(), entry{}, "x"); err != nil {
		t.Fatal(err)
	}
	if err := quiet.result(); err == nil || !strings.Contains(err.Error(), "not answered for 1") {
		t.Errorf("result with an open message: %v", err)
	}
}
