package widen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/failpoint"
)

// fillRows fills the second columns in the rows that were there before the triggers.
func (j *Job) fillRows(ctx context.Context) error {
	var done, total int64
	for i := range j.Columns {
		total += j.Columns[i].Rows
		done += j.Columns[i].copied
	}
	for i := range j.Columns {
		c := &j.Columns[i]
		bound, err := j.bound(ctx, c)
		if err != nil {
			return err
		}
		for {
			j.req.Progress(Progress{StepRows, done, max(total, done)})
			n, err := j.fillBatch(ctx, c, bound)
			if err != nil {
				return fmt.Errorf("fill column %s.%s: %w", c.Table, c.Column, err)
			}
			failpoint.Hit("widen-batch")
			if n == 0 {
				break
			}
			done += n
			if err := sleep(ctx, j.req.Pause); err != nil {
				return err
			}
		}
	}
	j.req.Progress(Progress{StepRows, done, done})
	return nil
}

// bound returns the last id that there is. Rows that come later have their value from the trigger: without a bound, a load
// of ascending ids could be ahead of us for ever.
func (j *Job) bound(ctx context.Context, c *Column) (last *string, err error) {
	err = j.pool.QueryRow(ctx, `select max("id")::pg_catalog.text from `+ident(j.req.Schema, c.Table)).Scan(&last)
	if err != nil {
		return nil, fmt.Errorf("find the last row of %s: %w", c.Table, err)
	}
	return last, nil
}

// batchSQL returns the queries that find the end of the next batch and that fill it. $1 is the last id so far, $2 the
// number of rows or the end, $3 the bound.
func (j *Job) batchSQL(c *Column) (find, fill string) {
	table, column, name := ident(j.req.Schema, c.Table), ident(c.Column), ident(c.shadow)
	after := `"id" > $1`
	if c.last == nil {
		after = `$1::pg_catalog.text is null`
	}
	find = `select max(id)::pg_catalog.text, count(*) from (select "id" as id from ` + table + " where " + after +
		` and "id" <= $3 order by "id" limit $2) next`
	fill = "update " + table + " set " + name + " = " + c.Using(column) + " where " + after + ` and "id" <= $2 and ` + column +
		" is not null and " + name + " is null"
	return find, fill
}

// fillBatch fills the rows after the last id and notes the new last id, in one transaction. It returns 0 when there are
// none left, and has noted that then.
func (j *Job) fillBatch(ctx context.Context, c *Column, bound *string) (n int64, err error) {
	find, fill := j.batchSQL(c)
	state := "update " + ident(j.req.Schema, stateTable) + " set %s" + ` where "table_name" = $1 and "column_name" = $2`
	var end *string
	err = j.locked(ctx, func(tx pgx.Tx) error {
		if c.Floats() {
			if _, err := tx.Exec(ctx, "set local extra_float_digits = 1"); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(ctx, find, c.last, j.req.BatchSize, bound).Scan(&end, &n); err != nil {
			return err
		}
		if n == 0 {
			_, err := tx.Exec(ctx, fmt.Sprintf(state, `"state" = $3`), c.Table, c.Column, stateFilled)
			return err
		}
		if _, err := tx.Exec(ctx, fill, c.last, end); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, fmt.Sprintf(state, `"last_id" = $3, "copied" = "copied" + $4`), c.Table, c.Column, end, n)
		if err == nil && tag.RowsAffected() != 1 {
			err = errors.New("somebody has aborted it meanwhile")
		}
		return err
	})
	if err == nil && n > 0 {
		c.last = end
		c.copied += n
	}
	return n, err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
