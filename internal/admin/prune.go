package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/migrations"
)

// Ages say what is old enough to be removed; 0 keeps everything.
type Ages struct {
	Loads, Units, Quarantine, Discards, Undelivered time.Duration
}

// Pruned counts what Prune removed, or would remove.
type Pruned struct {
	Loads int64 `json:"loads"`
	Units int64 `json:"units"`
	// Quarantine counts all records removed; Unreplayed those of them that were never read again with success: their
	// events are nowhere else.
	Quarantine int64 `json:"quarantine"`
	Unreplayed int64 `json:"quarantine_never_replayed"`
	Discards   int64 `json:"discarded_values"`
	// Undelivered are messages that the source's destinations did not take. Their rows stay.
	Undelivered int64 `json:"undelivered"`
}

// Prune removes what is older than ages from the internal tables of a source, in one transaction. Rows of events are
// never removed. The newest load stays: the next one takes its number from it; and so do those whose rows some destination has
// not got yet. Without confirm it only counts.
func Prune(ctx context.Context, db Beginner, schemaName string, ages Ages, now time.Time, confirm bool) (Pruned, error) {
	var out Pruned
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadOnly}
	if confirm {
		options = ledger.Options()
	}
	err := pgx.BeginTxFunc(ctx, db, options, func(tx pgx.Tx) error {
		if confirm {
			if err := ledger.Settle(ctx, tx); err != nil {
				return err
			}
			if err := ledger.New(schemaName).Lock(ctx, tx); err != nil {
				return err
			}
		}
		return prune(ctx, tx, schemaName, ages, now, confirm, &out)
	})
	if err != nil {
		return Pruned{}, fmt.Errorf("prune: %w", err)
	}
	return out, nil
}

func prune(ctx context.Context, tx pgx.Tx, schemaName string, ages Ages, now time.Time, confirm bool, out *Pruned) error {
	loads, quarantine := ident(schemaName, "_loads"), ident(schemaName, "_quarantine")
	names, sent, err := forwarded(ctx, tx, schemaName)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		age   time.Duration
		table string
		where string
		count *int64
	}{
		{ages.Loads, loads, "finished_at < $1 and seq is distinct from (select max(seq) from " + loads + ")" + sent, &out.Loads},
		{ages.Units, ident(schemaName, "_units"), "loaded_at < $1", &out.Units},
		{ages.Quarantine, quarantine, "uuid_ts < $1 and replayed_at is null", &out.Unreplayed},
		{ages.Quarantine, quarantine, "uuid_ts < $1 and replayed_at is not null", &out.Quarantine},
		{ages.Discards, ident(schemaName, "_discards"), "uuid_ts < $1", &out.Discards},
	} {
		if step.age <= 0 {
			continue
		}
		if *step.count, err = removeOrCount(ctx, tx, step.table, step.where, confirm, now.Add(-step.age)); err != nil {
			return err
		}
	}
	out.Quarantine += out.Unreplayed
	if ages.Undelivered > 0 && len(names) > 0 {
		out.Undelivered, err = removeOrCount(ctx, tx, ident(migrations.ControlSchema, "_undelivered"), "at < $1 and destination = any ($2)", confirm,
			now.Add(-ages.Undelivered), names)
	}
	return err
}

// forwarded returns the destinations of a source, and a condition for loads that all of them have got: the rows of others would
// never be sent. A database of an earlier release has no place for destinations.
func forwarded(ctx context.Context, tx pgx.Tx, schemaName string) (names []string, sent string, err error) {
	control := func(table string) string { return ident(migrations.ControlSchema, table) }
	var there bool
	var seq *int64
	err = tx.QueryRow(ctx, "select pg_catalog.to_regclass($1) is not null", control("cursors")).Scan(&there)
	if err == nil && there {
		err = tx.QueryRow(ctx, "select array_agg(d.name), min(c.seq) from "+control("cursors")+" c join "+control("destinations")+
			" d on d.name = c.destination join "+control("sources")+" s on s.nickname = d.source where s.schema_name = $1", schemaName).Scan(&names, &seq)
	}
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("read cursors of destinations: %w", err)
	case seq == nil:
		return nil, "", nil
	}
	return names, fmt.Sprintf(" and coalesce(seq, 0) <= %d", *seq), nil
}

func removeOrCount(ctx context.Context, tx pgx.Tx, table, where string, remove bool, args ...any) (n int64, err error) {
	if remove {
		tag, err := tx.Exec(ctx, "delete from "+table+" where "+where, args...)
		return tag.RowsAffected(), err
	}
	err = tx.QueryRow(ctx, "select count(*) from "+table+" where "+where, args...).Scan(&n)
	return n, err
}
