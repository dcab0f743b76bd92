package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/migrations"
)

// The tables of the control schema.
const (
	jobsTable = `"` + migrations.ControlSchema + `"."jobs"`
	runsTable = `"` + migrations.ControlSchema + `"."job_runs"`
)

// DB is what this package reads with: a pool, a connection or a transaction of pgx.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ErrNotSetUp says that the database has no jobs yet.
var ErrNotSetUp = errors.New("no job has run in this database yet")

// notSetUp tells from others the error of a control schema that is missing or of an earlier release.
func notSetUp(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000") {
		return ErrNotSetUp
	}
	return err
}

// keepRuns is how many attempts of a job are kept, and errorBytes how much of an error.
const (
	keepRuns   = 1000
	errorBytes = 2000
)

// outcomeNow is an attempt's outcome: one whose lock is gone has ended, whatever its row says.
var outcomeNow = `case when r.outcome = 'running' and r.backend is distinct from ` + holderOf("r.job") + ` then 'lost' else r.outcome end`

var runColumns = `r.id, r.job, r.run, r.attempt, r.cause, r.scheduled_for, r.missed, r.started_at, r.finished_at, ` + outcomeNow + `,
	r.exit_code, r.counts, coalesce(r.error, ''), r.host, r.process, r.version`

func scanRun(row pgx.CollectableRow) (Run, error) {
	var r Run
	var counts []byte
	err := row.Scan(&r.ID, &r.Job, &r.Run, &r.Attempt, &r.Cause, &r.ScheduledFor, &r.Missed, &r.StartedAt, &r.FinishedAt, &r.Outcome,
		&r.ExitCode, &counts, &r.Error, &r.Host, &r.Process, &r.Version)
	if err == nil && counts != nil {
		err = json.Unmarshal(counts, &r.Counts)
	}
	if r.Outcome == Lost && r.Error == "" {
		r.Error = "its process is gone, or the connection that held the job's lock"
	}
	return r, err
}

// History returns the last attempts of a job, or of all if job is empty, the newest first.
func History(ctx context.Context, db DB, job string, limit int) ([]Run, error) {
	return query(ctx, db, `where $1 in ('', r.job) order by r.started_at desc, r.attempt desc limit $2`, job, limit)
}

// Last returns the last attempt of each job.
func Last(ctx context.Context, db DB) (map[string]Run, error) {
	all, err := query(ctx, db, `where r.id in (select distinct on (job) id from `+runsTable+` order by job, started_at desc, attempt desc)`)
	out := make(map[string]Run, len(all))
	for _, r := range all {
		out[r.Job] = r
	}
	return out, err
}

func query(ctx context.Context, db DB, where string, args ...any) ([]Run, error) {
	rows, err := db.Query(ctx, `select `+runColumns+` from `+runsTable+` r `+where, args...)
	if err != nil {
		return nil, notSetUp(fmt.Errorf("read history of jobs: %w", err))
	}
	out, err := pgx.CollectRows(rows, scanRun)
	if err != nil {
		return nil, notSetUp(fmt.Errorf("read history of jobs: %w", err))
	}
	return out, nil
}

// HeldBy returns the attempt that holds the lock of a job. held is true without a run if the lock is held and nothing is
// noted yet, or between two attempts.
func HeldBy(ctx context.Context, db DB, job string) (by *Run, held bool, err error) {
	var backend *int32
	if err := db.QueryRow(ctx, `select `+holderOf("$1::text"), job).Scan(&backend); err != nil {
		return nil, false, fmt.Errorf("look at the lock of job %s: %w", job, err)
	}
	if backend == nil {
		return nil, false, nil
	}
	all, err := query(ctx, db, `where r.job = $1 and r.outcome = 'running' and r.backend = $2`, job, *backend)
	if err != nil || len(all) == 0 {
		return nil, true, err
	}
	return &all[0], true, nil
}

// entry is a row of the history to be written.
type entry struct {
	job, cause   string
	run          uuid.UUID
	attempt      int
	scheduledFor *time.Time
	missed       int
	backend      *int32
	outcome      Outcome
	err          string
	slot         *slot // of the run; nil if it needs none
}

