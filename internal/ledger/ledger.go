// Package ledger keeps which units of a source are loaded and what each load did. Its rows are written in the
// transaction of the data they speak of, so that neither can be there without the other.
package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/schema"
)

// Querier runs statements: a pool, a connection or a transaction.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Ledger is the ledger of one source: the tables _units and _loads of its schema.
type Ledger struct {
	units, loads, claims string // sanitized, schema-qualified
	lock                 string // the source's advisory lock, as a parameter of hashtextextended
}

// New returns the ledger in a source's schema.
func New(schemaName string) *Ledger {
	return &Ledger{
		units:  pgx.Identifier{schemaName, "_units"}.Sanitize(),
		loads:  pgx.Identifier{schemaName, "_loads"}.Sanitize(),
		claims: pgx.Identifier{schemaName, "_claims"}.Sanitize(),
		lock:   "tapline load " + schemaName,
	}
}

// Unit is the identity of a unit, for its row in _units.
type Unit struct {
	Key  string
	Name string
	Kind string
	Size int64
	// Began is when the reading of a window began, in this process: it is loaded as of then, whatever the database's clock says.
	// The zero Time is now.
	Began time.Time
}

// Load is what one load did.
type Load struct {
	ID                                       uuid.UUID
	UUIDTS                                   schema.Micros
	Units                                    []Unit // one, or the frames of a group; Fail names the first
	Rows, Quarantined, Duplicates, Discarded int64
	Filled                                   int64 // values that waited in _discards
	NewTables, NewColumns                    int64
	Started                                  time.Time
	Err                                      error
}

// Find returns the loads that brought units in, by the units' keys. A unit that is not loaded is not in it.
func (l *Ledger) Find(ctx context.Context, q Querier, keys ...string) (map[string]uuid.UUID, error) {
	rows, err := q.Query(ctx, "select unit_key, load from "+l.units+" where unit_key = any($1)", keys)
	if err != nil {
		return nil, fmt.Errorf("look up units: %w", err)
	}
	out := map[string]uuid.UUID{}
	var key string
	var load uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&key, &load}, func() error { out[key] = load; return nil }); err != nil {
		return nil, fmt.Errorf("look up units: %w", err)
	}
	return out, nil
}

// Finished reports whether a load was committed, also if it was undone since.
func (l *Ledger) Finished(ctx context.Context, q Querier, load uuid.UUID) (done bool, err error) {
	err = q.QueryRow(ctx, "select exists (select from "+l.loads+" where load = $1::uuid and status <> 'failed')", load.String()).Scan(&done)
	if err != nil {
		return false, fmt.Errorf("look up load: %w", err)
	}
	return done, nil
}

// Claim is the first statement of a transaction: it inserts the rows of its units. It returns how many were inserted: the
// others are loaded already. While another transaction has claimed one of them, it waits for that one's end. All claim in
// the order of the keys, so that no two wait for each other. loads are the units' loads.
func (l *Ledger) Claim(ctx context.Context, tx Querier, loads []*Load) (int64, error) {
	return l.insertUnits(ctx, tx, loads, "nothing")
}

// Renew is Claim for units that may be loaded again, windows: one that is there already gets this load, size and time.
func (l *Ledger) Renew(ctx context.Context, tx Querier, loads []*Load) (int64, error) {
	return l.insertUnits(ctx, tx, loads, "update set load = excluded.load, size = excluded.size, "+
		"loaded_at = greatest(u.loaded_at, excluded.loaded_at), reads = u.reads + 1")
}

func (l *Ledger) insertUnits(ctx context.Context, tx Querier, loads []*Load, onConflict string) (int64, error) {
	var c unitColumns
	for _, d := range loads {
		for _, u := range d.Units {
			c.add(d.ID, u)
		}
	}
	tag, err := tx.Exec(ctx, "insert into "+l.units+" as u (unit_key, unit, kind, load, size, loaded_at)"+
		" select key, unit, kind, load, size, clock_timestamp() - age * interval '1 microsecond' from unnest($1::pg_catalog.text[],"+
		" $2::pg_catalog.text[], $3::pg_catalog.text[], $4::uuid[], $5::bigint[], $6::bigint[]) as n(key, unit, kind, load, size, age)"+
		" order by key collate \"C\" on conflict (unit_key) do "+onConflict, c.keys, c.names, c.kinds, c.loads, c.sizes, c.ages)
	if err != nil {
		return 0, fmt.Errorf("claim unit: %w", err)
	}
	return tag.RowsAffected(), nil
}

