// Package widen gives a column of a large table a wider type while loads and queries go on: a second column is filled
// beside it in small steps and then takes its place. Each step leaves the database in a state from which the next run goes
// on, or from which Abort goes back.
package widen

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Request says which column gets which type, and how gently.
type Request struct {
	Schema, Table, Column string
	To                    schema.Type
	// Source is the nickname of the source that the schema belongs to.
	Source string
	// BatchSize is how many rows one transaction fills. Defaults to DefaultBatchSize.
	BatchSize int
	// Pause is how long to wait between two of these. Defaults to none.
	Pause time.Duration
	// LockTimeout is how long a statement waits for a lock, with all later readers behind it; Wait is how long it is tried
	// again. Default to DefaultLockTimeout and DefaultWait.
	LockTimeout, Wait time.Duration
	// Progress is called while rows and values are filled in. Defaults to nothing.
	Progress func(Progress)
}

// Defaults of a Request.
const (
	DefaultBatchSize   = 10_000
	DefaultLockTimeout = 300 * time.Millisecond
	DefaultWait        = 10 * time.Minute
)

// Progress is how far a Job is.
type Progress struct {
	Step        Step
	Done, Total int64 // rows, or waiting values; Total is an estimate, 0 if there is none
}

// Step is a part of a Job that takes time.
type Step string

// The steps that Progress tells of.
const (
	StepRows     Step = "rows"
	StepSwap     Step = "swap"
	StepDiscards Step = "discards"
)

// Job is one widening. It belongs to one goroutine.
type Job struct {
	Columns []Column // the column, and its twin in users or accounts
	// Begun says that an earlier run began it; Swapped that the column has its new type and only discards are left. Without
	// Columns there was nothing to begin: the column had that type.
	Begun, Swapped bool

	req      Request
	pool     *pgxpool.Pool
	migrator *migrations.Migrator
}

// Column is a column of a Job.
type Column struct {
	migrations.Widening
	Rows  int64 // in the table, estimated
	Bytes int64 // of the table with its indexes
	// Views are those of others that use the column, by their qualified names.
	Views []string

	shadow   string  // the column that takes its place
	last     *string // the id up to which rows are filled
	copied   int64
	others   []dependent // what else hangs on the column
	unsuited string      // why the table cannot be filled in steps
}

// Open looks at a column and finds out whether it can get the type, or goes on with what an earlier run has begun. It changes
// nothing. Errors that the user can do something about are *migrations.NarrowingError, *NotFoundError, *PendingError
// and *ValuesError. The pool needs three connections; the migrator is that of the same schema.
func Open(ctx context.Context, pool *pgxpool.Pool, m *migrations.Migrator, req Request) (*Job, error) {
	j := newJob(ctx, pool, m, req)
	if err := j.look(ctx); err != nil {
		return nil, err
	}
	return j, nil
}

func newJob(ctx context.Context, pool *pgxpool.Pool, m *migrations.Migrator, req Request) *Job {
	if req.BatchSize <= 0 {
		req.BatchSize = DefaultBatchSize
	}
	if req.LockTimeout <= 0 {
		req.LockTimeout = DefaultLockTimeout
	}
	if req.Wait <= 0 {
		req.Wait = DefaultWait
	}
	if req.Progress == nil {
		req.Progress = func(Progress) {}
	}
	for calls, newest := range twins() {
		if req.Table == newest && hasColumn(ctx, pool, req.Schema, calls, req.Column) {
			req.Table = calls // the pair goes by the name of the calls
		}
	}
	return &Job{req: req, pool: pool, migrator: m}
}

func twins() map[string]string {
	return map[string]string{schema.TableIdentifies: schema.TableUsers, schema.TableGroups: schema.TableAccounts}
}

func hasColumn(ctx context.Context, pool *pgxpool.Pool, schemaName, table, column string) bool {
	typ, err := migrations.ColumnType(ctx, pool, schemaName, table, column)
	return err == nil && typ != "" // an error comes again
}

// look reads what there is now.
func (j *Job) look(ctx context.Context) error {
	j.Columns, j.Begun, j.Swapped = nil, false, false
	if err := j.readState(ctx); err != nil {
		return err
	}
	if !j.Begun {
		if err := j.choose(ctx); err != nil {
			return err
		}
	}
	for i := range j.Columns {
		if err := j.measure(ctx, &j.Columns[i]); err != nil {
			return err
		}
	}
	return nil
}

