package federate

import (
	"errors"
	"testing"
	"time"
)

// How long a lease is waited for has nothing to do with how long something failed before.
func TestAttempts(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := Options{GiveUp: 5 * time.Minute, Lease: time.Minute}
	broken := errors.New("Postgres is away")
	a := attempts{good: start}
	for _, step := range []struct {
		after time.Duration
		err   error
		want  bool
	}{
		{4 * time.Minute, broken, false},
		{4*time.Minute + time.Second, ErrLeased, false}, // the lease of the session that broke
		{5 * time.Minute, ErrLeased, false},
		{5*time.Minute + 30*time.Second, ErrLeased, false},
		{5*time.Minute + 32*time.Second, ErrLeased, true},
		{5*time.Minute + 33*time.Second, broken, true},
		{5*time.Minute + 34*time.Second, ErrLeased, false}, // counted anew
	} {
		if got := a.enough(step.err, start.Add(step.after), &o); got != step.want {
			t.Errorf("after %s and %v: %v", step.after, step.err, got)
		}
	}
}