// unitColumns are units as the columns of a statement.
type unitColumns struct {
	keys, names, kinds, loads []string
	sizes, ages               []int64 // bytes, microseconds
}

func (c *unitColumns) add(load uuid.UUID, u Unit) {
	c.keys, c.names, c.kinds = append(c.keys, u.Key), append(c.names, u.Name), append(c.kinds, u.Kind)
	c.loads, c.sizes = append(c.loads, load.String()), append(c.sizes, u.Size)
	var age time.Duration
	if !u.Began.IsZero() {
		age = time.Since(u.Began)
	}
	c.ages = append(c.ages, age.Microseconds())
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

// Finish is the last statement of a transaction, under Lock: it numbers its loads, in their order, so that the numbers
// become visible in their order.
func (l *Ledger) Finish(ctx context.Context, tx Querier, loads ...*Load) error {
	var c loadColumns
	for _, d := range loads {
		c.add(d)
	}
	_, err := tx.Exec(ctx, "insert into "+l.loads+
		" (load, seq, uuid_ts, unit, unit_key, units, status, rows, quarantined, duplicates, discarded, filled, new_tables, new_columns,"+
		" bytes, started_at, finished_at)"+
		" select load, (select coalesce(max(seq), 0) from "+l.loads+") + n, uuid_ts, unit, unit_key, units, 'finished',"+
		" c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], started_at, clock_timestamp() from (select n, load, uuid_ts, unit, unit_key, units, started_at,"+
		" ($7::bigint[])[n * 8 - 7:n * 8] as c from unnest($1::uuid[], $2::timestamptz[], $3::pg_catalog.text[], $4::pg_catalog.text[], $5::bigint[],"+
		" $6::timestamptz[]) with ordinality as d(load, uuid_ts, unit, unit_key, units, started_at, n)) as d order by n",
		c.ids, c.stamps, c.units, c.keys, c.sizes, c.started, c.counts)
	if err != nil {
		return fmt.Errorf("record load: %w", err)
	}
	return nil
}

// loadColumns are loads as the columns of a statement; counts has eight of each.
type loadColumns struct {
	ids, units, keys []string
	stamps, started  []time.Time
	sizes, counts    []int64
}

func (c *loadColumns) add(d *Load) {
	first, bytes := d.Units[0], int64(0)
	for _, u := range d.Units {
		bytes += u.Size
	}
	c.ids, c.stamps, c.started = append(c.ids, d.ID.String()), append(c.stamps, time.UnixMicro(int64(d.UUIDTS))), append(c.started, d.Started)
	c.units, c.keys, c.sizes = append(c.units, first.Name), append(c.keys, first.Key), append(c.sizes, int64(len(d.Units)))
	c.counts = append(c.counts, d.Rows, d.Quarantined, d.Duplicates, d.Discarded, d.Filled, d.NewTables, d.NewColumns, bytes)
}

// storable is text that Postgres takes: what went wrong with a file may quote the file.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// Fail records a load that was rolled back. It runs in a transaction of its own, and may be called again.
func (l *Ledger) Fail(ctx context.Context, q Querier, d *Load) error {
	_, err := q.Exec(ctx, "insert into "+l.loads+
		" (load, unit, unit_key, status, bytes, started_at, finished_at, error)"+
		" values ($1, $2, $3, 'failed', $4, $5, clock_timestamp(), $6) on conflict (load) do nothing",
		d.ID, d.Units[0].Name, d.Units[0].Key, d.Units[0].Size, d.Started, storable(d.Err.Error()))
	if err != nil {
		return fmt.Errorf("record failed load: %w", err)
	}
	return nil
}
