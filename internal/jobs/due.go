package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/schedule"
)

// register makes a job known. What was due before that, or before its schedule was changed, is not missed.
func (r *Runner) register(ctx context.Context, job *Job) error {
	_, err := r.pool.Exec(ctx, `insert into `+jobsTable+` as j (name, schedule) values ($1, $2)
		on conflict (name) do update set schedule = excluded.schedule, scheduled_for = greatest(j.scheduled_for, now())
		where j.schedule <> excluded.schedule`, job.Name, job.Schedule.String())
	if err != nil {
		return notSetUp(fmt.Errorf("register job %s: %w", job.Name, err))
	}
	return nil
}

// now is Postgres's time.
func (r *Runner) now(ctx context.Context) (now time.Time, err error) {
	if err = r.pool.QueryRow(ctx, "select clock_timestamp()").Scan(&now); err != nil {
		return now, fmt.Errorf("ask Postgres for the time: %w", err)
	}
	return now, nil
}

// look returns what time it is and up to when what was due is taken care of.
func (r *Runner) look(ctx context.Context, job *Job) (now, until time.Time, err error) {
	err = r.pool.QueryRow(ctx, `select clock_timestamp(), scheduled_for from `+jobsTable+` where name = $1`, job.Name).Scan(&now, &until)
	if err != nil {
		return now, until, notSetUp(fmt.Errorf("look whether job %s is due: %w", job.Name, err))
	}
	return now, until, nil
}

// Overdue returns when a job on a schedule was due last if that is longer ago than grace and nobody has taken care of it,
// nor runs the job now; else the zero time. A job that no daemon ever had is not overdue.
func Overdue(ctx context.Context, db DB, name string, s *schedule.Schedule, grace time.Duration) (time.Time, error) {
	var now, until time.Time
	err := db.QueryRow(ctx, `select clock_timestamp(), scheduled_for from `+jobsTable+` where name = $1 and schedule = $2`, name, s.String()).Scan(&now, &until)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, notSetUp(fmt.Errorf("look whether job %s is overdue: %w", name, err))
	}
	at, _ := s.Last(until, now.Add(-grace))
	if at.IsZero() {
		return at, nil
	}
	_, held, err := HeldBy(ctx, db, name)
	if err != nil || held {
		return time.Time{}, err
	}
	return at, nil
}

// due is one time at which a job is due.
type due struct {
	at     time.Time
	missed int  // times before it, unnoticed
	late   bool // it was due while no daemon ran
}

func (d *due) entry(job *Job) entry {
	e := entry{job: job.Name, cause: Scheduled, run: uuid.New(), attempt: 1, scheduledFor: &d.at, missed: d.missed}
	if d.late {
		e.cause = CatchUp
	}
	return e
}

// runDue runs what is due, unless somebody else has or does. waits is true if it goes on being due because another run is
// at work.
func (r *Runner) runDue(ctx context.Context, job *Job, d due, mine *slot) (waits bool, err error) {
	by, held, err := HeldBy(ctx, r.pool, job.Name)
	if err != nil {
		return false, err
	}
	if held {
		return r.overlaps(ctx, job, d, by)
	}
	if d.late && !job.CatchUp {
		e := d.entry(job)
		e.attempt, e.outcome, e.err = 0, Skipped, "it was due while no daemon ran, and catch_up is off"
		run, err := r.begin(ctx, e, true)
		if run != nil {
			r.opt.Ended(*run, true)
		}
		return false, err
	}
	l, err := tryLock(ctx, r.conn, job.Name, r.opt.Beat)
	if err != nil || l == nil {
		return l == nil, err
	}
	defer l.release()
	lost, err := r.markLost(ctx, job.Name)
	if err != nil {
		return false, err
	}
	r.tellLost(lost)
	e := d.entry(job)
	e.slot = mine
	_, err = r.attempts(l.guard(ctx), job, l, e, 0, true)
	return false, err
}

// overlaps is what becomes of what is due while another run is at work.
func (r *Runner) overlaps(ctx context.Context, job *Job, d due, by *Run) (waits bool, err error) {
	if by == nil || by.ScheduledFor != nil && !by.ScheduledFor.Before(d.at) || job.Overlap == Wait || job.Overlap == "" {
		return true, nil // who has the lock may be about to take care of it
	}
	_, err = r.notRun(ctx, d.entry(job), job.Overlap, &BusyError{Job: job.Name, By: by})
	var busy *BusyError
	if errors.As(err, &busy) {
		err = nil // it is in the history
	}
	return false, err
}

// resume goes on with the last run on a schedule if that was lost or interrupted, or its process ended between two
// attempts, and attempts are left.
func (r *Runner) resume(ctx context.Context, job *Job, mine *slot) error {
	last, _, err := r.unfinished(ctx, job)
	if err != nil || last == nil {
		return err
	}
	if _, held, err := HeldBy(ctx, r.pool, job.Name); err != nil || held {
		return err
	}
	l, err := tryLock(ctx, r.conn, job.Name, r.opt.Beat)
	if err != nil || l == nil {
		return err
	}
	defer l.release()
	lost, err := r.markLost(ctx, job.Name)
	if err != nil {
		return err
	}
	last, failures, err := r.unfinished(ctx, job)
	if err != nil || last == nil {
		r.tellLost(lost)
		return err
	}
	for _, run := range lost {
		r.opt.Ended(run, false)
	}
	e := entry{job: job.Name, cause: Resume, run: last.Run, attempt: last.Attempt + 1, scheduledFor: last.ScheduledFor, missed: last.Missed, slot: mine}
	_, err = r.attempts(l.guard(ctx), job, l, e, failures, false)
	return err
}

// unfinished returns the last attempt of a job's last run if that is to be gone on with, or to be found lost, and how many
// attempts of the run failed. An interrupt is no failure.
func (r *Runner) unfinished(ctx context.Context, job *Job) (last *Run, failures int, err error) {
	all, err := query(ctx, r.pool, `where r.job = $1 and r.attempt > 0 order by r.started_at desc, r.attempt desc limit 1`, job.Name)
	if err != nil || len(all) == 0 {
		return nil, 0, err
	}
	last = &all[0]
	if last.Outcome == Lost && last.FinishedAt == nil {
		return last, 0, nil // whatever its cause, it is to be found lost
	}
	if last.ScheduledFor == nil || !(last.Outcome == Lost || last.Outcome == Interrupted || last.passes()) {
		return nil, 0, nil
	}
	err = r.pool.QueryRow(ctx, `select count(*) from `+runsTable+` where run = $1 and outcome <> 'interrupted'`, last.Run).Scan(&failures)
	if err != nil {
		return nil, 0, fmt.Errorf("count attempts of job %s: %w", job.Name, err)
	}
	if failures > job.Retries || !job.CatchUp {
		return nil, failures, nil
	}
	return last, failures, nil
}
