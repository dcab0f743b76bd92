package loader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// evolve gives the database the columns and tables that the rows so far need. While rows are uncommitted there must be
// no DDL: our own ALTER would wait for our own COPY on another connection, which no deadlock detector sees. So if the
// transaction is open it is rolled back, the rest of the unit is read for its schema alone, one evolution is made of
// all of it, and the unit starts again. The first chunk of a unit finds the transaction closed, and the unit goes on,
// unless rows of that chunk would be others with the columns as they are now.
func (r *reading) evolve(ctx context.Context, full chan<- message, end bool) error {
	again := r.sent || r.l.state.Outdated()
	if again {
		done := make(chan struct{})
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case full <- message{rollback: done}:
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-done:
		}
		for !end {
			var err error
			if end, err = r.fill(ctx, nil); err != nil {
				return err
			}
		}
	}
	consistent, err := r.l.evolve(ctx, r.a)
	if err != nil {
		return err
	}
	switch {
	case !consistent:
		return errRestart
	case again:
		return errEvolved
	}
	return nil
}

// evolve applies what the State asks for. It returns false if the database came to have other types than that.
func (l *worker) evolve(ctx context.Context, a *attempt) (consistent bool, err error) {
	asked := l.state.Pending()
	applied, err := l.change(ctx, asked)
	if err != nil {
		return false, fmt.Errorf("change the schema: %w", restartIfGone(err)) // a table was dropped meanwhile
	}
	a.sum.evolved(applied.Diff)
	a.changes.tables += int64(len(applied.Diff.Tables))
	a.changes.columns += int64(len(applied.Diff.Columns))
	failpoint.Hit("after-evolve")
	if applied.Diff.Size() == asked.Size() {
		// Everything was made as asked. What others change from here on, the check under the tables' locks sees.
		l.state.Stored()
		return true, nil
	}
	tables, err := catalog.Read(ctx, l.pool, l.cfg.Schema)
	if err != nil {
		return false, fmt.Errorf("read catalog of %s: %w", l.cfg.Schema, err)
	}
	return l.state.Sync(tables), nil
}

// valuesGrew reports whether a column came to hold, after it was looked at, numbers that double precision does not: it is
// to be numeric then.
func valuesGrew(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "22003"
}

// change applies d. New tables and columns have to be had, so it is patient; a column that cannot be widened within
// WidenWait, because somebody reads the table for long or has just made a view of it, has to do without (rule 11): the
// unit starts again and the numbers that ask for it go to discards.
func (l *worker) change(ctx context.Context, d schema.Diff) (migrations.Applied, error) {
	if len(d.Widen) == 0 {
		return l.migrator.Evolve(ctx, d)
	}
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, l.cfg.WidenWait)
	defer cancel()
	applied, err := l.migrator.Evolve(limited, d)
	var refused *migrations.FileError
	switch {
	case err == nil, ctx.Err() != nil:
		return applied, err
	case limited.Err() != nil:
	case migrations.LockNotHad(err) && time.Since(start) < l.cfg.WidenWait/2: // what is read before had to wait
		return applied, errors.Join(errRestart, err)
	case migrations.LockNotHad(err):
	case valuesGrew(err):
		return applied, errors.Join(errRestart, err)
	case errors.As(err, &refused) && !passes(err):
	default:
		return applied, err
	}
	for _, w := range d.Widen {
		l.refused[[2]string{w.Table, w.Column}] = true
		l.cfg.Logger.WarnContext(ctx, "column is not widened", "table", w.Table, "column", w.Column, "error", err)
	}
	return applied, errRestart
}

// widener answers the State's questions with the database's knowledge, once a column.
type widener struct {
	l     *worker
	ctx   context.Context //nolint:containedctx // lives as long as one attempt; the State's interface has no context
	asked map[[2]string]schema.Type
}

func (l *worker) widener(ctx context.Context) schema.Widener {
	return &widener{l: l, ctx: ctx, asked: map[[2]string]schema.Type{}}
}

// Widen implements schema.Widener. A column that cannot be widened now stays as it is for this State.
func (w *widener) Widen(table, column string) (schema.Type, bool) {
	key := [2]string{table, column}
	to, ok := w.asked[key]
	if !ok && !w.l.refused[key] && w.l.cfg.WidenMaxRows > 0 {
		to = w.l.wider(w.ctx, key)
		w.asked[key] = to
	}
	return to, to != schema.Unknown
}

// wider asks the database what type a bigint column can be widened to; Unknown means that it has to stay. If the database
// does not say, because a lock is not had or the connection is lost, the worker is unsure: a fault that passes must not
// send values to discards. Only a column whose lock is not had within WidenWait has to do without.
func (l *worker) wider(ctx context.Context, key [2]string) schema.Type {
	to, reason, err := l.migrator.CanWiden(ctx, key[0], key[1], l.cfg.WidenMaxRows)
	err = restartIfGone(err)
	switch {
	case err == nil:
		delete(l.lockless, key)
	case ctx.Err() != nil:
		l.unsure = context.Cause(ctx)
		return schema.Unknown
	case migrations.LockNotHad(err):
		since, again := l.lockless[key]
		if !again {
			l.lockless[key] = time.Now()
		}
		if !again || time.Since(since) < l.cfg.WidenWait {
			l.unsure = fmt.Errorf("%w: %w", errRestart, err)
			return schema.Unknown
		}
		l.refused[key] = true
	case errors.Is(err, errRestart):
		l.unsure = err
		return schema.Unknown
	case errors.Is(err, migrations.ErrOtherType): // what the State knows is old
		l.unsure = fmt.Errorf("%w: %w", errRestart, err)
		return schema.Unknown
	case passes(err):
		l.unsure = err
		return schema.Unknown
	}
	if err != nil {
		reason = err.Error()
	}
	if to == schema.Unknown {
		l.cfg.Logger.WarnContext(ctx, "column is not widened", "table", key[0], "column", key[1], "reason", reason)
	}
	return to
}
