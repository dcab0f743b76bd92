package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// arrivals are the bodies that are being read. Once the server stops there is an end to their time, also for those whose
// client sends nothing just then.
type arrivals struct {
	mu      sync.Mutex
	reading map[*timely]struct{}
	end     time.Time // zero while the server goes on
}

// endBy makes every body end by a time.
func (a *arrivals) endBy(t time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end = t
	for b := range a.reading {
		_ = b.allow(b.next) // what cannot have a deadline has no connection either
	}
}

// before returns t, or the end if that is earlier. The lock is held.
func (a *arrivals) before(t time.Time) time.Time {
	if !a.end.IsZero() && t.After(a.end) {
		return a.end
	}
	return t
}

// rest gives a client that was refused some time to send the rest: the server reads it before the next request.
func (a *arrivals) rest(v *visit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = v.control.SetReadDeadline(a.before(time.Now().Add(v.h.cfg.BodyIdle)))
}

// ended reports whether bodies have no time any more.
func (a *arrivals) ended() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.end.IsZero() && !time.Now().Before(a.end)
}

// timely is the body of a request, of which something must arrive all the time.
type timely struct {
	visit *visit
	until time.Time // for all of it
	next  time.Time // for the piece that is waited for
}

// arrive returns the body of a visit. The caller calls left when it has read what it wants of it: from then on the
// connection's deadline is somebody else's.
func (a *arrivals) arrive(v *visit) *timely {
	t := &timely{visit: v, until: time.Now().Add(v.h.cfg.BodyTimeout)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reading == nil {
		a.reading = map[*timely]struct{}{}
	}
	a.reading[t] = struct{}{}
	return t
}

func (a *arrivals) left(t *timely) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.reading, t)
}

// allow sets until when the next piece may arrive. The lock of arrivals is held.
func (t *timely) allow(next time.Time) error {
	t.next = next
	if next.After(t.until) {
		next = t.until
	}
	err := t.visit.control.SetReadDeadline(t.visit.h.arrivals.before(next))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// Read implements io.Reader.
func (t *timely) Read(p []byte) (int, error) {
	a := &t.visit.h.arrivals
	a.mu.Lock()
	err := t.allow(time.Now().Add(t.visit.h.cfg.BodyIdle))
	a.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return t.visit.r.Body.Read(p)
}
