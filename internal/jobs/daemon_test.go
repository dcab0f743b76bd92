package jobs_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/jobs"
	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// Two daemons have the same job: each time it is due it is run by one of them.
func TestTwoDaemons(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := work{}
	job := jobs.Job{Name: "a", Schedule: every(t, "@every 1s"), CatchUp: true, Work: w.do}
	stops := []func(){s.start("one", job), s.start("two", job)}
	s.until("it ran four times", func() bool { return len(s.history("a")) >= 4 })
	for _, stop := range stops {
		stop()
	}
	seen := map[time.Time]bool{}
	for _, r := range s.history("a") {
		if r.ScheduledFor == nil || seen[*r.ScheduledFor] || r.Outcome != jobs.Done || r.StartedAt.Before(*r.ScheduledFor) {
			t.Errorf("run %+v", r)
			continue
		}
		seen[*r.ScheduledFor] = true
	}
	if int(w.started.Load()) != len(s.history("a")) || w.most.Load() != 1 {
		t.Errorf("%d runs, %d are noted, %d at once", w.started.Load(), len(s.history("a")), w.most.Load())
	}
}

// yearly is a job that was due twice since it was looked at last.
func (s *site) yearly(w *work) jobs.Job {
	s.t.Helper()
	job := jobs.Job{Name: "a", Schedule: every(s.t, "0 0 1 1 *"), CatchUp: true, Work: w.do}
	pgtest.Exec(s.t, s.pool, `insert into tapline.jobs (name, schedule, scheduled_for)
		values ('a', $1, date_trunc('year', now()) - interval '18 months')`, job.Schedule.String())
	return job
}

func TestCatchUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := work{}
	job := s.yearly(&w)
	second := work{}
	for range 2 {
		stop := s.start("h", job, jobs.Job{Name: "b", Schedule: every(t, "@every 1s"), Work: second.do})
		n := second.started.Load()
		s.until("the other job ran twice more", func() bool { return second.started.Load() >= n+2 })
		stop()
	}
	h := s.history("a")
	if len(h) != 1 || h[0].Cause != jobs.CatchUp || h[0].Missed != 1 || h[0].ScheduledFor.UTC().Format(time.DateOnly)[4:] != "-01-01" {
		t.Errorf("history %+v", h)
	}
}

func TestNoCatchUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := work{}
	job := s.yearly(&w)
	job.CatchUp = false
	s.start("h", job)
	s.until("it is noted", func() bool { return len(s.history("a")) == 1 })
	if h := s.history("a"); h[0].Outcome != jobs.Skipped || w.started.Load() != 0 {
		t.Errorf("history %+v", h)
	}
}

// A job that is new, or has a new schedule, has missed nothing.
func TestNewSchedule(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w, other := work{}, work{}
	job := s.yearly(&w)
	job.Schedule = every(t, "0 0 2 1 *")
	s.start("h", job, jobs.Job{Name: "new", Schedule: every(t, "0 0 1 1 *"), CatchUp: true, Work: w.do},
		jobs.Job{Name: "b", Schedule: every(t, "@every 1s"), Work: other.do})
	s.until("another job ran", func() bool { return other.started.Load() >= 2 })
	if w.started.Load() != 0 {
		t.Errorf("history %+v", s.history(""))
	}
}

// What is due while another run is at work waits, is skipped, or fails.
func TestOverlaps(t *testing.T) {
	t.Parallel()
	for overlap, want := range map[jobs.Overlap][]jobs.Outcome{
		jobs.Wait: {jobs.Running}, jobs.Skip: {jobs.Running, jobs.Skipped}, jobs.Fail: {jobs.Running, jobs.Failed},
	} {
		t.Run(string(overlap), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			w := work{hold: make(chan struct{})}
			byHand := make(chan error, 1)
			go func() {
				_, err := s.runner("hand").Once(t.Context(), &jobs.Job{Name: "a", Work: w.do}, jobs.Wait)
				byHand <- err
			}()
			s.until("it works", func() bool { return w.running.Load() == 1 && len(s.history("a")) == 1 })
			job := s.yearly(&w)
			job.Overlap, job.Retries = overlap, 5
			other := work{}
			s.start("h", job, jobs.Job{Name: "b", Schedule: every(t, "@every 1s"), Work: other.do})
			s.until("the daemon looked", func() bool { return other.started.Load() >= 2 && len(s.history("a")) == len(want) })
			if diff := cmp.Diff(want, s.outcomes("a")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			close(w.hold)
			if err := <-byHand; err != nil {
				t.Error(err)
			}
			n := other.started.Load()
			s.until("the daemon looked again", func() bool { return other.started.Load() >= n+2 })
			ran := 1
			if overlap == jobs.Wait {
				ran = 2
				s.until("it ran after that", func() bool { return w.started.Load() == 2 })
			}
			if int(w.started.Load()) != ran {
				t.Errorf("%d runs, want %d", w.started.Load(), ran)
			}
		})
	}
}

// A daemon that stops notes its runs as interrupted; the next goes on with them, and that is no failed attempt.
func TestInterruptedIsResumed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := work{hold: make(chan struct{})}
	job := s.yearly(&w)
	for n := range int32(2) {
		stop := s.start("h", job)
		s.until("it works", func() bool { return w.started.Load() == n+1 && len(s.history("a")) == int(n+1) })
		stop()
	}
	close(w.hold)
	s.start("h", job)
	s.until("it is done", func() bool { return slices.Contains(s.outcomes("a"), jobs.Done) })
	h := s.history("a")
	if diff := cmp.Diff([]jobs.Outcome{jobs.Interrupted, jobs.Interrupted, jobs.Done}, s.outcomes("a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if h[2].Run != h[0].Run || h[2].Attempt != 3 || h[2].Cause != jobs.Resume || !h[2].ScheduledFor.Equal(*h[0].ScheduledFor) {
		t.Errorf("history %+v", h)
	}
}

