// Package discards brings values that wait in _discards into the columns they were for, once these can hold them: after a
// column was widened, or was added by somebody who owns the schema.
package discards

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/schema"
)

// Column is a column whose waiting values are to be stored.
type Column struct {
	Schema, Table, Name string
	// Reasons are those of the values that are tried. Defaults to those that a wider type can cure: type_mismatch and
	// number_out_of_range.
	Reasons []schema.Reason
	// CleverTap says that the source's strings may be CleverTap's date literals (rule 21).
	CleverTap bool
	// BatchSize is how many values one transaction tries. Defaults to 5,000.
	BatchSize int
	// After is called after each transaction; its error ends Fill, which can be called again. Defaults to nothing.
	After func(Filled) error
}

// Filled says what became of the values of a Column.
type Filled struct {
	Stored int64 `json:"stored"` // are in their rows now
	Left   int64 `json:"left"`   // still wait: the column cannot hold them either, their row is gone or has a value
}

// Fill converts the values of a column by the rules that loads follow and stores those that it can hold now. A value is
// stored only where its row has none. In the transaction that stores it, it is marked as replayed; where _discards has no
// column for that, it is deleted. users and accounts follow. Fill may be interrupted, repeated, and run beside loads and
// other Fills: each value is stored once. It reads on one connection and writes on another.
func Fill(ctx context.Context, pool *pgxpool.Pool, c Column) (Filled, error) {
	var done Filled
	err := c.fill(ctx, pool, &done)
	if err != nil {
		err = fmt.Errorf("fill column %s.%s.%s from _discards: %w", c.Schema, c.Table, c.Name, err)
	}
	return done, err
}

func (c Column) fill(ctx context.Context, pool *pgxpool.Pool, done *Filled) error {
	if len(c.Reasons) == 0 {
		c.Reasons = []schema.Reason{schema.TypeMismatch, schema.NumberOutOfRange}
	}
	if c.BatchSize <= 0 {
		c.BatchSize = 5_000
	}
	marks, err := hasMark(ctx, pool, c.Schema)
	if err != nil {
		return err
	}
	f := &filler{Column: c, pool: pool, waiting: "table_name = $1 and column_name = $2 and reason = any($3)"}
	if marks {
		f.waiting += " and replayed_at is null"
		f.done = "update " + ident(c.Schema, "_discards") + " set replayed_at = clock_timestamp()"
	} else {
		f.done = "delete from " + ident(c.Schema, "_discards")
	}
	return f.run(ctx, done)
}

// hasMark reports whether _discards says which of its values were replayed: those of older releases do not.
func hasMark(ctx context.Context, pool *pgxpool.Pool, schemaName string) (has bool, err error) {
	err = pool.QueryRow(ctx, "select exists (select from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass($1)"+
		" and attname = 'replayed_at' and not attisdropped)", ident(schemaName, "_discards")).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look at _discards: %w", err)
	}
	return has, nil
}

// filler is one Fill at work.
type filler struct {
	Column
	pool    *pgxpool.Pool
	waiting string // the condition for a row of _discards to be tried
	done    string // the statement that marks rows, without its condition
}

func (f *filler) args(more ...any) []any {
	reasons := make([]string, len(f.Reasons))
	for i, r := range f.Reasons {
		reasons[i] = string(r)
	}
	return append([]any{f.Table, f.Name, reasons}, more...)
}

// run reads which rows wait, once, because _discards has no index for that, and stores them in batches. While the query
// is open its snapshot keeps vacuum from giving a row's place to another.
func (f *filler) run(ctx context.Context, done *Filled) error {
	conn, err := f.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, "select ctid::pg_catalog.text from "+ident(f.Schema, "_discards")+" where "+f.waiting, f.args()...)
	if err != nil {
		return fmt.Errorf("find waiting values: %w", err)
	}
	defer rows.Close()
	for more := true; more; {
		var places []string
		for len(places) < f.BatchSize {
			if more = rows.Next(); !more {
				break
			}
			var at string
			if err := rows.Scan(&at); err != nil {
				return fmt.Errorf("find waiting values: %w", err)
			}
			places = append(places, at)
		}
		if len(places) == 0 {
			break
		}
		if err := f.batch(ctx, places, done); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("find waiting values: %w", err)
	}
	return nil
}

// batch stores the values in some places of _discards, in a transaction of its own.
func (f *filler) batch(ctx context.Context, places []string, done *Filled) error {
	for try := 1; ; try++ {
		tried, stored, err := f.transaction(ctx, places)
		if err == nil {
			done.Stored += stored
			done.Left += tried - stored
			break
		}
		if !deadlock(err) || try == maxTries {
			return err
		}
	}
	if f.After == nil {
		return nil
	}
	return f.After(*done)
}

// maxTries bounds how often a batch begins again after a deadlock with a load.
const maxTries = 10

func deadlock(err error) bool {
	var pg interface{ SQLState() string }
	return errors.As(err, &pg) && (pg.SQLState() == "40P01" || pg.SQLState() == "40001")
}

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }
