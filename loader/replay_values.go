package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/waiting"
	"github.com/tapline/tapline/schema"
)

// curable are the reasons of discards that a change of the schema cures. The losers of collisions, reserved names, and what
// no text holds stay: their values have no place. rejected_by_database is a row of users or accounts.
func curable() []schema.Reason {
	return []schema.Reason{
		schema.UnknownColumn, schema.ColumnLimit, schema.TypeMismatch, schema.NumberOutOfRange, schema.RejectedByDatabase,
	}
}

// valuesInBatch is how many values one transaction tries: the locks of their rows are kept until its end.
const valuesInBatch = 5_000

// values is the replay of what waits in _discards.
type values struct {
	l       *Loader
	sel     Selection
	dry     bool
	reasons []string
	left    int64       // of Selection.Limit; negative for none
	planned schema.Diff // columns that a plan takes for there
	out     *ReplayReport
}

func (l *Loader) replayValues(ctx context.Context, s Selection, dry bool, out *ReplayReport) error {
	v := &values{l: l, sel: s, dry: dry, left: -1, out: out}
	for _, r := range curable() {
		if len(s.Reasons) == 0 || slices.Contains(s.Reasons, r) {
			v.reasons = append(v.reasons, string(r))
		}
	}
	if len(v.reasons) == 0 {
		return nil
	}
	if s.Limit > 0 {
		v.left = s.Limit
	}
	if l.cfg.Evolve == Auto {
		if err := v.addColumns(ctx); err != nil {
			return fmt.Errorf("replay values: %w", err)
		}
	}
	for faults := 1; ; faults++ {
		clear(out.Kept) // of values that another try looks at again
		err := v.run(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !passes(err) && !errors.Is(err, errRestart) || faults > l.cfg.Attempts {
			return fmt.Errorf("replay values: %w", err)
		}
		l.cfg.Logger.WarnContext(ctx, "replay of values goes on", "attempt", faults, "cause", err)
		if err := sleep(ctx, backOff(faults)); err != nil {
			return err
		}
	}
}

// place is where a row stands in _discards, and the row that its value is for.
type place struct{ at, table, row string }

// run looks once for what waits, in the order of the rows that it is for, and replays it in batches over another connection.
// Meanwhile other replays of the source wait, and vacuum gives no row's place to another.
func (v *values) run(ctx context.Context) error {
	return pgx.BeginTxFunc(ctx, v.l.pool, ledger.Options(), func(tx pgx.Tx) error {
		if err := ledger.Settle(ctx, tx); err != nil {
			return err
		}
		if err := waiting.Lock(ctx, tx, v.l.cfg.Schema); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "select ctid::pg_catalog.text, table_name, row_id from "+ident(v.l.cfg.Schema, "_discards")+" where "+waitingValues+
			" order by table_name, row_id, ctid", v.reasons, v.sel.Table, timeOrNull(v.sel.Since), timeOrNull(v.sel.Until))
		if err != nil {
			return fmt.Errorf("read discards: %w", err)
		}
		defer rows.Close()
		return v.batches(ctx, rows)
	})
}

