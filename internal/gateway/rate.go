package gateway

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates is one token bucket a write key; a token is an event. There are as many buckets as keys that were once known.
type rates struct {
	perSecond float64
	burst     int
	buckets   sync.Map // KeyHash -> *rate.Limiter
}

// bucket returns the bucket of a known key, nil if there is no limit.
func (s *rates) bucket(key KeyHash) *rate.Limiter {
	if s.perSecond == 0 {
		return nil
	}
	if b, ok := s.buckets.Load(key); ok {
		return b.(*rate.Limiter)
	}
	b, _ := s.buckets.LoadOrStore(key, rate.NewLimiter(rate.Limit(s.perSecond), s.burst))
	return b.(*rate.Limiter)
}

// spent refuses a request, before its body is read, of a key that has not one event left.
func spent(b *rate.Limiter, now time.Time) *refusal {
	if b == nil || b.TokensAt(now) >= 1 {
		return nil
	}
	return limited(b, 1, now)
}

// spend takes n events from a bucket, all or none. What is returned gives them back if they are not kept; it may be nil.
func spend(b *rate.Limiter, n int, now time.Time) (*rate.Reservation, *refusal) {
	if b == nil {
		return nil, nil
	}
	if b.TokensAt(now) >= float64(n) {
		r := b.ReserveN(now, n)
		if r.OK() && r.DelayFrom(now) == 0 {
			return r, nil
		}
		r.CancelAt(now) // another request was faster
	}
	return nil, limited(b, n, now)
}

// limited says when there will be n events in the bucket.
func limited(b *rate.Limiter, n int, now time.Time) *refusal {
	seconds := (float64(n) - b.TokensAt(now)) / float64(b.Limit())
	return &refusal{
		status: http.StatusTooManyRequests, code: "rate_limited",
		message: fmt.Sprintf("this write key may send %g events a second", float64(b.Limit())),
		after:   time.Duration(math.Min(math.Max(seconds, 0), 300) * float64(time.Second)),
	}
}
