package loader

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/copyin"
	"github.com/tapline/tapline/internal/refusal"
)

// rejections are the rows of a unit that Postgres has refused in any attempt. An attempt that finds one goes on to the
// unit's end, to find the others, and is then rolled back; the next one sends these records to quarantine while it
// reads, where their bytes are at hand. So a unit without such rows keeps and pays nothing for them, and what is
// committed was copied like any other.
type rejections struct {
	rows  map[rowKey][]string // why, for each row of that key that was refused, in the unit's order
	count int
	found bool // in this attempt
	first refusal.LimitError
}

// rowKey is a row's key (rule 16).
type rowKey struct{ table, id string }

// begin starts an attempt. It returns what the reading is to send to quarantine, as a copy of its own.
func (r *rejections) begin() map[rowKey][]string {
	r.found = false
	return maps.Clone(r.rows)
}

// add notes a row that was refused.
func (r *rejections) add(table, id string, err error) error {
	if r.count == 0 {
		r.rows = map[rowKey][]string{}
		r.first = refusal.LimitError{Table: table, ID: id, Err: err}
	}
	if r.count == refusal.Max {
		return &r.first
	}
	r.count++
	r.found = true
	key := rowKey{table, id}
	r.rows[key] = append(r.rows[key], refusal.Detail(err))
	return nil
}

// restart is not nil if the attempt has found rows that are to go to quarantine.
func (r *rejections) restart() error {
	if !r.found {
		return nil
	}
	return &rejectedError{&r.first}
}

// rejectedError says that the unit has to be read again, because rows were refused. Should that never end, the first row's
// error is what the unit fails with.
type rejectedError struct{ first *refusal.LimitError }

func (e *rejectedError) Error() string {
	return fmt.Sprintf("rows were refused, the first of table %s with id %q: %v", e.first.Table, e.first.ID, e.first.Err)
}
func (e *rejectedError) Unwrap() error        { return e.first.Err }
func (e *rejectedError) Is(target error) bool { return target == errRestart }

// wasRejected reports whether the record was refused in an earlier attempt, and says in the event why. Of several records
// with one key the first were refused: a quarantined record does not use up its id.
func (r *reading) wasRejected() bool {
	if len(r.rejected) == 0 || r.row.Ignored {
		return false
	}
	key := rowKey{r.row.Table.Name, string(r.row.ID)}
	why := r.rejected[key]
	if len(why) == 0 {
		return false
	}
	r.rejected[key] = why[1:]
	r.ev.Detail = why[0]
	return true
}

// isolate copies the rows of t, some of which Postgres refuses, in ever smaller parts, until those are alone, and notes
// them. If the refused one was the first of its id in the chunk, the next one has its turn.
func (w *writing) isolate(ctx context.Context, rows *batch.Table, t *copyin.Table) error {
	part := slices.Clone(t.Rows)
	for len(part) > 0 {
		refused, err := w.halve(ctx, t, part)
		if err != nil {
			return err
		}
		part = next(t, rows, refused)
	}
	return nil
}

// halve copies the given rows, or else each half of them, and returns those that are refused alone.
func (w *writing) halve(ctx context.Context, t *copyin.Table, rows []int32) ([]int32, error) {
	t.Choose(rows)
	err := w.copyRows(ctx, t)
	switch {
	case err == nil || !refusal.Is(err):
		return nil, err
	case len(rows) == 1:
		return w.refused(ctx, t, err)
	}
	half := len(rows) / 2
	refused, err := w.halve(ctx, t, rows[:half])
	if err != nil {
		return nil, err
	}
	more, err := w.halve(ctx, t, rows[half:])
	return append(refused, more...), err
}

// refused notes the only row of t, unless another transaction has brought in its id meanwhile: then it is a duplicate.
func (w *writing) refused(ctx context.Context, t *copyin.Table, why error) ([]int32, error) {
	rows, err := w.absent(ctx, t)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows, w.a.rejected.add(t.Record.Table, copyin.IDs(&t.Record, rows)[0], why)
}

// next returns for each refused row the next one in the chunk that has its id.
func next(t *copyin.Table, all *batch.Table, refused []int32) []int32 {
	if len(refused) == 0 {
		return nil
	}
	last := map[string]int32{}
	for i, id := range copyin.IDs(&t.Record, refused) {
		last[id] = refused[i]
	}
	every := make([]int32, all.Rows)
	for i := range every {
		every[i] = int32(i)
	}
	var out []int32
	for i, id := range copyin.IDs(&t.Record, every) {
		if row, ok := last[id]; ok && int32(i) > row {
			out = append(out, int32(i))
			delete(last, id)
		}
	}
	return out
}
