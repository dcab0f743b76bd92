package federate_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
)

// Three loaders at work, one of which began first and commits last: its rows have the earliest uuid_ts of all, and are sent.
func TestSlowLoader(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(track(1, "Slow", `{"n":1}`), track(2, "Order Placed", `{"n":2}`))
	s.add("segment", s.url, federate.Settings{})
	hold, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback(context.WithoutCancel(t.Context()))
	pgtest.Exec(t, hold, `lock table `+shop+`.slow in share row exclusive mode`)

	o := options()
	o.Once = false
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.federator(o).Run(ctx) }()
	slow := make(chan error, 1)
	go func() { slow <- s.tryLoad(t.Context(), track(3, "Slow", `{"n":3}`)) }()
	eventually(t, "the slow loader waits", func() bool {
		return pgtest.Value[bool](t, s.pool, `select exists (select from pg_locks where relation = '`+shop+`.slow'::regclass and not granted)`)
	})
	var wg sync.WaitGroup
	errs := make(chan error, 20)
	for w := range 2 {
		wg.Go(func() {
			for i := range 5 {
				errs <- s.tryLoad(t.Context(), tracks(1000*(w+1)+10*i, 10)...)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "what the others loaded is sent", func() bool {
		kept, _, _ := s.sink.Counts()
		return kept == 102
	})
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-slow; err != nil {
		t.Fatal(err)
	}
	if !pgtest.Value[bool](t, s.pool, `select uuid_ts < (select max(uuid_ts) from `+shop+`._loads) from `+shop+`._loads order by seq desc limit 1`) {
		t.Error("the slow load is not an early one: this test proves nothing")
	}
	eventually(t, "the slow load is sent", func() bool { return s.sink.Messages()[id(3)] != nil })
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	s.complete()
}

// A destination that is down holds up neither loading nor another destination, and gets everything once it is up again.
func TestDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 10)...)
	good := newSink()
	s.add("good", s.serve(good), federate.Settings{})
	s.add("segment", s.url, federate.Settings{})
	var up atomic.Bool
	s.sink.Judge = func(*sink.Request) *sink.Answer {
		if up.Load() {
			return nil
		}
		return &sink.Answer{Status: 500, Body: "down " + writeKey}
	}
	o := options()
	o.Once = false
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.federator(o).Run(ctx) }()
	for i := range 10 {
		s.load(tracks(100*(i+1), 100)...)
		eventually(t, "the other destination has it", func() bool {
			kept, _, _ := good.Counts()
			return kept == 100*(i+1)+10
		})
	}
	eventually(t, "its status says so", func() bool {
		r := s.report("segment")
		return r.Destination.Status == federate.Retrying && r.Destination.LastError == "500 Internal Server Error: down ***" && r.Pending == 1010
	})
	up.Store(true)
	s.arrived(1010)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	s.complete()
	if r := s.report("segment"); r.Destination.Status != federate.Active || r.Destination.LastError != "" {
		t.Errorf("status %+v", r)
	}
}

// Only one of several processes sends to a destination.
func TestLease(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 10)...)
	s.add("segment", s.url, federate.Settings{})
	o := options()
	o.Once = false
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.federator(o).Run(ctx) }()
	s.arrived(10)
	other := options()
	other.Lease = 200 * time.Millisecond
	if err := s.federator(other).Run(t.Context()); !errors.Is(err, federate.ErrLeased) {
		t.Errorf("Run beside another = %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	s.run(other)
	if _, repeated, _ := s.sink.Counts(); repeated > 0 {
		t.Errorf("%d messages were sent twice", repeated)
	}
}

// A person pauses and resumes a destination while another process sends to it, and changes its settings.
func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 10)...)
	s.add("segment", s.url, federate.Settings{})
	o := options()
	o.Once = false
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.federator(o).Run(ctx) }()
	s.arrived(10)
	if err := federate.Pause(t.Context(), s.pool, "segment"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lease is given back", func() bool { return s.report("segment").Leased.IsZero() })
	s.load(tracks(10, 10)...)
	if r := s.report("segment"); r.Pending != 10 || r.PendingSince.IsZero() || r.Destination.Status != federate.Paused {
		t.Errorf("status %+v", r)
	}
	if err := federate.Resume(t.Context(), s.pool, "segment"); err != nil {
		t.Fatal(err)
	}
	s.arrived(20)
	// A change of the settings is noticed as well.
	d, err := federate.Get(t.Context(), s.pool, "segment")
	if err != nil {
		t.Fatal(err)
	}
	d.Settings.NotEvents = []string{"Order Placed"}
	if err := federate.Update(t.Context(), s.pool, *d, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "new settings hold", func() bool {
		s.load(track(int(100+s.report("segment").Seq), "Order Placed", `{}`))
		eventually(t, "all is looked at", func() bool { return s.report("segment").Pending == 0 })
		kept, _, _ := s.sink.Counts()
		return int64(kept) < pgtest.Value[int64](t, s.pool, `select count(*) from `+shop+`.order_placed`)
	})
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
}

func (s *site) arrived(n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%d messages arrive", n), func() bool {
		kept, _, _ := s.sink.Counts()
		return kept == n
	})
}
