package loader

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/copyin"
	"github.com/tapline/tapline/internal/refusal"
)

// insert copies the rows of t, as far as their ids are not in the table yet. t.Rows are then those that were inserted. After
// an error that is about the rows' data, t.Rows are those among which it is, and the transaction can go on.
//
// The COPY is optimistic: only when it hits an id that is there are ids looked up, those rows left out, and the rest
// copied. Staging all of them and inserting with ON CONFLICT costs three times a COPY. A row that another transaction has
// inserted and not committed makes the COPY wait for that one's end. Of a window that was loaded before, most rows are there:
// it begins with the look-up.
func (w *writing) insert(ctx context.Context, t *copyin.Table) error {
	table := t.Record.Table
	var failed error
	for try := 0; ; try++ {
		if w.known[table] || w.a.again() {
			before := len(t.Rows)
			rows, err := w.absent(ctx, t)
			if err != nil {
				return err
			}
			t.Choose(rows)
			if failed != nil && len(rows) == before { // it was no id that is there: the same would happen again
				return failed
			}
		}
		if len(t.Rows) == 0 {
			return nil
		}
		failed = w.copyRows(ctx, t)
		if failed == nil || !refusal.Is(failed) || try == maxConflicts {
			return failed
		}
		w.known[table] = true
	}
}

// copyRows copies the rows of t inside a savepoint. After an error about their data the transaction is as it was before.
// The savepoints are set and released in the statement of the COPY: each round trip is time in which the server waits.
func (w *writing) copyRows(ctx context.Context, t *copyin.Table) error {
	before := "savepoint rows; "
	if w.saved {
		before = "release savepoint rows; savepoint rows; "
	}
	n, err := w.l.writer.Write(ctx, w.conn.Conn().PgConn(), t, before)
	w.saved = true
	switch {
	case err == nil && n != int64(len(t.Rows)):
		return fmt.Errorf("copy into %s: %d rows sent, %d taken: a trigger or rule leaves rows out", t.Record.Table, len(t.Rows), n)
	case err == nil:
		return nil
	case !refusal.Is(err):
		return restartIfGone(err)
	}
	// Without the release, the savepoints of many attempts would lie in each other.
	if _, err := w.tx.Exec(ctx, "rollback to savepoint rows; release savepoint rows"); err != nil {
		return fmt.Errorf("roll back to savepoint: %w", err)
	}
	w.saved = false
	return err
}

// maxConflicts bounds how often other transactions may commit the same ids between our look-up and our COPY.
const maxConflicts = 20

// absent returns the rows whose ids are not in the table, in their order.
func (w *writing) absent(ctx context.Context, t *copyin.Table) ([]int32, error) {
	sql := "select k.n from unnest($1::pg_catalog.text[]) with ordinality as k(id, n) join " +
		pgx.Identifier{w.l.cfg.Schema, t.Record.Table}.Sanitize() + " as t on t.id = k.id"
	found, err := w.tx.Query(ctx, sql, copyin.IDs(&t.Record, t.Rows))
	if err != nil {
		return nil, fmt.Errorf("look up ids in %s: %w", t.Record.Table, err)
	}
	there := make([]bool, len(t.Rows))
	var n int64
	if _, err := pgx.ForEachRow(found, []any{&n}, func() error { there[n-1] = true; return nil }); err != nil {
		return nil, fmt.Errorf("look up ids in %s: %w", t.Record.Table, err)
	}
	out := t.Rows[:0]
	for i, r := range t.Rows {
		if !there[i] {
			out = append(out, r)
		}
	}
	return out, nil
}
