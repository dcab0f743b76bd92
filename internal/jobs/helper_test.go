package jobs_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/jobs"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/schedule"
	"github.com/tapline/tapline/migrations"
)

// site is a database of a test and what ran in it.
type site struct {
	t        *testing.T
	pool     *pgxpool.Pool
	parallel int // of daemons; 0 for the default

	mu    sync.Mutex
	ended []jobs.Run
	last  []bool
}

func newSite(t *testing.T) *site { return newSiteAt(t, pgtest.Pool(t)) }

func newSiteAt(t *testing.T, pool *pgxpool.Pool) *site {
	t.Helper()
	if err := migrations.Control(t.Context(), pool.Config().ConnConfig, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	return &site{t: t, pool: pool}
}

// runner looks often, so that tests need not wait.
func (s *site) runner(host string) *jobs.Runner {
	return jobs.New(s.pool, jobs.Options{
		Parallel: s.parallel, Version: "test", Host: host, Beat: 50 * time.Millisecond, Poll: 50 * time.Millisecond,
		Ended: func(r jobs.Run, last bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended, s.last = append(s.ended, r), append(s.last, last)
		},
	})
}

// start runs a daemon until the returned function is called, or the test ends.
func (s *site) start(host string, all ...jobs.Job) (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	d := jobs.NewDaemon(s.runner(host), all)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("daemon: %v", err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

// history returns the attempts of a job, the oldest first.
func (s *site) history(job string) []jobs.Run {
	s.t.Helper()
	all, err := jobs.History(s.t.Context(), s.pool, job, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	out := make([]jobs.Run, 0, len(all))
	for i := range all {
		out = append(out, all[len(all)-1-i])
	}
	return out
}

// outcomes are those of history.
func (s *site) outcomes(job string) (out []jobs.Outcome) {
	s.t.Helper()
	for _, r := range s.history(job) {
		out = append(out, r.Outcome)
	}
	return out
}

// until polls: nothing tells a test what a daemon has written.
func (s *site) until(what string, done func() bool) {
	s.t.Helper()
	for range 12_000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("waited two minutes until %s", what)
}

func every(t *testing.T, expr string) *schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(expr, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// work is a piece of work that tests look into.
type work struct {
	started, running, most atomic.Int32
	hold                   chan struct{} // it ends when this is closed; nil for at once
	result                 func(attempt int32) jobs.Result
}

func (w *work) do(ctx context.Context, _ jobs.Attempt) jobs.Result {
	n := w.started.Add(1)
	if now := w.running.Add(1); now > w.most.Load() {
		w.most.Store(now)
	}
	defer w.running.Add(-1)
	if w.hold != nil {
		select {
		case <-w.hold:
		case <-ctx.Done():
			return jobs.Result{Outcome: jobs.Failed, ExitCode: 1, Error: "ended"}
		}
	}
	if w.result != nil {
		return w.result(n)
	}
	return jobs.Result{Outcome: jobs.Done, Counts: map[string]int64{"loaded": 2}}
}

func failing(code int) func(int32) jobs.Result {
	return func(int32) jobs.Result {
		return jobs.Result{Outcome: jobs.Failed, ExitCode: code, Error: "no such luck\x00\xff"}
	}
}
