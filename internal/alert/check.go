package alert

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/jobs"
	"github.com/tapline/tapline/internal/schedule"
	"github.com/tapline/tapline/schema"
)

// Stale says how long tables may get no rows.
type Stale struct {
	Source, Schema string
	Tables         string // a pattern
	After          time.Duration
}

// Limit says how much of a source's events may go to quarantine.
type Limit struct {
	Source, Schema string
	Percent        float64
	Within         time.Duration
	MinEvents      int64
}

// Job is one whose failures are told, and, if it has a schedule, that nobody runs it.
type Job struct {
	Name     string
	Schedule *schedule.Schedule // may be nil
	Jitter   time.Duration
}

// Rules are what Check looks at.
type Rules struct {
	Jobs       []Job
	Stale      []Stale
	Quarantine []Limit
}

// Check returns how everything is that the rules speak of, right or wrong. The error joins what could not be looked at.
func Check(ctx context.Context, pool *pgxpool.Pool, r Rules) ([]Condition, error) {
	out, err := checkJobs(ctx, pool, r.Jobs)
	for _, s := range r.Stale {
		found, failed := s.check(ctx, pool)
		out, err = append(out, found...), errors.Join(err, failed)
	}
	for _, l := range r.Quarantine {
		c, failed := l.check(ctx, pool)
		err = errors.Join(err, failed)
		if failed == nil {
			out = append(out, c)
		}
	}
	return out, err
}

// settled is how long a job that runs always has to be at work to be taken for healed.
const settled = 5 * time.Minute

// checkJobs looks at how the jobs ended last, those also that were killed and could not say so.
func checkJobs(ctx context.Context, pool *pgxpool.Pool, all []Job) (out []Condition, _ error) {
	if len(all) == 0 {
		return nil, nil
	}
	last, err := jobs.Last(ctx, pool)
	if errors.Is(err, jobs.ErrNotSetUp) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, job := range all {
		c, err := job.overdue(ctx, pool)
		if err != nil {
			return out, err
		}
		if c != nil {
			out = append(out, *c)
		}
		run, ok := last[job.Name]
		if !ok || run.Outcome == jobs.Skipped || run.Outcome == jobs.Interrupted {
			continue
		}
		if run.Outcome == jobs.Running && time.Since(run.StartedAt) < settled {
			continue
		}
		if !run.Outcome.OK() {
			if _, held, err := jobs.HeldBy(ctx, pool, job.Name); err != nil || held {
				continue // it is tried again
			}
		}
		out = append(out, OfJob(run))
	}
	return out, nil
}

// grace is how much later than due, and than its jitter, a job is overdue: daemons start, retry and wait for each other.
const grace = 15 * time.Minute

// overdue looks whether anybody runs a job that is due; nil if it has no schedule.
func (j *Job) overdue(ctx context.Context, pool *pgxpool.Pool) (*Condition, error) {
	if j.Schedule == nil {
		return nil, nil //nolint:nilnil // it is never due
	}
	at, err := jobs.Overdue(ctx, pool, j.Name, j.Schedule, j.Jitter+grace)
	if err != nil {
		return nil, err
	}
	c := &Condition{Key: "overdue/" + j.Name, Kind: JobOverdue, Firing: !at.IsZero(), Text: fmt.Sprintf("Job %s is not overdue any more.", j.Name)}
	if c.Firing {
		c.Text = fmt.Sprintf("Job %s was due at %s and has not run: does a daemon (tapline run) run?", j.Name, at.UTC().Format(time.RFC3339))
		c.Details = map[string]any{"job": j.Name, "due": at}
	}
	return c, nil
}

// OfJob is how a job is after the last attempt of a run.
func OfJob(r jobs.Run) Condition {
	c := Condition{Key: "job/" + r.Job, Kind: JobFailed, Firing: !r.Outcome.OK(), Details: r}
	if !c.Firing {
		c.Text = fmt.Sprintf("Job %s is all right again: it is %s on %s.", r.Job, r.Outcome, r.Host)
		return c
	}
	code := ""
	if r.ExitCode != nil {
		code = fmt.Sprintf(", exit code %d", *r.ExitCode)
	}
	c.Text = fmt.Sprintf("Job %s: %s on %s (attempt %d%s): %s", r.Job, words(r.Outcome), r.Host, r.Attempt, code, cut(r.Error))
	return c
}

