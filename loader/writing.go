package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/copyin"
	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/refusal"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// writing is the second half of the pipeline: it copies chunks into the tables, in the one transaction of the unit.
type writing struct {
	l *worker
	a *attempt

	conn     *pgxpool.Conn
	tx       pgx.Tx
	saved    bool                              // there is a savepoint, from the last COPY
	types    map[string]map[string]schema.Type // of the locked tables, as they are in this transaction
	known    map[string]bool                   // tables where ids were met that are there already
	consts   []copyin.Constant                 // of event tables
	internal []copyin.Constant                 // of quarantine and discards
	tables   [2]copyin.Table                   // one is copied while the other is prepared
	gone     map[*batch.Table]map[int32]bool
}

func (w *writing) run(ctx context.Context, full <-chan message, free chan<- *batch.Chunk) error {
	for m := range full {
		if m.rollback != nil {
			if err := w.rollback(ctx); err != nil {
				return err
			}
			close(m.rollback)
			continue
		}
		if err := w.write(ctx, m.chunk); err != nil {
			return w.lost(err)
		}
		free <- m.chunk
	}
	return nil
}

// lost marks an error after which the connection is closed.
func (w *writing) lost(err error) error {
	if w.conn != nil && w.conn.Conn().IsClosed() {
		return &lostError{err}
	}
	return err
}

// begin opens the transaction and claims the unit. It is READ COMMITTED: after a table is locked, its types must be
// read as they are then. A DBA's settings for the role must not make the load less than durable, or cut it off.
func (w *writing) begin(ctx context.Context) error {
	conn, err := w.l.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	w.conn, w.saved = conn, false
	w.tx, err = conn.BeginTx(ctx, ledger.Options())
	if err != nil {
		return w.lost(fmt.Errorf("begin: %w", err))
	}
	if err := ledger.Settle(ctx, w.tx); err != nil {
		return w.lost(err)
	}
	if !failpoint.BrokenUnits {
		if err := w.claim(ctx); err != nil {
			return w.lost(err)
		}
	}
	failpoint.Hit("after-claim")
	w.types, w.known, w.gone = map[string]map[string]schema.Type{}, map[string]bool{}, map[*batch.Table]map[int32]bool{}
	w.stamp()
	return nil
}

// claim inserts the rows of the units into the ledger.
func (w *writing) claim(ctx context.Context) error {
	claim := w.l.ledger.Claim
	if source.KindOf(w.a.units[0].unit) == source.KindWindow {
		claim = w.l.ledger.Renew
	}
	n, err := claim(ctx, w.tx, w.a.loads)
	if err == nil && n < int64(len(w.a.units)) {
		err = errClaimed
	}
	return err
}

// stamp makes the values that say of each row which load it is of.
func (w *writing) stamp() {
	times, ids := copyin.Constant{Column: "uuid_ts"}, copyin.Constant{Column: "load"}
	for _, d := range w.a.loads {
		times.Fields, ids.Fields = append(times.Fields, copyin.TimeField(d.UUIDTS)), append(ids.Fields, copyin.UUIDField(d.ID))
	}
	w.consts, w.internal = []copyin.Constant{times}, []copyin.Constant{times, ids}
}

