package loader

import (
	"context"
	"fmt"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/schema"
)

// evolve gives the database the columns and tables that the rows so far need. While rows are uncommitted there must be
// no DDL: our own ALTER would wait for our own COPY on another connection, which no deadlock detector sees. So if the
// transaction is open it is rolled back, the rest of the unit is read for its schema alone, one evolution is made of
// all of it, and the unit starts again. The first chunk of a unit finds the transaction closed.
func (r *reading) evolve(ctx context.Context, full chan<- message, end bool) error {
	again := r.sent
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
	consistent, err := r.l.evolve(ctx, r.a.evolved)
	if err != nil {
		return err
	}
	if again || !consistent {
		return errRestart
	}
	return nil
}

// evolve applies what the State asks for. It returns false if the database came to have other types than that.
func (l *Loader) evolve(ctx context.Context, report *Report) (consistent bool, err error) {
	applied, err := l.migrator.Evolve(ctx, l.state.Pending())
	if err != nil {
		return false, fmt.Errorf("change the schema: %w", err)
	}
	report.evolved(applied.Diff)
	failpoint.Hit("after-evolve")
	tables, err := catalog.Read(ctx, l.pool, l.cfg.Schema)
	if err != nil {
		return false, fmt.Errorf("read catalog of %s: %w", l.cfg.Schema, err)
	}
	return l.state.Sync(tables), nil
}

// widener answers the State's questions with the database's knowledge, once a column.
type widener struct {
	l     *Loader
	ctx   context.Context //nolint:containedctx // lives as long as one attempt; the State's interface has no context
	asked map[[2]string]schema.Type
}

func (l *Loader) widener(ctx context.Context) schema.Widener {
	return &widener{l: l, ctx: ctx, asked: map[[2]string]schema.Type{}}
}

// Widen implements schema.Widener. A column that cannot be widened now stays as it is for this State.
func (w *widener) Widen(table, column string) (schema.Type, bool) {
	key := [2]string{table, column}
	to, ok := w.asked[key]
	if !ok && w.l.cfg.WidenMaxRows > 0 {
		var reason string
		var err error
		to, reason, err = w.l.migrator.CanWiden(w.ctx, table, column, w.l.cfg.WidenMaxRows)
		if err != nil || to == schema.Unknown {
			w.l.cfg.Logger.WarnContext(w.ctx, "column is not widened", "table", table, "column", column,
				"reason", reason, "error", err)
			to = schema.Unknown
		}
		w.asked[key] = to
	}
	return to, to != schema.Unknown
}