func words(o jobs.Outcome) string {
	switch o {
	case jobs.TimedOut:
		return "timed out"
	case jobs.Found:
		return "a check found something"
	}
	return string(o)
}

// cut keeps a message readable in a chat.
func cut(s string) string {
	if r := []rune(s); len(r) > 500 {
		return string(r[:500]) + "…"
	}
	return s
}

// check looks at the tables of the pattern: at all that have rows, and at one that is named in any case.
func (s *Stale) check(ctx context.Context, pool *pgxpool.Pool) (out []Condition, _ error) {
	rows, err := pool.Query(ctx, `select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'uuid_ts' and not a.attisdropped
		where n.nspname = $1 and c.relkind in ('r', 'p') order by 1`, s.Schema)
	if err != nil {
		return nil, fmt.Errorf("list tables of %s: %w", s.Schema, err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list tables of %s: %w", s.Schema, err)
	}
	for _, name := range names {
		if ok, _ := path.Match(s.Tables, name); !ok || schema.IsInternal(name) {
			continue
		}
		fresh, used, err := s.look(ctx, pool, name)
		if err != nil {
			return out, fmt.Errorf("look at %s.%s: %w", s.Schema, name, err)
		}
		if !used && s.Tables != name {
			continue // a pattern means the tables that are used
		}
		c := Condition{
			Key: "stale/" + s.Source + "/" + name, Kind: TableStale, Firing: !fresh,
			Details: map[string]any{"source": s.Source, "schema": s.Schema, "table": name, "after": s.After.String()},
			Text:    fmt.Sprintf("Table %s.%s gets rows again.", s.Schema, name),
		}
		if c.Firing {
			c.Text = fmt.Sprintf("Table %s.%s has got no rows for %s or longer.", s.Schema, name, short(s.After))
		}
		out = append(out, c)
	}
	return out, nil
}

// look reports whether a table has got rows lately, and whether it has any. The index on uuid_ts knows which pages may have
// such rows; the newest row itself would take a look at all of them.
func (s *Stale) look(ctx context.Context, pool *pgxpool.Pool, name string) (fresh, used bool, err error) {
	table := pgx.Identifier{s.Schema, name}.Sanitize()
	err = pool.QueryRow(ctx, `select exists (select from `+table+` where uuid_ts > now() - $1::interval), exists (select from `+table+`)`, s.After).
		Scan(&fresh, &used)
	return fresh, used, err
}

// short writes a length of time for people.
func short(d time.Duration) string {
	for _, u := range []struct {
		length time.Duration
		one    string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := d / u.length; n > 1 && d%u.length == 0 {
			return fmt.Sprintf("%d %ss", n, u.one)
		} else if d == u.length {
			return "1 " + u.one
		}
	}
	return d.String()
}

func (l *Limit) check(ctx context.Context, pool *pgxpool.Pool) (Condition, error) {
	var rows, quarantined, duplicates int64
	err := pool.QueryRow(ctx, `select coalesce(sum(rows), 0)::bigint, coalesce(sum(quarantined), 0)::bigint, coalesce(sum(duplicates), 0)::bigint
		from `+pgx.Identifier{l.Schema, "_loads"}.Sanitize()+` where status = 'finished' and finished_at > now() - $1::interval`, l.Within).
		Scan(&rows, &quarantined, &duplicates)
	if err != nil {
		return Condition{}, fmt.Errorf("look at the loads of %s: %w", l.Schema, err)
	}
	all := rows + quarantined + duplicates
	percent := 0.0
	if all > 0 {
		percent = 100 * float64(quarantined) / float64(all)
	}
	c := Condition{
		Key: "quarantine/" + l.Source, Kind: Quarantine, Firing: all >= max(1, l.MinEvents) && percent > l.Percent,
		Details: map[string]any{"source": l.Source, "schema": l.Schema, "events": all, "quarantined": quarantined, "percent": percent, "limit": l.Percent},
		Text:    fmt.Sprintf("Source %s: no more than %v %% of the events go to quarantine.", l.Source, l.Percent),
	}
	if c.Firing {
		c.Text = fmt.Sprintf("Source %s: %d of %d events of the last %s went to quarantine (%.2f %%, the limit is %v %%). "+
			"See tapline quarantine list --source %q.", l.Source, quarantined, all, short(l.Within), percent, l.Percent, l.Source)
	}
	return c, nil
}
