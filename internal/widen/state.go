package widen

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// The tables that are there while something is being widened: which columns, how far they are, and rows that came
// meanwhile with values that the new type does not hold.
const (
	stateTable   = "_widenings"
	misfitsTable = "_widening_misfits"
)

// States of a column in _widenings.
const (
	stateFilling = "filling"
	stateFilled  = "filled"
	stateSwapped = "swapped"
)

// stateSQL makes the two tables.
func (j *Job) stateSQL() []string {
	state, misfits := ident(j.req.Schema, stateTable), ident(j.req.Schema, misfitsTable)
	return []string{
		"create table if not exists " + state + ` ("table_name" text collate "C", "column_name" text collate "C", "from_type" text not null, ` +
			`"to_type" text not null, "state" text not null, "last_id" text, "copied" bigint not null default 0, ` +
			`"begun_at" timestamptz not null default now(), "begun_by" text not null default current_user, ` +
			`constraint "_pk__widenings" primary key ("table_name", "column_name"))`,
		"comment on table " + state + " is 'Columns that are being widened, and how far they are; the table goes when none is left.'",
		"create table if not exists " + misfits + ` ("table_name" text, "column_name" text, "row_id" text)`,
		"comment on table " + misfits + " is 'Rows that came during a widening with a value that the new type does not hold.'",
	}
}

// readState takes over what an earlier run has begun.
func (j *Job) readState(ctx context.Context) error {
	there, err := exists(ctx, j.pool, ident(j.req.Schema, stateTable))
	if err != nil || !there {
		return err
	}
	rows, err := j.pool.Query(ctx, `select "table_name", "from_type", "to_type", "state", "last_id", "copied" from `+
		ident(j.req.Schema, stateTable)+` where "column_name" = $1 and "table_name" = any($2) order by "table_name" = $3 desc`,
		j.req.Column, []string{j.req.Table, twins()[j.req.Table]}, j.req.Table)
	if err != nil {
		return fmt.Errorf("read %s: %w", stateTable, err)
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (_ struct{}, err error) {
		c := Column{Widening: migrations.Widening{Column: j.req.Column}}
		var to, state string
		if err = row.Scan(&c.Table, &c.From, &to, &state, &c.last, &c.copied); err != nil {
			return struct{}{}, err
		}
		c.To, c.shadow = schema.ParseType(to), shadow(c.Widening)
		j.Columns = append(j.Columns, c)
		j.Begun, j.Swapped = true, state == stateSwapped
		return struct{}{}, nil
	})
	switch {
	case missing(err):
		return nil // the last one has ended meanwhile
	case err != nil:
		return fmt.Errorf("read %s: %w", stateTable, err)
	}
	if j.Begun && j.Columns[0].To != j.req.To && j.req.To != schema.Unknown {
		return &PendingError{j.Columns[0].Widening, j.Swapped}
	}
	return nil
}

func exists(ctx context.Context, q querier, relation string) (there bool, err error) {
	err = q.QueryRow(ctx, "select pg_catalog.to_regclass($1) is not null", relation).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", relation, err)
	}
	return there, nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func missing(err error) bool { return code(err) == "42P01" }

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// lockState keeps others from making or dropping the state's tables.
func (j *Job) lockState(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))", "tapline widenings "+j.req.Schema)
	return err
}

// forget deletes the rows of this Job, and the tables with the last row.
func (j *Job) forget(ctx context.Context, tx pgx.Tx) error {
	if err := j.lockState(ctx, tx); err != nil {
		return err
	}
	for i := range j.Columns {
		c := &j.Columns[i]
		for _, table := range []string{stateTable, misfitsTable} {
			_, err := tx.Exec(ctx, "delete from "+ident(j.req.Schema, table)+` where "table_name" = $1 and "column_name" = $2`, c.Table, c.Column)
			if err != nil {
				return fmt.Errorf("delete from %s: %w", table, err)
			}
		}
	}
	var more bool
	if err := tx.QueryRow(ctx, "select exists (select from "+ident(j.req.Schema, stateTable)+")").Scan(&more); err != nil || more {
		return err
	}
	_, err := tx.Exec(ctx, "drop table "+ident(j.req.Schema, stateTable)+", "+ident(j.req.Schema, misfitsTable))
	return err
}
