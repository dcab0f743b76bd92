package loader

import (
	"context"
	"fmt"
	"time"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/internal/latest"
	"github.com/tapline/tapline/schema"
)

// rollbackTime is how long the end of a cancelled load may wait for the server's answer.
const rollbackTime = 5 * time.Second

// commit ends the unit's transaction: users and accounts, a tracks table, then the ledger, then COMMIT. A unit without records has its
// ledger row too: it is done.
func (w *writing) commit(ctx context.Context) error {
	if w.a.empty() && !w.a.rejected.found {
		return w.rollback(ctx)
	}
	if w.tx == nil {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	if err := w.a.rejected.restart(); err != nil {
		return err
	}
	if err := w.check(); err != nil {
		return err
	}
	if err := w.latest(ctx); err != nil {
		return w.lost(err)
	}
	if err := w.fillTracks(ctx); err != nil {
		return w.lost(err)
	}
	if err := w.l.ledger.Lock(ctx, w.tx); err != nil {
		return w.lost(err)
	}
	d, r := &w.a.load, w.a.report
	d.Rows, d.Quarantined, d.Duplicates, d.Discarded = r.Loaded, r.Quarantined, r.Duplicates, r.Discarded
	d.NewTables, d.NewColumns = w.a.changes.tables, w.a.changes.columns
	r.Bytes = d.Unit.Size
	if !failpoint.BrokenLedger {
		if err := w.l.ledger.Finish(ctx, w.tx, d); err != nil {
			return w.lost(err)
		}
	}
	failpoint.Hit("before-commit")
	w.a.committing = true
	err := w.tx.Commit(ctx)
	w.tx = nil
	if err != nil {
		return w.lost(fmt.Errorf("commit: %w", err))
	}
	failpoint.Hit("after-commit")
	if failpoint.BrokenLedger {
		return w.l.ledger.Finish(ctx, w.l.pool, d)
	}
	return nil
}

// check refuses to commit a load whose sums do not add up: a defect of Tapline must not become a loss of data.
func (w *writing) check() error {
	r := w.a.report
	if r.Accepted != r.Loaded+r.Quarantined+r.Duplicates {
		return fmt.Errorf("internal: %d records read, but %d loaded, %d quarantined, %d duplicates: nothing was committed; please report this",
			r.Accepted, r.Loaded, r.Quarantined, r.Duplicates)
	}
	return nil
}

// latest brings users and accounts up to date with the identify and group calls of this load. The source's lock makes
// sure that the calls of a load that commits meanwhile are seen.
func (w *writing) latest(ctx context.Context) error {
	for _, l := range latest.Tables() {
		if t := w.a.report.Tables[l.Calls]; t == nil || t.Loaded == 0 {
			continue
		}
		if err := w.l.ledger.Lock(ctx, w.tx); err != nil {
			return err
		}
		refused, err := l.Update(ctx, w.tx, w.l.cfg.Schema, pgTime(w.a.load.UUIDTS))
		if err != nil {
			return err
		}
		if err := w.noteNewest(ctx, l, refused); err != nil {
			return err
		}
	}
	return nil
}

// noteNewest notes in discards the calls that could make no row of users or accounts.
func (w *writing) noteNewest(ctx context.Context, l latest.Table, refused []latest.Refused) error {
	note := func(reason schema.Reason, n int64) {
		if n > 0 {
			w.a.report.Discarded += n
			w.a.report.Discards[reason] += n
			w.a.report.table(l.Name).Discarded += n
		}
	}
	n, err := l.TooLong(ctx, w.tx, w.l.cfg.Schema, pgTime(w.a.load.UUIDTS), w.a.load.ID)
	if err != nil {
		return err
	}
	note(schema.IDTooLong, n)
	if len(refused) == 0 {
		return nil
	}
	n, err = l.NoteRefused(ctx, w.tx, w.l.cfg.Schema, pgTime(w.a.load.UUIDTS), w.a.load.ID, refused)
	note(schema.RejectedByDatabase, n)
	return err
}