// write copies one chunk.
func (w *writing) write(ctx context.Context, c *batch.Chunk) error {
	start := time.Now()
	if w.tx == nil {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	tables := slices.SortedFunc(slices.Values(c.Tables()), func(a, b *batch.Table) int { return cmp.Compare(a.Name, b.Name) })
	if err := w.lock(ctx, tables); err != nil {
		return err
	}
	clear(w.gone)
	if err := w.writeTables(ctx, tables); err != nil {
		return err
	}
	if err := w.writeDiscards(ctx, c); err != nil {
		return err
	}
	if err := w.writeQuarantine(ctx, c); err != nil {
		return err
	}
	if err := w.mark(ctx, c.Origins); err != nil {
		return err
	}
	w.l.cfg.Logger.DebugContext(ctx, "chunk copied", "unit", w.a.name(), "bytes", c.Size(), "tables", len(tables),
		"took", time.Since(start))
	return nil
}

// lock keeps the tables from being changed until the transaction ends and checks that they have the types that the
// rows were made with. Types read before the lock may be old: 8 bytes of a bigint that are written into what has
// become a double are another number, without an error.
func (w *writing) lock(ctx context.Context, tables []*batch.Table) error {
	var names, quoted []string
	for _, t := range tables {
		if w.types[t.Name] == nil {
			names = append(names, t.Name)
			quoted = append(quoted, pgx.Identifier{w.l.cfg.Schema, t.Name}.Sanitize())
		}
	}
	if len(names) > 0 {
		if _, err := w.tx.Exec(ctx, "lock table "+strings.Join(quoted, ", ")+" in row exclusive mode"); err != nil {
			return fmt.Errorf("lock tables: %w", restartIfGone(err))
		}
		types, err := catalog.Types(ctx, w.tx, w.l.cfg.Schema, names)
		if err != nil {
			return fmt.Errorf("read types: %w", err)
		}
		for _, n := range names {
			if id, found := types[n]["id"]; found && id != schema.Text {
				return fmt.Errorf("column id of table %s.%s is not text: rename the table or the column, or load into another "+
					"schema with --schema", w.l.cfg.Schema, n)
			}
			w.types[n] = types[n]
		}
	}
	for _, t := range tables {
		var changed error
		t.Types(func(column string, typ schema.Type) {
			if have := w.types[t.Name][column]; have != typ {
				changed = fmt.Errorf("%w: %s.%s is %s, rows have %s", errRestart, t.Name, column, have, typ)
			}
		})
		t.Refused(func(column string, typ schema.Type) {
			if have, there := w.types[t.Name][column]; there && have != typ {
				changed = fmt.Errorf("%w: %s.%s is %s, values were refused for %s", errRestart, t.Name, column, have, typ)
			}
		})
		if changed != nil {
			return changed
		}
	}
	return nil
}

// writeTables copies the rows of all tables, one after the other. While one is copied the next is sorted and encoded, so
// that the server always has something to do.
func (w *writing) writeTables(ctx context.Context, tables []*batch.Table) error {
	free, ready := make(chan *copyin.Table, len(w.tables)), make(chan *copyin.Table)
	for i := range w.tables {
		free <- &w.tables[i]
	}
	stop := make(chan struct{})
	go func() {
		defer close(ready)
		for _, rows := range tables {
			select {
			case t := <-free:
				t.Prepare(rows, w.consts)
				select {
				case ready <- t:
				case <-stop:
				}
			case <-stop:
				return
			}
		}
	}()
	var failed error
	for _, rows := range tables {
		t := <-ready
		if failed = w.writeTable(ctx, rows, t); failed != nil {
			break
		}
		free <- t
		failpoint.Hit("in-copy")
	}
	close(stop)
	for range ready { // nothing may read the chunk any more
	}
	return failed
}

// writeTable copies the rows of one table.
func (w *writing) writeTable(ctx context.Context, rows *batch.Table, t *copyin.Table) error {
	err := w.insert(ctx, t)
	if refusal.Is(err) {
		return w.isolate(ctx, rows, t) // nothing of this attempt is committed, nor counted
	}
	if err != nil {
		return err
	}
	loaded, duplicates := int64(len(t.Rows)), int64(rows.Rows-len(t.Rows))
	sum := w.a.report.table(rows.Name)
	sum.Loaded += loaded
	sum.Duplicates += duplicates
	w.count(rows, t.Rows, func(c *Counts) *int64 { return &c.Loaded })
	if duplicates > 0 {
		there := make(map[int32]bool, len(t.Rows))
		for _, r := range t.Rows {
			there[r] = true
		}
		w.gone[rows] = there
	}
	return nil
}

// writeDiscards copies the discards of rows that were really inserted.
func (w *writing) writeDiscards(ctx context.Context, c *batch.Chunk) error {
	var keep []int32
	c.EachDiscard(func(i int32, t *batch.Table, row int32, reason schema.Reason) {
		if there, partly := w.gone[t]; partly && !there[row] {
			return
		}
		keep = append(keep, i)
		w.a.report.Discards[reason]++
		w.a.counts[c.Discards.UnitOf(i)].Discarded++
		w.a.report.table(t.Name).Discarded++
	})
	if len(keep) == 0 {
		return nil
	}
	t := &w.tables[0]
	t.PrepareRows(&c.Discards, keep, w.internal)
	_, err := w.l.writer.Write(ctx, w.conn.Conn().PgConn(), t, "")
	return err
}

// writeQuarantine copies the quarantined records that are not there yet.
func (w *writing) writeQuarantine(ctx context.Context, c *batch.Chunk) error {
	if c.Quarantine.Rows == 0 {
		return nil
	}
	t := &w.tables[0]
	t.Prepare(&c.Quarantine, w.internal)
	if err := w.insert(ctx, t); err != nil {
		return err
	}
	for _, row := range t.Rows {
		w.a.report.Quarantine[c.Reason(row)]++
	}
	w.count(&c.Quarantine, t.Rows, func(c *Counts) *int64 { return &c.Quarantined })
	return nil
}

// count adds to each unit's counts the rows that were inserted, and as duplicates the others of rows.
func (w *writing) count(rows *batch.Table, inserted []int32, field func(*Counts) *int64) {
	if unit, only := rows.OnlyUnit(); only {
		sum := &w.a.counts[unit]
		*field(sum) += int64(len(inserted))
		sum.Duplicates += int64(rows.Rows - len(inserted))
		return
	}
	rows.EachUnit(func(unit int32, n int64) { w.a.counts[unit].Duplicates += n })
	for _, row := range inserted {
		sum := &w.a.counts[rows.UnitOf(row)]
		*field(sum)++
		sum.Duplicates--
	}
}

// rollback ends the transaction without a trace. The connection stays for the next.
func (w *writing) rollback(ctx context.Context) error {
	if w.tx == nil {
		return nil
	}
	err := w.tx.Rollback(ctx)
	w.tx = nil
	if err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		return w.lost(fmt.Errorf("roll back: %w", err))
	}
	w.close(ctx)
	return nil
}

// close gives the connection back. An open transaction is rolled back by that.
func (w *writing) close(ctx context.Context) {
	if w.conn == nil {
		return
	}
	if w.tx != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		_ = w.tx.Rollback(ctx) // it failed already, or the Load is being cancelled; the server rolls back in any case
	}
	w.conn.Release()
	w.conn, w.tx = nil, nil
}