// A run whose lock is lost is gone on with, by whoever gets the lock, as often as it may be tried.
func TestLostIsResumed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := work{hold: make(chan struct{})}
	job := s.yearly(&w)
	job.Retries = 1
	s.start("one", job)
	s.start("two", job)
	for n := range 2 {
		s.until("it works", func() bool {
			return int(w.started.Load()) == n+1 && w.running.Load() == 1 && len(s.history("a")) == n+1
		})
		pgtest.Exec(t, s.pool, "select pg_terminate_backend(backend) from tapline.job_runs where outcome = 'running'")
		s.until("it ended", func() bool { return s.outcomes("a")[n] == jobs.Lost })
	}
	s.until("nothing works", func() bool { return w.running.Load() == 0 })
	other := work{}
	s.start("three", jobs.Job{Name: "b", Schedule: every(t, "@every 1s"), Work: other.do})
	s.until("daemons looked", func() bool { return other.started.Load() >= 2 })
	if w.started.Load() != 2 {
		t.Errorf("history %+v", s.history("a"))
	}
}

// A job that runs always is run by one daemon, and by the other when that one ends; failures do not end it.
func TestAlways(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := work{hold: make(chan struct{})}
	var fails atomic.Bool
	noted := func(ctx context.Context, a jobs.Attempt) jobs.Result {
		a.Note(map[string]int64{"loaded": 3})
		a.Note(map[string]int64{"loaded": 4})
		if fails.CompareAndSwap(true, false) {
			return jobs.Result{Outcome: jobs.Failed, ExitCode: 1}
		}
		return w.do(ctx, a)
	}
	job := jobs.Job{Name: "a", Always: true, Backoff: time.Millisecond, Work: noted}
	fails.Store(true)
	stop := s.start("one", job)
	s.until("it works", func() bool { return w.running.Load() == 1 && len(s.history("a")) == 2 })
	s.start("two", job)
	stop()
	s.until("the other one works", func() bool { return w.running.Load() == 1 && len(s.history("a")) == 3 })
	if diff := cmp.Diff([]jobs.Outcome{jobs.Failed, jobs.Interrupted, jobs.Running}, s.outcomes("a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if h := s.history("a"); h[2].Host != "two" || h[2].Counts["loaded"] != 7 || w.most.Load() != 1 {
		t.Errorf("history %+v", h)
	}
}

// Jitter makes a start later, but not that of what is late; a job that is due more often than it is long runs all the same.
func TestJitter(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	far, late, near, other := work{}, work{}, work{}, work{}
	old := s.yearly(&late)
	old.Jitter = time.Hour
	s.start("h", old,
		jobs.Job{Name: "far", Schedule: every(t, "@every 1s"), Jitter: 1000 * time.Hour, Work: far.do},
		jobs.Job{Name: "near", Schedule: every(t, "@every 1s"), Jitter: 3 * time.Second, Work: near.do},
		jobs.Job{Name: "other", Schedule: every(t, "@every 1s"), Work: other.do})
	s.until("the others ran", func() bool { return late.started.Load() == 1 && near.started.Load() >= 2 && other.started.Load() >= 3 })
	if far.started.Load() != 0 {
		t.Errorf("it ran without jitter")
	}
}

// Runs on a schedule have to wait for each other if there are too many, but not for one that only waits to be tried again.
func TestParallel(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.parallel = 1
	fails, w := work{result: failing(1)}, work{hold: make(chan struct{})}
	failed := jobs.Job{Name: "fails", Schedule: every(t, "@every 1s"), Retries: 1, Backoff: time.Hour, Work: fails.do}
	others := []jobs.Job{failed}
	for _, name := range []string{"b", "c"} {
		others = append(others, jobs.Job{Name: name, Schedule: every(t, "@every 1s"), Work: w.do})
	}
	stop := s.start("h", failed)
	s.until("it failed", func() bool { return len(s.outcomes("fails")) == 1 && s.outcomes("fails")[0] == jobs.Failed })
	stop()
	s.start("h", others...)
	s.until("another one works", func() bool { return w.running.Load() == 1 })
	close(w.hold)
	s.until("both ran", func() bool { return len(s.history("b")) > 1 && len(s.history("c")) > 1 })
	if w.most.Load() != 1 {
		t.Errorf("%d ran at once", w.most.Load())
	}
}

// A server that crashes ends what runs, and the daemon goes on when it is back.
func TestServerCrashes(t *testing.T) {
	t.Parallel()
	c := pgtest.NewServer(t, nil)
	proxy := pgtest.NewProxy(t, c)
	s := newSiteAt(t, pgtest.PoolAt(t, proxy.DSN(t, localpg.Database)))
	w := work{hold: make(chan struct{})}
	job := s.yearly(&w)
	job.Retries = 1
	s.start("h", job)
	s.until("it works", func() bool { return w.running.Load() == 1 })
	if err := c.Stop(t.Context(), localpg.Immediate); err != nil {
		t.Fatal(err)
	}
	s.until("the run ended", func() bool { return w.running.Load() == 0 })
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(w.hold)
	s.until("it is done", func() bool {
		h, err := jobs.History(t.Context(), s.pool, "a", 1)
		return err == nil && len(h) == 1 && h[0].Outcome == jobs.Done
	})
	if diff := cmp.Diff([]jobs.Outcome{jobs.Lost, jobs.Done}, s.outcomes("a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