// begin writes the row of an attempt. If claim is set it does so only if nobody has taken care yet of what is due
// at that time, and takes care of it in the same statement; it returns nil otherwise.
func (r *Runner) begin(ctx context.Context, e entry, claim bool) (*Run, error) {
	sql := `insert into ` + runsTable + ` as r (job, cause, run, attempt, scheduled_for, missed, backend, outcome, error, host, process, version, finished_at)
		select $1, $2, $3, $4, $5::timestamptz, $6, $7, $8::text, nullif($9, ''), $10, $11, $12, case when $8 <> 'running' then clock_timestamp() end`
	if claim {
		sql = `with due as (update ` + jobsTable + ` set scheduled_for = $5 where name = $1 and scheduled_for < $5 returning name) ` +
			sql + ` from due`
	}
	rows, err := r.pool.Query(ctx, sql+` returning r.id, r.started_at, r.finished_at`, e.job, e.cause, e.run, e.attempt, e.scheduledFor,
		e.missed, e.backend, e.outcome, cut(e.err), r.opt.Host, os.Getpid(), r.opt.Version)
	if err != nil {
		return nil, notSetUp(fmt.Errorf("note run of job %s: %w", e.job, err))
	}
	run := &Run{
		Job: e.job, Run: e.run, Attempt: e.attempt, Cause: e.cause, ScheduledFor: e.scheduledFor, Missed: e.missed, Outcome: e.outcome,
		Error: cut(e.err), Host: r.opt.Host, Process: int64(os.Getpid()), Version: r.opt.Version,
	}
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&run.ID, &run.StartedAt, &run.FinishedAt}, func() error { n++; return nil })
	if err != nil {
		return nil, notSetUp(fmt.Errorf("note run of job %s: %w", e.job, err))
	}
	if n == 0 {
		return nil, nil //nolint:nilnil // somebody has taken care of it
	}
	return run, nil
}

// cut bounds an error and leaves out what Postgres does not take.
func cut(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "")
	if len(s) > errorBytes {
		s = strings.ToValidUTF8(s[:errorBytes], "") + "…"
	}
	return s
}

// finish notes how an attempt ended, and lets the oldest rows of the job go. A row that somebody has found lost meanwhile
// stays as it is.
func (r *Runner) finish(ctx context.Context, run *Run) error {
	counts, err := json.Marshal(run.Counts)
	if err != nil {
		return fmt.Errorf("encode counts: %w", err)
	}
	err = r.pool.QueryRow(ctx, `update `+runsTable+` set finished_at = clock_timestamp(), outcome = $2, exit_code = $3, counts = $4, error = nullif($5, '')
		where id = $1 and outcome = 'running' returning finished_at`, run.ID, run.Outcome, run.ExitCode, string(counts), cut(run.Error)).Scan(&run.FinishedAt)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("note end of job %s: %w", run.Job, err)
	}
	_, err = r.pool.Exec(ctx, `delete from `+runsTable+` where job = $1 and outcome <> 'running' and started_at < (
		select started_at from `+runsTable+` where job = $1 order by started_at desc offset $2 limit 1)`, run.Job, keepRuns)
	if err != nil {
		return fmt.Errorf("remove old runs of job %s: %w", run.Job, err)
	}
	return nil
}

// note writes what an attempt that goes on has counted so far.
func (r *Runner) note(ctx context.Context, run *Run) error {
	counts, err := json.Marshal(run.Counts)
	if err == nil {
		_, err = r.pool.Exec(ctx, `update `+runsTable+` set counts = $2 where id = $1 and outcome = 'running'`, run.ID, string(counts))
	}
	return err
}

// markLost notes that runs have ended without saying so. Only who holds the job's lock may say that.
func (r *Runner) markLost(ctx context.Context, job string) ([]Run, error) {
	lost, err := query(ctx, r.pool, `where r.job = $1 and r.outcome = 'running'`, job)
	for i := range lost {
		lost[i].Outcome = Lost
		if err == nil {
			err = r.finish(ctx, &lost[i])
		}
	}
	return lost, err
}
