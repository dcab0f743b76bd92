package jobs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/jobs"
	"github.com/tapline/tapline/internal/pgtest"
)

func TestRunIsNoted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := work{}
	run, err := s.runner("here").Once(t.Context(), &jobs.Job{Name: "a", Work: w.do}, jobs.Wait)
	if err != nil {
		t.Fatal(err)
	}
	h := s.history("a")
	if len(h) != 1 {
		t.Fatalf("history %+v", h)
	}
	got := h[0]
	if got.Outcome != jobs.Done || got.Counts["loaded"] != 2 || got.Host != "here" || got.Version != "test" || got.Attempt != 1 || got.Cause != jobs.ByHand ||
		got.Process == 0 || got.FinishedAt == nil || got.FinishedAt.Before(got.StartedAt) || *got.ExitCode != 0 {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(got, run); diff != "" {
		t.Errorf("what Once returns is not what is noted (-noted +returned):\n%s", diff)
	}
	if other := s.history("b"); len(other) != 0 {
		t.Errorf("job b has %+v", other)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, test := range []struct {
		name    string
		retries int
		timeout time.Duration
		work    *work
		want    []jobs.Outcome
	}{
		{"fails", 2, 0, &work{result: failing(1)}, []jobs.Outcome{jobs.Failed, jobs.Failed, jobs.Failed}},
		{"usage", 2, 0, &work{result: failing(64)}, []jobs.Outcome{jobs.Failed}},
		{"none", 0, 0, &work{result: failing(1)}, []jobs.Outcome{jobs.Failed}},
		{"slow", 1, 20 * time.Millisecond, &work{hold: make(chan struct{})}, []jobs.Outcome{jobs.TimedOut, jobs.TimedOut}},
		{"finds", 2, 0, &work{result: func(int32) jobs.Result { return jobs.Result{Outcome: jobs.Found, ExitCode: 2} }}, []jobs.Outcome{jobs.Found}},
		{"second", 5, 0, &work{result: func(n int32) jobs.Result {
			if n == 1 {
				return jobs.Result{Outcome: jobs.Failed, ExitCode: 1}
			}
			return jobs.Result{Outcome: jobs.Quarantined, ExitCode: 3}
		}}, []jobs.Outcome{jobs.Failed, jobs.Quarantined}},
	} {
		job := &jobs.Job{Name: test.name, Retries: test.retries, Timeout: test.timeout, Work: test.work.do}
		run, err := s.runner("h").Once(t.Context(), job, jobs.Wait)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, s.outcomes(test.name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if last := test.want[len(test.want)-1]; run.Outcome != last || run.Attempt != len(test.want) {
			t.Errorf("%s: Once returns %+v", test.name, run)
		}
		for i, r := range s.history(test.name) {
			if r.Run != run.Run || r.Attempt != i+1 || strings.Contains(r.Error, "\x00") || !utf8.ValidString(r.Error) {
				t.Errorf("%s: attempt %d is %+v", test.name, i, r)
			}
		}
	}
	lasts := 0
	for _, last := range s.last {
		if last {
			lasts++
		}
	}
	if lasts != 6 || len(s.ended) != 10 {
		t.Errorf("%d attempts were told, %d as the last of their run", len(s.ended), lasts)
	}
}

// Of several runs of a job one works at a time; the others wait, or do not run and say because of whom.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := work{hold: make(chan struct{})}
	job := &jobs.Job{Name: "a", Work: w.do}
	results := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := s.runner("first").Once(t.Context(), job, jobs.Wait)
			results <- err
		}()
	}
	s.until("one works", func() bool { return w.running.Load() == 1 })
	run, err := s.runner("second").Once(t.Context(), job, jobs.Skip)
	if err != nil || run.Outcome != jobs.Skipped || !strings.Contains(run.Error, "another run is at work on first (process ") {
		t.Errorf("skip: %+v, %v", run, err)
	}
	var busy *jobs.BusyError
	if run, err := s.runner("third").Once(t.Context(), job, jobs.Fail); !errors.As(err, &busy) || busy.By == nil || busy.By.Host != "first" || run.Outcome != jobs.Failed {
		t.Errorf("fail: %+v, %v", run, err)
	}
	other := work{}
	if run, err := s.runner("h").Once(t.Context(), &jobs.Job{Name: "b", Work: other.do}, jobs.Fail); err != nil || run.Outcome != jobs.Done {
		t.Errorf("another job: %+v, %v", run, err)
	}
	waiting, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.runner("h").Once(waiting, job, jobs.Wait); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting was not given up: %v", err)
	}
	close(w.hold)
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if w.most.Load() != 1 || w.started.Load() != 3 {
		t.Errorf("%d ran at once, %d in all", w.most.Load(), w.started.Load())
	}
}

