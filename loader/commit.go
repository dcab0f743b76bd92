package loader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

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
	w.a.sumUp()
	if !failpoint.BrokenLedger {
		if err := w.l.ledger.Finish(ctx, w.tx, w.a.loads...); err != nil {
			return w.lost(sentBefore(err))
		}
	}
	failpoint.Hit("before-commit")
	w.a.sent = w.a
	err := w.tx.Commit(ctx)
	w.tx = nil
	if err != nil {
		return w.lost(fmt.Errorf("commit: %w", err))
	}
	failpoint.Hit("after-commit")
	if failpoint.BrokenLedger {
		return w.l.ledger.Finish(ctx, w.l.pool, w.a.loads...)
	}
	return nil
}

// check refuses to commit a load whose sums do not add up: a defect of Tapline must not become a loss of data.
func (w *writing) check() error {
	for i, m := range w.a.units {
		c := &w.a.counts[i]
		if c.Accepted != c.Loaded+c.Quarantined+c.Duplicates {
			return fmt.Errorf("internal: %s: %d records read, but %d loaded, %d quarantined, %d duplicates: nothing was committed; please report this",
				m.unit.Name(), c.Accepted, c.Loaded, c.Quarantined, c.Duplicates)
		}
	}
	return nil
}

// sumUp gives the counts of the units to their loads and to the report.
func (a *attempt) sumUp() {
	for i, m := range a.units {
		c := &a.counts[i]
		c.Bytes = m.unit.Size()
		a.report.add(*c)
		d := a.loadOf(i)
		d.Rows += c.Loaded
		d.Quarantined += c.Quarantined
		d.Duplicates += c.Duplicates
		d.Discarded += c.Discarded
	}
	a.loads[0].NewTables, a.loads[0].NewColumns = a.changes.tables, a.changes.columns
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
		loads := w.a.latestLoads()
		refused, err := l.Update(ctx, w.tx, w.l.cfg.Schema, loads)
		if err != nil {
			return err
		}
		if err := w.noteNewest(ctx, l, loads, refused); err != nil {
			return err
		}
	}
	return nil
}

// noteNewest notes in discards the calls that could make no row of users or accounts.
func (w *writing) noteNewest(ctx context.Context, l latest.Table, loads []latest.Load, refused []latest.Refused) error {
	n, err := l.TooLong(ctx, w.tx, w.l.cfg.Schema, loads)
	if err != nil {
		return err
	}
	w.a.noteNewest(l.Name, schema.IDTooLong, n)
	if len(refused) == 0 {
		return nil
	}
	n, err = l.NoteRefused(ctx, w.tx, w.l.cfg.Schema, loads, refused)
	w.a.noteNewest(l.Name, schema.RejectedByDatabase, n)
	return err
}

// noteNewest counts discards of loads, which are the first of a load's units.
func (a *attempt) noteNewest(table string, reason schema.Reason, n map[uuid.UUID]int64) {
	for i, m := range a.units {
		of := n[m.load]
		if of == 0 {
			continue
		}
		delete(n, m.load) // frames share it
		a.counts[i].Discarded += of
		a.report.Discards[reason] += of
		a.report.table(table).Discarded += of
	}
}

// latestLoads are the loads as package latest wants them.
func (a *attempt) latestLoads() []latest.Load {
	out := make([]latest.Load, len(a.loads))
	for i, d := range a.loads {
		out[i] = latest.Load{UUIDTS: pgTime(d.UUIDTS), ID: d.ID}
	}
	return out
}

// sentBefore turns the error that a load is in the ledger already into a restart: the COMMIT of an earlier attempt, whose answer
// was lost, went through after this one had begun. A window's row in _units does not tell, since any attempt may renew it.
func sentBefore(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == "_pk__loads" {
		return errors.Join(errClaimed, err)
	}
	return err
}
