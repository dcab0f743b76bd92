// Package ledger keeps which units of a source are loaded and what each load did. Its rows are written in the
// transaction of the data they speak of, so that neither can be there without the other.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/schema"
)

// Querier runs statements: a pool, a connection or a transaction.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Ledger is the ledger of one source: the tables _units and _loads of its schema.
type Ledger struct {
	units, loads string // sanitized, schema-qualified
	lock         string // the source's advisory lock, as a parameter of hashtextextended
}

// New returns the ledger in a source's schema.
func New(schemaName string) *Ledger {
	return &Ledger{
		units: pgx.Identifier{schemaName, "_units"}.Sanitize(),
		loads: pgx.Identifier{schemaName, "_loads"}.Sanitize(),
		lock:  "tapline load " + schemaName,
	}
}

// Unit is the identity of a unit, for its row in _units.
type Unit struct {
	Key  string
	Name string
	Kind string
	Size int64
}

// Load is what one load did.
type Load struct {
	ID                                       uuid.UUID
	Seq                                      int64
	UUIDTS                                   schema.Micros
	Unit                                     Unit
	Rows, Quarantined, Duplicates, Discarded int64
	Filled                                   int64 // values that waited in _discards
	NewTables, NewColumns                    int64
	Started                                  time.Time
	Err                                      error
}

// Find returns the load that brought a unit in, and false if the unit is not loaded.
func (l *Ledger) Find(ctx context.Context, q Querier, key string) (uuid.UUID, bool, error) {
	var id uuid.UUID
	err := q.QueryRow(ctx, "select load from "+l.units+" where unit_key = $1", key).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, false, nil
	}
	if err != nil {
		return id, false, fmt.Errorf("look up unit: %w", err)
	}
	return id, true, nil
}

// Claim is the first statement of a unit's transaction: it inserts the unit's row. It returns false if the unit is
// loaded already. While another transaction has claimed the unit, it waits for that one's end.
func (l *Ledger) Claim(ctx context.Context, tx Querier, load uuid.UUID, u Unit) (bool, error) {
	tag, err := tx.Exec(ctx, "insert into "+l.units+
		" (unit_key, unit, kind, load, size, loaded_at) values ($1, $2, $3, $4, $5, clock_timestamp())"+
		" on conflict (unit_key) do nothing", u.Key, u.Name, u.Kind, load, u.Size)
	if err != nil {
		return false, fmt.Errorf("claim unit: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Wait waits until all transactions that have claimed a unit have ended, and lets no other claim one until this one ends.
// It goes before Lock, which those transactions take at their end.
func (l *Ledger) Wait(ctx context.Context, tx Querier) error {
	if _, err := tx.Exec(ctx, "lock table "+l.units+" in share row exclusive mode"); err != nil {
		return fmt.Errorf("wait for the source's loads: %w", err)
	}
	return nil
}

// Lock makes the ends of a source's loads happen one after the other, until the transaction ends.
func (l *Ledger) Lock(ctx context.Context, tx Querier) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", l.lock); err != nil {
		return fmt.Errorf("lock the source's loads: %w", err)
	}
	return nil
}

// Finish is the last statement of a unit's transaction, under Lock: it numbers the load, so that the numbers become
// visible in their order.
func (l *Ledger) Finish(ctx context.Context, tx Querier, d *Load) error {
	err := tx.QueryRow(ctx, "insert into "+l.loads+
		" (load, seq, uuid_ts, unit, unit_key, status, rows, quarantined, duplicates, discarded, filled, new_tables, new_columns,"+
		" bytes, started_at, finished_at)"+
		" select $1, coalesce(max(seq), 0) + 1, $2, $3, $4, 'finished', $5, $6, $7, $8, $9, $10, $11, $12, $13, clock_timestamp()"+
		" from "+l.loads+" returning seq",
		d.ID, time.UnixMicro(int64(d.UUIDTS)), d.Unit.Name, d.Unit.Key, d.Rows, d.Quarantined, d.Duplicates, d.Discarded, d.Filled,
		d.NewTables, d.NewColumns, d.Unit.Size, d.Started).Scan(&d.Seq)
	if err != nil {
		return fmt.Errorf("record load: %w", err)
	}
	return nil
}

// Fail records a load that was rolled back. It runs in a transaction of its own.
func (l *Ledger) Fail(ctx context.Context, q Querier, d *Load) error {
	_, err := q.Exec(ctx, "insert into "+l.loads+
		" (load, unit, unit_key, status, bytes, started_at, finished_at, error)"+
		" values ($1, $2, $3, 'failed', $4, $5, clock_timestamp(), $6)",
		d.ID, d.Unit.Name, d.Unit.Key, d.Unit.Size, d.Started, d.Err.Error())
	if err != nil {
		return fmt.Errorf("record failed load: %w", err)
	}
	return nil
}
