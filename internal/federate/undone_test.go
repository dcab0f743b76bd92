package federate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
)

// A large load is undone while the cursor stands in it: of the load after it nothing counts as sent.
func TestUndoneWithin(t *testing.T) {
	t.Parallel()
	for name, undo := range map[string]string{
		"undone": `update ` + shop + `._loads set status = 'undone' where seq = 2`,
		"pruned": `delete from ` + shop + `._loads where seq = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.load(tracks(0, 5)...)
			s.load(tracks(5000, 1000)...)
			s.load(tracks(5, 300)...) // ids before those of the cursor
			s.add("segment", s.url, federate.Settings{})
			stopped := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			o := options()
			o.PieceRows = 400
			o.Progress = func(p federate.Progress) {
				if p.Sent == 405 {
					cancel()
					close(stopped)
				}
			}
			if err := s.federator(o).Run(ctx); err != nil {
				t.Fatal(err)
			}
			<-stopped
			if got := pgtest.Query(t, s.pool, `select seq, table_name, row_id, part_rows from tapline.cursors`); len(got) != 1 ||
				got[0][0] != int64(1) || got[0][1] != "order_placed" || got[0][2] != id(5399) || got[0][3] != int64(400) {
				t.Fatalf("the cursor stands at %v: this test proves nothing", got)
			}
			pgtest.Exec(t, s.pool, undo)
			pgtest.Exec(t, s.pool, `delete from `+shop+`.order_placed where id >= $1`, id(5000))
			o.Progress = nil
			s.run(o)
			got := s.sink.Messages()
			for _, messageID := range s.want() {
				if got[messageID] == nil {
					t.Fatalf("row %s was never sent", messageID)
				}
			}
		})
	}
}

// What a filter leaves out is counted, whether it was read or not; delivered, filtered and undelivered make all rows.
func TestFilteredIsCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(append(tracks(0, 30), track(100, "Other", `{}`), track(101, "Other", `{}`))...)
	s.load(append(tracks(200, 900), track(102, "Other", `{}`))...)
	s.add("segment", s.url, federate.Settings{NotEvents: []string{"Other"}})
	s.add("all", s.serve(newSink()), federate.Settings{})
	o := options()
	o.PieceRows = 400 // the second load takes several parts
	s.run(o)
	if r := s.report("segment"); r.Delivered != 930 || r.Filtered != 3 {
		t.Errorf("delivered %d, filtered %d, want 930 and 3", r.Delivered, r.Filtered)
	}
	if r := s.report("all"); r.Delivered != 933 || r.Filtered != 0 {
		t.Errorf("delivered %d, filtered %d, want 933 and 0", r.Delivered, r.Filtered)
	}
}

// What was refused and arrives in a replay is undelivered no more; what is refused again stays.
func TestReplayDelivers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	bad := map[string]bool{id(3): true, id(7): true}
	s.sink.Set(func(r *sink.Request) *sink.Answer {
		for _, m := range r.Messages {
			if bad[m.ID] {
				return &sink.Answer{Status: 400, Body: "no"}
			}
		}
		return nil
	})
	s.load(tracks(0, 20)...)
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	if r := s.report("segment"); r.Undelivered["rejected"] != 2 {
		t.Fatalf("status %+v", r)
	}
	delete(bad, id(3))
	o := options()
	o.From = at("2026-01-01T00:00:00Z")
	s.run(o)
	r := s.report("segment")
	if diff := cmp.Diff(map[string]int64{"rejected": 1}, r.Undelivered); diff != "" || r.Sample == nil || r.Sample.MessageID != id(7) {
		t.Errorf("after the replay (-want +got):\n%s", diff)
	}
}

// A person pauses a destination while it gets a replay: that ends.
func TestPauseEndsReplay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.sink.Judge = func(*sink.Request) *sink.Answer { return &sink.Answer{Status: 503} }
	s.load(tracks(0, 20)...)
	s.add("segment", s.url, federate.Settings{})
	o := options()
	o.From, o.Lease = at("2026-01-01T00:00:00Z"), 40*time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- s.federator(o).Run(t.Context()) }()
	eventually(t, "it is sent", func() bool { _, _, requests := s.sink.Counts(); return requests > 2 })
	if err := federate.Pause(t.Context(), s.pool, "segment"); err != nil {
		t.Fatal(err)
	}
	var paused *federate.PausedError
	if err := <-ended; !errors.As(err, &paused) {
		t.Errorf("Run = %v", err)
	}
}

// A destination that has refused all of the few messages that it ever got is paused as well: its key may be wrong.
func TestRefusesTheFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.sink.Judge = func(*sink.Request) *sink.Answer { return &sink.Answer{Status: 400, Body: "no"} }
	s.load(tracks(0, 12)...)
	s.add("segment", s.url, federate.Settings{})
	err := s.federator(options()).Run(t.Context())
	var paused *federate.PausedError
	if !errors.As(err, &paused) || !strings.Contains(paused.Reason, "refused 12 messages and never taken one") {
		t.Errorf("Run = %v", err)
	}
	if r := s.report("segment"); r.Pending != 12 || len(r.Undelivered) > 0 || r.Destination.Status != federate.Paused {
		t.Errorf("status %+v", r)
	}
	// Once it has taken some, it is the messages that are wrong.
	s.sink.Set(nil)
	if err := federate.Resume(t.Context(), s.pool, "segment"); err != nil {
		t.Fatal(err)
	}
	s.run(options())
	s.complete()
	s.sink.Set(func(*sink.Request) *sink.Answer { return &sink.Answer{Status: 400, Body: "no"} })
	s.load(tracks(12, 12)...)
	s.run(options())
	if r := s.report("segment"); r.Pending != 0 || r.Undelivered["rejected"] != 12 {
		t.Errorf("status %+v", r)
	}
}

// Destinations that are named are kept to; one that is removed later takes none of the others with it.
func TestRemovedWhileRunning(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 3)...)
	gone := newSink()
	s.add("gone", s.serve(gone), federate.Settings{})
	s.add("segment", s.url, federate.Settings{})
	o := options()
	o.Once, o.Destinations = false, []string{"segment", "gone"}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.federator(o).Run(ctx) }()
	eventually(t, "both have all", func() bool {
		a, _, _ := s.sink.Counts()
		b, _, _ := gone.Counts()
		return a == 3 && b == 3
	})
	if err := federate.Remove(t.Context(), s.pool, "gone"); err != nil {
		t.Fatal(err)
	}
	s.load(tracks(3, 3)...)
	s.arrived(6)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	if err := s.federator(o).Run(t.Context()); !errors.Is(err, federate.ErrNotFound) {
		t.Errorf("Run with a name that is not there = %v", err)
	}
}

// Run waits for a database to be set up, and takes up destinations as they come.
func TestRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	o := options() // that it says Once does not matter
	go func() { ended <- federate.Run(ctx, s.pool, o) }()
	s.load(tracks(0, 3)...)
	s.add("segment", s.url, federate.Settings{})
	eventually(t, "all is noted as sent", func() bool { return s.report("segment").Delivered == 3 })
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	// The latency stays known when there is nothing to send.
	if r := s.report("segment"); r.LatencyP95 <= 0 {
		t.Errorf("status %+v", r)
	}
	s.load(track(9, "Left Out", `{}`))
	pgtest.Exec(t, s.pool, `update tapline.destinations set settings = settings || '{"not_events":["Left Out"]}'`)
	s.run(o)
	if r := s.report("segment"); r.LatencyP95 <= 0 || r.Filtered != 1 {
		t.Errorf("status %+v", r)
	}
}