// batches makes batches of places. Those of one row are in one: of several values for one column one wins.
func (v *values) batches(ctx context.Context, rows pgx.Rows) error {
	var batch []place
	for v.left != 0 && rows.Next() {
		var p place
		if err := rows.Scan(&p.at, &p.table, &p.row); err != nil {
			return fmt.Errorf("read discards: %w", err)
		}
		if n := len(batch); n >= valuesInBatch && (batch[n-1].table != p.table || batch[n-1].row != p.row) {
			if err := v.replay(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		batch = append(batch, p)
		v.left-- // below zero there is no limit
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read discards: %w", err)
	}
	if len(batch) == 0 {
		return nil
	}
	return v.replay(ctx, batch)
}

// replay replays the values in some places.
func (v *values) replay(ctx context.Context, places []place) error {
	b, err := v.newBatch()
	if err != nil {
		return err
	}
	for _, p := range places {
		b.places = append(b.places, p.at)
	}
	if err := b.run(ctx); err != nil && !(b.committing && b.isIn(ctx)) {
		return err
	}
	b.count()
	return nil
}

// valueBatch is one transaction.
type valueBatch struct {
	*values
	tx         pgx.Tx
	load       ledger.Load
	places     []string
	waiting    []*waitingValue
	types      map[string]map[string]schema.Type
	done       []string // places in _discards that need no more
	filled     map[string]int64
	kept       map[schema.Reason]int64
	committing bool
}

func (v *values) newBatch() (*valueBatch, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("make load id: %w", err)
	}
	return &valueBatch{
		values: v, filled: map[string]int64{}, kept: map[schema.Reason]int64{},
		load: ledger.Load{
			ID: id, Started: v.l.now(), UUIDTS: v.l.clock.instant(),
			Units: []ledger.Unit{{Key: "replay:" + id.String(), Name: waiting.Name, Kind: source.KindReplay}},
		},
	}, nil
}

// count adds what the batch did to the report.
func (b *valueBatch) count() {
	for table, n := range b.filled {
		b.out.Filled[table] += n
	}
	for reason, n := range b.kept {
		b.out.Kept[reason] += n
	}
	if len(b.done) > 0 && !b.dry {
		b.out.Loads = append(b.out.Loads, b.load.ID)
		b.out.Records.Committed = b.l.now()
	}
}

// isIn reports whether the batch was committed, and only the answer was lost.
func (b *valueBatch) isIn(ctx context.Context) (in bool) {
	err := b.l.pool.QueryRow(ctx, "select exists (select from "+ident(b.l.cfg.Schema, "_loads")+" where load = $1)", b.load.ID).Scan(&in)
	return err == nil && in
}

// run makes the transaction.
func (b *valueBatch) run(ctx context.Context) error {
	tx, err := b.l.pool.BeginTx(ctx, ledger.Options())
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	b.tx = tx
	err = b.do(ctx)
	if err != nil || len(b.done) == 0 || b.dry {
		return cmp.Or(err, b.rollback(ctx))
	}
	failpoint.Hit("before-fill-commit")
	b.committing = true
	if err := tx.Commit(ctx); err != nil {
		return b.lost(fmt.Errorf("commit: %w", err))
	}
	failpoint.Hit("after-fill-commit")
	return nil
}

// rollback ends the transaction without a trace.
func (b *valueBatch) rollback(ctx context.Context) error {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	err := b.tx.Rollback(end)
	if errors.Is(err, pgx.ErrTxClosed) {
		err = nil
	}
	return err
}

func (b *valueBatch) lost(err error) error {
	if b.tx.Conn().IsClosed() {
		return &lostError{err}
	}
	return err
}

func (b *valueBatch) do(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return ledger.Settle(ctx, b.tx) },
		b.read,
		b.lock,
		b.fill,
		b.people,
		b.mark,
	} {
		if err := step(ctx); err != nil {
			return b.lost(restartIfGone(err))
		}
	}
	return nil
}

// read claims the values that still wait.
func (b *valueBatch) read(ctx context.Context) error {
	lock := " for update"
	if b.dry {
		lock = ""
	}
	rows, err := b.tx.Query(ctx, "select ctid::pg_catalog.text, table_name, row_id, coalesce(column_name, ''), coalesce(raw_value, ''), reason,"+
		" coalesce(path::pg_catalog.text, '') from "+ident(b.l.cfg.Schema, "_discards")+
		" where ctid = any($1::pg_catalog.text[]::pg_catalog.tid[]) and replayed_at is null order by table_name, row_id, ctid"+lock, b.places)
	if err != nil {
		return fmt.Errorf("read discards: %w", err)
	}
	b.waiting, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*waitingValue, error) {
		w := &waitingValue{}
		return w, row.Scan(&w.place, &w.table, &w.row, &w.column, &w.raw, &w.reason, &w.path)
	})
	if err != nil {
		return fmt.Errorf("read discards: %w", err)
	}
	return nil
}

// waitingValues is the condition for rows of _discards, with parameters for reasons, table and times.
const waitingValues = "replayed_at is null and reason = any($1) and ($2 = '' or table_name = $2)" +
	" and ($3::timestamptz is null or uuid_ts >= $3) and ($4::timestamptz is null or uuid_ts < $4)"

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// mark notes in _discards which values need no more, and the batch in the ledger.
func (b *valueBatch) mark(ctx context.Context) error {
	if len(b.done) == 0 || b.dry {
		return nil
	}
	_, err := b.tx.Exec(ctx, "update "+ident(b.l.cfg.Schema, "_discards")+
		" set replayed_at = clock_timestamp(), replay_load = $1 where ctid = any($2::pg_catalog.text[]::pg_catalog.tid[])", b.load.ID, b.done)
	if err != nil {
		return fmt.Errorf("mark values as replayed: %w", err)
	}
	failpoint.Hit("after-fill-mark")
	for _, n := range b.filled {
		b.load.Filled += n
	}
	if err := b.l.ledger.Lock(ctx, b.tx); err != nil {
		return err
	}
	return b.l.ledger.Finish(ctx, b.tx, &b.load)
}
