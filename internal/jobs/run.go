package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
)

// Once runs a job now, with its retries, and returns its last attempt. If another run is at work it waits for its end,
// returns a run that was skipped, or a *BusyError, as overlap says; of the latter two the history has a row, too. The
// error is nil if the job was run and that could be noted, however it ended.
func (r *Runner) Once(ctx context.Context, job *Job, overlap Overlap) (Run, error) {
	e := entry{job: job.Name, cause: ByHand, run: uuid.New(), attempt: 1}
	l, err := r.obtain(ctx, job.Name, overlap)
	var busy *BusyError
	if errors.As(err, &busy) {
		return r.notRun(ctx, e, overlap, busy)
	}
	if err != nil {
		return Run{Job: job.Name}, err
	}
	defer l.release()
	lost, err := r.markLost(ctx, job.Name)
	if err != nil {
		return Run{Job: job.Name}, err
	}
	r.tellLost(lost)
	run, err := r.attempts(l.guard(ctx), job, l, e, 0, false)
	if run == nil {
		run = &Run{Job: job.Name}
	}
	return *run, err
}

// notRun notes that a run was not made because of another one.
func (r *Runner) notRun(ctx context.Context, e entry, overlap Overlap, busy *BusyError) (Run, error) {
	e.attempt, e.outcome, e.err = 0, Skipped, busy.Error()
	var failure error
	if overlap == Fail {
		e.outcome, failure = Failed, busy
	}
	run, err := r.begin(ctx, e, e.cause != ByHand)
	if run == nil {
		return Run{Job: e.job, Outcome: e.outcome}, errors.Join(failure, err)
	}
	r.opt.Ended(*run, true)
	return *run, errors.Join(failure, err)
}

// obtain takes the lock of a job. The error is a *BusyError if somebody has it and overlap is not Wait.
func (r *Runner) obtain(ctx context.Context, job string, overlap Overlap) (*lock, error) {
	for {
		l, err := tryLock(ctx, r.conn, job, r.opt.Beat)
		if l != nil || err != nil {
			return l, err
		}
		for held, told := true, false; held; {
			var by *Run
			if by, held, err = HeldBy(ctx, r.pool, job); err != nil && !errors.Is(err, ErrNotSetUp) {
				return nil, err
			}
			if overlap != Wait {
				return nil, &BusyError{Job: job, By: by}
			}
			if held && !told {
				r.opt.Logger.WarnContext(ctx, "waiting", "because", (&BusyError{Job: job, By: by}).Error())
				told = true
			}
			if err := sleep(ctx, r.opt.Beat/5); err != nil {
				return nil, fmt.Errorf("wait for another run of job %s: %w", job, err)
			}
		}
	}
}

func (r *Runner) tellLost(lost []Run) {
	for _, run := range lost {
		r.opt.Ended(run, true)
	}
}

// attempts runs a job until it went well, cannot go better, or has failed once more than it is tried again; failures are
// those before. ctx is guarded by the job's lock. It returns nil if claim is set and the run is somebody else's by now.
func (r *Runner) attempts(ctx context.Context, job *Job, l *lock, e entry, failures int, claim bool) (*Run, error) {
	e.backend, e.outcome = &l.backend, Running
	pause := job.pauses()
	for {
		run, err := r.begin(ctx, e, claim)
		if err != nil || run == nil {
			return run, err
		}
		r.opt.Started(*run)
		r.attempt(ctx, job, run)
		err = r.end(ctx, run)
		failures++
		again := err == nil && run.passes() && failures <= job.Retries
		r.opt.Ended(*run, !again)
		if !again {
			return run, err
		}
		if !e.slot.rest(ctx, pause.NextBackOff()) {
			return run, nil
		}
		e.attempt++
		claim = false
	}
}

// pauses are those between attempts.
func (j *Job) pauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier, b.RandomizationFactor = max(j.Backoff, time.Millisecond), MaxBackoff, 2, 0.5
	b.Reset()
	return b
}

// attempt does the work once and completes run.
func (r *Runner) attempt(ctx context.Context, job *Job, run *Run) {
	work := ctx
	if job.Timeout > 0 {
		var cancel context.CancelFunc
		work, cancel = context.WithTimeoutCause(ctx, job.Timeout, errTimeout)
		defer cancel()
	}
	var mu sync.Mutex
	add := func(counts map[string]int64) {
		for key, n := range counts {
			if run.Counts == nil {
				run.Counts = map[string]int64{}
			}
			run.Counts[key] += n
		}
	}
	at := run.StartedAt
	if run.ScheduledFor != nil {
		at = *run.ScheduledFor
	}
	result := job.Work(work, Attempt{Number: run.Attempt, At: at, Note: func(counts map[string]int64) {
		mu.Lock()
		defer mu.Unlock()
		add(counts)
		if err := r.note(ctx, run); err != nil && ctx.Err() == nil {
			r.opt.Logger.WarnContext(ctx, "counts of a job were not noted", "job", job.Name, "error", err)
		}
	}})
	mu.Lock()
	defer mu.Unlock()
	add(result.Counts)
	run.Outcome, run.ExitCode, run.Error = result.Outcome, &result.ExitCode, result.Error
	if result.Outcome == Failed || job.Always {
		why(work, job, run)
	}
}

// why tells what ended an attempt that was made to end.
func why(ctx context.Context, job *Job, run *Run) {
	switch cause := context.Cause(ctx); {
	case cause == nil:
	case errors.Is(cause, errTimeout):
		run.Outcome, run.Error = TimedOut, "no end within "+job.Timeout.String()
	case errors.Is(cause, ErrLockLost):
		run.Outcome, run.Error = Lost, cause.Error()
	default:
		run.Outcome, run.Error = Interrupted, "it was asked to stop"
	}
}

// patience is how long the end of an attempt is tried to be noted if Postgres is away, and after an interrupt. After that
// the attempt counts as lost: its lock is gone, too.
const (
	patience          = 2 * time.Minute
	patienceInterrupt = 10 * time.Second
)

// end notes the end of an attempt, also if ctx has ended.
func (r *Runner) end(ctx context.Context, run *Run) error {
	limit := patience
	if ctx.Err() != nil {
		limit = patienceInterrupt
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	b := backoff.NewExponentialBackOff()
	for {
		err := r.finish(ctx, run)
		if err == nil || sleep(ctx, b.NextBackOff()) != nil {
			return err
		}
	}
}

// sleep waits, or returns the error of a context that ended before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
