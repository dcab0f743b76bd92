package widen

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Result says what a Job did.
type Result struct {
	// Rows is how many rows the second columns were filled in, by this run and those before it.
	Rows int64
	// Waiting is what became of the values that waited for the wider column.
	Waiting Waiting
	// File is the migration that records the change; without number if an earlier run applied it.
	File migrations.File
}

// Run widens the columns step by step. It may be interrupted at any point and run again.
func (j *Job) Run(ctx context.Context) (Result, error) {
	var done Result
	release, err := j.claim(ctx)
	if err != nil {
		return done, err
	}
	defer release()
	if err := j.look(ctx); err != nil { // as it is now that nobody else is at it
		return done, err
	}
	if !j.Swapped {
		if done.File, err = j.replaceColumns(ctx); err != nil {
			return done, err
		}
	}
	for i := range j.Columns {
		done.Rows += j.Columns[i].copied
	}
	done.Waiting, err = j.finish(ctx)
	return done, err
}

func (j *Job) replaceColumns(ctx context.Context) (migrations.File, error) {
	if err := j.suited(); err != nil {
		return migrations.File{}, err
	}
	fresh := !j.Begun
	if fresh {
		if err := j.begin(ctx); err != nil {
			return migrations.File{}, err
		}
	}
	j.req.Progress(Progress{Step: StepSwap})
	if file, err := j.swap(ctx, true); err != nil {
		if fresh && ctx.Err() == nil {
			if undo := j.abort(ctx); undo != nil {
				err = fmt.Errorf("%w. Taking back what was begun did not work either (%v): use --abort", err, undo) //nolint:errorlint // the first is the one
			}
		}
		return file, err
	}
	if err := j.fillRows(ctx); err != nil {
		return migrations.File{}, err
	}
	failpoint.Hit("widen-filled")
	j.req.Progress(Progress{Step: StepSwap})
	return j.swap(ctx, false)
}

// Rewrite widens the columns in place: their tables are locked until Postgres has written them anew.
func (j *Job) Rewrite(ctx context.Context) (Result, error) {
	var done Result
	release, err := j.claim(ctx)
	if err != nil {
		return done, err
	}
	defer release()
	if err := j.look(ctx); err != nil {
		return done, err
	}
	if j.Begun {
		return done, &PendingError{j.Columns[0].Widening, j.Swapped}
	}
	if err := j.rewritable(); err != nil {
		return done, err
	}
	if !j.Swapped {
		j.req.Progress(Progress{Step: StepSwap})
		if done.File, err = j.migrator.Widen(ctx, j.widenings()); err != nil {
			return done, err
		}
	}
	failpoint.Hit("widen-rewritten")
	done.Waiting, err = j.storeWaiting(ctx)
	return done, err
}

// finish does what comes after the swap.
func (j *Job) finish(ctx context.Context) (Waiting, error) {
	stored, err := j.storeWaiting(ctx)
	if err != nil {
		return stored, err
	}
	for i := range j.Columns { // the new column has no statistics; whoever may not make them leaves it to autovacuum
		_, _ = j.pool.Exec(ctx, "analyze "+ident(j.req.Schema, j.Columns[i].Table)+" ("+ident(j.Columns[i].Column)+")")
	}
	failpoint.Hit("widen-stored")
	if !j.Begun {
		return stored, nil
	}
	err = j.locked(ctx, func(tx pgx.Tx) error { return j.forget(ctx, tx) })
	if err != nil {
		return stored, fmt.Errorf("end the widening: %w", err)
	}
	failpoint.Hit("widen-finished")
	return stored, nil
}

// Abort takes back what an unfinished widening of the column of req has made. The error is a *NothingError if there is none,
// or if the column has its new type already.
func Abort(ctx context.Context, pool *pgxpool.Pool, req Request) error {
	req.To = schema.Unknown // whichever it was to be
	j := newJob(ctx, pool, nil, req)
	release, err := j.claim(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := j.readState(ctx); err != nil {
		return err
	}
	if !j.Begun || j.Swapped {
		return &NothingError{j.req.Table, j.req.Column, j.Swapped}
	}
	return j.abort(ctx)
}

func (j *Job) abort(ctx context.Context) error {
	err := j.locked(ctx, func(tx pgx.Tx) error {
		if err := run(ctx, tx, j.abortSQL()); err != nil {
			return err
		}
		return j.forget(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("abort: %w", err)
	}
	j.Begun = false
	return nil
}