// A run whose lock is gone ends at once, and says so; so does one of which Postgres is told by nobody any more.
func TestLockLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*site, *pgtest.Proxy){
		"session ended": func(s *site, _ *pgtest.Proxy) {
			pgtest.Exec(s.t, s.pool, "select pg_terminate_backend(backend) from tapline.job_runs where outcome = 'running'")
		},
		"network cut": func(_ *site, p *pgtest.Proxy) { p.CutAll() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := pgtest.NewProxy(t, pgtest.Server(t))
			s := newSiteAt(t, pgtest.PoolAt(t, proxy.DSN(t, pgtest.Database(t))))
			w := work{hold: make(chan struct{})}
			done := make(chan jobs.Run, 1)
			go func() {
				run, err := s.runner("h").Once(t.Context(), &jobs.Job{Name: "a", Retries: 3, Work: w.do}, jobs.Wait)
				if err != nil {
					t.Error(err)
				}
				done <- run
			}()
			s.until("it works", func() bool { return w.running.Load() == 1 && len(s.outcomes("a")) == 1 })
			lose(s, proxy)
			run := <-done
			if run.Outcome != jobs.Lost || !strings.Contains(run.Error, "was lost") || w.started.Load() != 1 {
				t.Errorf("got %+v after %d attempts", run, w.started.Load())
			}
			s.until("the end is noted", func() bool {
				h, err := jobs.History(t.Context(), s.pool, "a", 1)
				return err == nil && h[0].Outcome == jobs.Lost && h[0].FinishedAt != nil
			})
		})
	}
}

// A run whose process is gone is shown as lost at once, and the next run notes it.
func TestLostIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pgtest.Exec(t, s.pool, `insert into tapline.job_runs (job, cause, run, attempt, outcome, host, process, backend, version)
		values ('a', 'hand', gen_random_uuid(), 1, 'running', 'gone', 1, 2147483647, 'test')`)
	if got := s.outcomes("a"); len(got) != 1 || got[0] != jobs.Lost {
		t.Fatalf("shown as %v", got)
	}
	last, err := jobs.Last(t.Context(), s.pool)
	if err != nil || last["a"].Outcome != jobs.Lost {
		t.Errorf("last %+v, %v", last, err)
	}
	w := work{}
	if _, err := s.runner("h").Once(t.Context(), &jobs.Job{Name: "a", Work: w.do}, jobs.Wait); err != nil {
		t.Fatal(err)
	}
	if n := pgtest.Value[int64](t, s.pool, "select count(*) from tapline.job_runs where outcome = 'lost' and finished_at is not null"); n != 1 {
		t.Errorf("%d rows are noted as lost", n)
	}
	if len(s.ended) != 2 || s.ended[0].Outcome != jobs.Lost || !s.last[0] {
		t.Errorf("told %+v", s.ended)
	}
}

func TestNotSetUp(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	if _, err := jobs.History(t.Context(), pool, "", 1); !errors.Is(err, jobs.ErrNotSetUp) {
		t.Errorf("history: %v", err)
	}
	w := work{}
	r := jobs.New(pool, jobs.Options{})
	if _, err := r.Once(t.Context(), &jobs.Job{Name: "a", Work: w.do}, jobs.Wait); !errors.Is(err, jobs.ErrNotSetUp) || w.started.Load() != 0 {
		t.Errorf("once: %v", err)
	}
	if err := jobs.NewDaemon(r, []jobs.Job{{Name: "a", Schedule: every(t, "@daily"), Work: w.do}}).Run(t.Context()); !errors.Is(err, jobs.ErrNotSetUp) {
		t.Errorf("daemon: %v", err)
	}
}
