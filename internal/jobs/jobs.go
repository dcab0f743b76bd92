// Package jobs runs named pieces of work: each at most once at a time on all machines that share a database, on a
// schedule or when somebody asks, with retries, and with a history in the control schema.
//
// Read it top to bottom: run.go is one run, by hand or because it is due; lock.go is what keeps others from running the
// same job meanwhile; history.go are the rows; due.go finds out what is due; daemon.go does all that for many jobs for
// as long as it is left alone.
//
// Three things are never judged by a clock of this machine, or by a time-out: whether a run is at work (it holds a lock of
// Postgres, over a connection of its own, which is gone when its process is), whether somebody has taken care of what
// is due (a row, moved in one statement), and what time it is (Postgres says).
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/schedule"
)

// Outcome is how an attempt ended.
type Outcome string

// Outcomes.
const (
	Running     Outcome = "running" // it has not ended
	Done        Outcome = "done"
	Quarantined Outcome = "quarantined" // done, with events in quarantine
	Found       Outcome = "found"       // done; a check found something
	Failed      Outcome = "failed"
	TimedOut    Outcome = "timed_out"
	Interrupted Outcome = "interrupted" // it was asked to stop
	Lost        Outcome = "lost"        // its process, or its lock, is gone
	Skipped     Outcome = "skipped"     // another run was at work, or it was due while no daemon ran
)

// OK reports whether nobody need look after it.
func (o Outcome) OK() bool {
	return o == Running || o == Done || o == Quarantined || o == Interrupted || o == Skipped
}

// Overlap is what a run does that finds another run of its job at work.
type Overlap string

// Overlaps.
const (
	Wait Overlap = "wait"
	Skip Overlap = "skip"
	Fail Overlap = "fail"
)

// Causes of a run.
const (
	Scheduled = "schedule"
	CatchUp   = "catch_up" // it was due while no daemon ran
	Resume    = "resume"   // of a run that was lost or interrupted
	Always    = "always"
	ByHand    = "hand"
)

// Job is a named piece of work. All processes that share a database have to mean the same by a name.
type Job struct {
	Name string
	// Schedule is when a daemon runs it; nil for never.
	Schedule *schedule.Schedule
	// Always makes a daemon run it again whenever it has ended.
	Always bool
	// Jitter is how much later than due it starts at most, by chance.
	Jitter time.Duration
	// Retries is how often a run that failed or timed out is tried again. Backoff is the pause before the first retry,
	// give or take half; it doubles up to MaxBackoff.
	Retries int
	Backoff time.Duration
	// Timeout is how long an attempt may take; 0 means no limit.
	Timeout time.Duration
	// CatchUp makes up, once, for what was due while no daemon ran, and resumes runs that were lost or interrupted.
	CatchUp bool
	// Overlap is what a daemon does when the job is due and another run is at work. Defaults to Wait.
	Overlap Overlap
	Work    Work
}

// MaxBackoff is the longest pause between two attempts, before jitter.
const MaxBackoff = 30 * time.Minute

// Work does one attempt. It ends soon after ctx does, which may be because of a time-out, an interrupt or the lock.
type Work func(ctx context.Context, a Attempt) Result

// Attempt is what Work is told.
type Attempt struct {
	Number int
	// At is when the run was due, else when it started; by Postgres's clock.
	At time.Time
	// Note adds to the attempt's counts in the history while it goes on. It is for work that has no end.
	Note func(counts map[string]int64)
}

// Result is what became of an attempt.
type Result struct {
	Outcome  Outcome
	ExitCode int
	Counts   map[string]int64
	Error    string // empty if it went well
}

// UsageCode is the exit code of a failure that another attempt would only repeat.
const UsageCode = 64

// Run is one attempt of a run, as the history has it. The last attempt stands for the run.
type Run struct {
	ID           uuid.UUID        `json:"-"`
	Job          string           `json:"job"`
	Run          uuid.UUID        `json:"run"`
	Attempt      int              `json:"attempt"`
	Cause        string           `json:"cause"`
	ScheduledFor *time.Time       `json:"scheduled_for"`
	Missed       int              `json:"missed"`
	StartedAt    time.Time        `json:"started_at"`
	FinishedAt   *time.Time       `json:"finished_at"`
	Outcome      Outcome          `json:"outcome"`
	ExitCode     *int             `json:"exit_code"`
	Counts       map[string]int64 `json:"counts"`
	Error        string           `json:"error"`
	Host         string           `json:"host"`
	Process      int64            `json:"process"`
	Version      string           `json:"version"`
}

// Took is how long the attempt took; 0 if it goes on.
func (r *Run) Took() time.Duration {
	if r.FinishedAt == nil {
		return 0
	}
	return r.FinishedAt.Sub(r.StartedAt)
}

// passes reports whether another attempt may go better.
func (r *Run) passes() bool {
	return r.Outcome == TimedOut || r.Outcome == Failed && (r.ExitCode == nil || *r.ExitCode != UsageCode)
}

// Options are the settings of a Runner.
type Options struct {
	// Version is the program's. Host defaults to the machine's name.
	Version, Host string
	// Beat is how often a run makes sure that it still has its lock, and how often one that waits for it looks. A lost
	// connection is noticed at once, a dead network within four beats, or 15 s and one if that is longer. Defaults to 5 s.
	Beat time.Duration
	// Poll is the longest time between two looks at what is due, or was left by others. Defaults to 30 s.
	Poll time.Duration
	// Parallel is how many runs on a schedule there are at once in a Daemon. Defaults to 4.
	Parallel int
	// Started and Ended are told of each attempt, by several goroutines at the same time, last if there will be no other
	// one of that run. They must not wait for anything.
	Started func(Run)
	Ended   func(run Run, last bool)
	// Logger defaults to none.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Host == "" {
		o.Host, _ = os.Hostname() // its name is for people
	}
	if o.Beat <= 0 {
		o.Beat = 5 * time.Second
	}
	if o.Poll <= 0 {
		o.Poll = 30 * time.Second
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.Started == nil {
		o.Started = func(Run) {}
	}
	if o.Ended == nil {
		o.Ended = func(Run, bool) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Runner runs jobs. Its methods may be called by several goroutines.
type Runner struct {
	pool *pgxpool.Pool
	conn *pgx.ConnConfig // of locks
	opt  Options
}

// New returns a Runner on a database whose control schema is up to date (see migrations.Control). The pool stays the
// caller's; each run has one connection more, for its lock. That must lead to Postgres itself, not to a pooler that
// gives each transaction another session.
func New(pool *pgxpool.Pool, o Options) *Runner {
	return &Runner{pool: pool, conn: pool.Config().ConnConfig, opt: o.withDefaults()}
}

// BusyError says that another run of a job is at work.
type BusyError struct {
	Job string
	// By is that run; nil if it has not said yet, or has ended.
	By *Run
}

// Error says who is at work, and since when.
func (e *BusyError) Error() string {
	who := ""
	if e.By != nil {
		who = fmt.Sprintf(" on %s (process %d), since %s", e.By.Host, e.By.Process, e.By.StartedAt.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("job %s: another run is at work%s", e.Job, who)
}

var (
	// ErrLockLost ends a run whose lock is gone.
	ErrLockLost = errors.New("the connection that holds the job's lock was lost; others may run the job now")
	errTimeout  = errors.New("timed out")
)