// choose finds the columns of a widening that is not begun. If the column has the type already, there is only the rest to
// do: a command that is run again must do no harm, and no less than once.
func (j *Job) choose(ctx context.Context) error {
	w := migrations.Widening{Table: j.req.Table, Column: j.req.Column, To: j.req.To}
	var err error
	if w.From, err = migrations.ColumnType(ctx, j.pool, j.req.Schema, w.Table, w.Column); err != nil {
		return err
	}
	if w.From == "" {
		return &NotFoundError{j.req.Schema, w.Table, w.Column}
	}
	if w.From != w.To.String() {
		if err := w.Check(); err != nil {
			return err
		}
		j.Columns = append(j.Columns, Column{Widening: w, shadow: shadow(w)})
	}
	if twin := twins()[w.Table]; twin != "" && !schema.IsStandardColumn(w.Column) {
		w.Table = twin
		if w.From, err = migrations.ColumnType(ctx, j.pool, j.req.Schema, w.Table, w.Column); err != nil {
			return err
		}
		// One that is wide already, or of another kind, somebody has seen to.
		if w.From != "" && w.Check() == nil {
			j.Columns = append(j.Columns, Column{Widening: w, shadow: shadow(w)})
		}
	}
	j.Swapped = len(j.Columns) == 0
	for i := range j.Columns {
		if err := j.checkValues(ctx, &j.Columns[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkValues looks for a value that the new type does not hold.
func (j *Job) checkValues(ctx context.Context, c *Column) error {
	exact := c.Exact(ident(c.Column))
	if exact == "" {
		return nil
	}
	var value *string
	err := j.pool.QueryRow(ctx, "select "+ident(c.Column)+"::pg_catalog.text from "+ident(j.req.Schema, c.Table)+" where not ("+exact+") limit 1").
		Scan(&value)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look at the values of %s.%s: %w", c.Table, c.Column, err)
	}
	return &ValuesError{c.Widening, *value}
}

// measure finds out how large the table is and what hangs on the column.
func (j *Job) measure(ctx context.Context, c *Column) error {
	err := j.pool.QueryRow(ctx, `select greatest(reltuples, 0)::bigint, pg_catalog.pg_total_relation_size(oid)
		from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)`, ident(j.req.Schema, c.Table)).Scan(&c.Rows, &c.Bytes)
	if err != nil {
		return fmt.Errorf("measure table %s: %w", c.Table, err)
	}
	if j.Swapped {
		return nil
	}
	all, err := dependents(ctx, j.pool, j.req.Schema, c)
	if err != nil {
		return err
	}
	c.Views, c.others = nil, nil
	for _, d := range all {
		if d.view {
			c.Views = append(c.Views, d.name)
		} else {
			c.others = append(c.others, d)
		}
	}
	c.unsuited, err = unsuited(ctx, j.pool, j.req.Schema, c)
	return err
}

// shadow is the name of everything that stands beside a column while it is widened.
func shadow(w migrations.Widening) string {
	sum := sha256.Sum256([]byte(w.Table + "\x00" + w.Column))
	return catalog.Shadow + hex.EncodeToString(sum[:8])
}

// widenings are the columns as package migrations wants them.
func (j *Job) widenings() []migrations.Widening {
	out := make([]migrations.Widening, len(j.Columns))
	for i := range j.Columns {
		out[i] = j.Columns[i].Widening
	}
	return out
}

// Instant reports whether Postgres changes the type at once, whatever the size of the table: Rewrite is the way then.
func (j *Job) Instant() bool {
	for i := range j.Columns {
		if !j.Columns[i].Instant() || len(j.Columns[i].Views) > 0 {
			return false
		}
	}
	return !j.Begun && !j.Swapped
}

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// lit quotes a text. Names and types alone come here, in sessions with standard_conforming_strings.
func lit(s string) string {
	out := []byte{'\''}
	for _, c := range []byte(s) {
		if c == '\'' {
			out = append(out, c)
		}
		out = append(out, c)
	}
	return string(append(out, '\''))
}
