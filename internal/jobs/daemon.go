package jobs

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Daemon runs jobs whenever they are due. Any number of daemons may share a database: what is due is run by one of them.
type Daemon struct {
	r     *Runner
	jobs  []Job
	slots chan struct{}
	since time.Time // by Postgres's clock: what was due before is late
}

// NewDaemon returns a Daemon for the jobs that have a Schedule or run Always.
func NewDaemon(r *Runner, all []Job) *Daemon {
	d := &Daemon{r: r, slots: make(chan struct{}, r.opt.Parallel)}
	for i := range all {
		if all[i].Schedule != nil || all[i].Always {
			d.jobs = append(d.jobs, all[i])
		}
	}
	return d
}

// Jobs is how many jobs there are to run.
func (d *Daemon) Jobs() int { return len(d.jobs) }

// Run runs jobs until ctx ends; then it stops those that run, notes them as interrupted, and returns. The error says why
// it could not begin; what fails later is logged and tried again.
func (d *Daemon) Run(ctx context.Context) error {
	var err error
	if d.since, err = d.r.now(ctx); err != nil {
		return err
	}
	for i := range d.jobs {
		if d.jobs[i].Schedule == nil {
			continue
		}
		if err := d.r.register(ctx, &d.jobs[i]); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	for i := range d.jobs {
		wg.Go(func() { d.serve(ctx, &d.jobs[i]) })
	}
	wg.Wait()
	return nil
}

// serve is the loop of one job.
func (d *Daemon) serve(ctx context.Context, job *Job) {
	s := &server{d: d, job: job, pause: job.pauses()}
	step := s.scheduled
	if job.Schedule == nil {
		step = s.always
	}
	for {
		wait, err := step(ctx)
		if err != nil && ctx.Err() == nil {
			wait = min(s.pause.NextBackOff(), d.r.opt.Poll)
			d.r.opt.Logger.WarnContext(ctx, "a job is tried again later", "job", job.Name, "in", wait, "error", err)
		}
		if sleep(ctx, wait) != nil {
			return
		}
	}
}

// server is one job of a daemon.
type server struct {
	d     *Daemon
	job   *Job
	pause interface {
		NextBackOff() time.Duration
		Reset()
	}
	chosen time.Time     // the time at which the job is due that jitter was drawn for
	jitter time.Duration // that jitter
}

// scheduled does what there is to do for a job on a schedule, and returns how long there is nothing.
func (s *server) scheduled(ctx context.Context) (time.Duration, error) {
	r, job := s.d.r, s.job
	now, until, err := r.look(ctx, job)
	if err != nil {
		return 0, err
	}
	at, missed := job.Schedule.Last(until, now)
	if at.IsZero() {
		if err := s.inSlot(ctx, func(mine *slot) error { return r.resume(ctx, job, mine) }); err != nil {
			return 0, err
		}
		s.pause.Reset()
		return s.untilNext(ctx, now)
	}
	d := due{at: at, missed: missed, late: at.Add(job.Jitter+2*r.opt.Poll).Before(s.d.since) || missed > 0 && at.Before(s.d.since)}
	if wait := s.start(d.at, until).Sub(now); wait > 0 {
		return min(wait, r.opt.Poll), nil
	}
	var waits bool
	err = s.inSlot(ctx, func(mine *slot) (err error) {
		waits, err = r.runDue(ctx, job, d, mine)
		return err
	})
	if err == nil {
		s.pause.Reset()
	}
	if waits {
		return min(r.opt.Beat/5, r.opt.Poll), err
	}
	return 0, err
}

// slot is the right to be one of Parallel runs. A nil slot is always taken.
type slot struct {
	all   chan struct{}
	taken bool
}

// take waits for the right. It returns false if ctx ends before.
func (s *slot) take(ctx context.Context) bool {
	if s == nil || s.taken {
		return true
	}
	select {
	case s.all <- struct{}{}:
		s.taken = true
	case <-ctx.Done():
	}
	return s.taken
}

// leave gives the right back.
func (s *slot) leave() {
	if s != nil && s.taken {
		<-s.all
		s.taken = false
	}
}

// rest gives the right back for a while: between two attempts others may run. It returns false if ctx ends.
func (s *slot) rest(ctx context.Context, d time.Duration) bool {
	s.leave()
	return sleep(ctx, d) == nil && s.take(ctx)
}

// inSlot runs do while fewer than Parallel others run.
func (s *server) inSlot(ctx context.Context, do func(*slot) error) error {
	mine := &slot{all: s.d.slots}
	if !mine.take(ctx) {
		return nil
	}
	defer mine.leave()
	return do(mine)
}

// untilNext returns how long there is nothing to do; not longer than Poll, since others may be killed meanwhile.
func (s *server) untilNext(ctx context.Context, before time.Time) (time.Duration, error) {
	now, err := s.d.r.now(ctx) // a run may have been resumed
	if err != nil {
		return 0, err
	}
	next := s.job.Schedule.Next(before)
	return max(0, min(next.Sub(now), s.d.r.opt.Poll)), nil
}

// start returns when what is due is started. Jitter is drawn once until that is taken care of: what is due more often than
// jitter is long would be put off for ever.
func (s *server) start(at, until time.Time) time.Time {
	if s.job.Jitter <= 0 {
		return at
	}
	if !s.chosen.After(until) {
		s.chosen, s.jitter = at, rand.N(s.job.Jitter)
	}
	return s.chosen.Add(s.jitter)
}

// always runs a job that runs always, or waits for whoever runs it, and returns how long to wait before the next time.
func (s *server) always(ctx context.Context) (time.Duration, error) {
	r, job := s.d.r, s.job
	if _, held, err := HeldBy(ctx, r.pool, job.Name); err != nil || held {
		return r.opt.Beat, err
	}
	l, err := tryLock(ctx, r.conn, job.Name, r.opt.Beat)
	if err != nil || l == nil {
		return r.opt.Beat, err
	}
	defer l.release()
	lost, err := r.markLost(ctx, job.Name)
	if err != nil {
		return 0, err
	}
	r.tellLost(lost)
	once := *job
	once.Retries = 0
	run, err := r.attempts(l.guard(ctx), &once, l, entry{job: job.Name, cause: Always, run: uuid.New(), attempt: 1}, 0, false)
	if err != nil || run == nil {
		return 0, err
	}
	if run.Outcome.OK() || run.Took() > 2*MaxBackoff {
		s.pause.Reset()
	}
	if run.Outcome.OK() {
		return r.opt.Beat, nil
	}
	return s.pause.NextBackOff(), nil
}
