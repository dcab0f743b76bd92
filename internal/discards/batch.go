package discards

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/latest"
	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/refusal"
	"github.com/tapline/tapline/schema"
)

// waiting is one row of _discards.
type waiting struct{ place, row, raw string }

// fitting is a waiting value as the column takes it.
type fitting struct{ place, row, value string }

// transaction stores the values in some places and returns how many it tried and how many of these it stored.
func (f *filler) transaction(ctx context.Context, places []string) (tried, stored int64, err error) {
	err = pgx.BeginTxFunc(ctx, f.pool, ledger.Options(), func(tx pgx.Tx) error {
		if err := ledger.Settle(ctx, tx); err != nil {
			return err
		}
		to, err := f.typ(ctx, tx)
		if err != nil {
			return err
		}
		values, err := f.claim(ctx, tx, places)
		if err != nil {
			return err
		}
		kept, err := f.store(ctx, tx, to, f.convert(values, to))
		if err != nil {
			return err
		}
		tried, stored = int64(len(values)), int64(len(kept))
		return f.settle(ctx, tx, kept)
	})
	return tried, stored, err
}

// typ locks the table like a load, so that its columns stay as they are, and returns the column's type.
func (f *filler) typ(ctx context.Context, tx pgx.Tx) (schema.Type, error) {
	if _, err := tx.Exec(ctx, "lock table "+ident(f.Schema, f.Table)+" in row exclusive mode"); err != nil {
		return schema.Unknown, fmt.Errorf("lock table: %w", err)
	}
	types, err := catalog.Types(ctx, tx, f.Schema, []string{f.Table})
	if err != nil {
		return schema.Unknown, err
	}
	to := types[f.Table][f.Name]
	if to == schema.Unknown {
		return to, fmt.Errorf("the column is not there, or has a type that Tapline does not write")
	}
	return to, nil
}

// claim locks rows of _discards and returns those that still wait.
func (f *filler) claim(ctx context.Context, tx pgx.Tx, places []string) ([]waiting, error) {
	rows, err := tx.Query(ctx, "select ctid::pg_catalog.text, row_id, coalesce(raw_value, '') from "+ident(f.Schema, "_discards")+
		" where "+f.waiting+" and ctid = any($4::pg_catalog.text[]::pg_catalog.tid[]) order by ctid for update", f.args(places)...)
	if err != nil {
		return nil, fmt.Errorf("lock waiting values: %w", err)
	}
	values, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w waiting, err error) {
		err = row.Scan(&w.place, &w.row, &w.raw)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("lock waiting values: %w", err)
	}
	return values, nil
}

// convert returns the values that a column of that type holds, the first one of each row, by row.
func (f *filler) convert(values []waiting, to schema.Type) []fitting {
	out := make([]fitting, 0, len(values))
	seen := make(map[string]bool, len(values))
	for _, w := range values {
		var leaf schema.Leaf
		if seen[w.row] || !decode.Literal([]byte(w.raw), f.CleverTap, &leaf) {
			continue
		}
		if value, reason := schema.Stored(&leaf, to); reason == "" {
			seen[w.row] = true
			out = append(out, fitting{w.place, w.row, value})
		}
	}
	return out
}

// store puts values into their rows and returns those that found one without a value. If one is refused, for its length or
// by somebody's constraint, each is tried by itself and the refused ones go on waiting.
func (f *filler) store(ctx context.Context, tx pgx.Tx, to schema.Type, values []fitting) ([]fitting, error) {
	if len(values) == 0 {
		return nil, nil
	}
	var kept []fitting
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) (err error) {
		kept, err = f.update(ctx, savepoint, to, values)
		return err
	})
	switch {
	case err == nil || !refusal.Is(err):
		return kept, err
	case len(values) == 1:
		return nil, nil
	}
	half := len(values) / 2
	first, err := f.store(ctx, tx, to, values[:half])
	if err != nil {
		return nil, err
	}
	second, err := f.store(ctx, tx, to, values[half:])
	return append(first, second...), err
}

func (f *filler) update(ctx context.Context, tx pgx.Tx, to schema.Type, values []fitting) ([]fitting, error) {
	ids, texts := make([]string, len(values)), make([]string, len(values))
	byRow := make(map[string]fitting, len(values))
	for i, v := range values {
		ids[i], texts[i], byRow[v.row] = v.row, v.value, v
	}
	column := ident(f.Name)
	rows, err := tx.Query(ctx, "update "+ident(f.Schema, f.Table)+" t set "+column+" = v.value::"+to.String()+
		` from unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) as v(id, value)`+
		` where t."id" = v.id and t.`+column+` is null returning t."id"`, ids, texts)
	if err != nil {
		return nil, fmt.Errorf("store values: %w", err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("store values: %w", err)
	}
	kept := make([]fitting, len(stored))
	for i, id := range stored {
		kept[i] = byRow[id]
	}
	return kept, nil
}

// settle marks what was stored and brings users and accounts up to date.
func (f *filler) settle(ctx context.Context, tx pgx.Tx, kept []fitting) error {
	if len(kept) == 0 {
		return nil
	}
	places, ids := make([]string, len(kept)), make([]string, len(kept))
	for i, v := range kept {
		places[i], ids[i] = v.place, v.row
	}
	_, err := tx.Exec(ctx, f.done+" where ctid = any($1::pg_catalog.text[]::pg_catalog.tid[])", places)
	if err != nil {
		return fmt.Errorf("mark values as replayed: %w", err)
	}
	all := latest.Tables()
	i := slices.IndexFunc(all, func(l latest.Table) bool { return l.Calls == f.Table })
	if i < 0 {
		return nil
	}
	return f.newest(ctx, tx, all[i], ids)
}

// newest makes the rows of users or accounts anew whose calls have got a value.
func (f *filler) newest(ctx context.Context, tx pgx.Tx, l latest.Table, ids []string) error {
	if err := ledger.New(f.Schema).Lock(ctx, tx); err != nil {
		return err
	}
	key := ident(l.Key)
	rows, err := tx.Query(ctx, "select distinct "+key+" from "+ident(f.Schema, f.Table)+` where "id" = any($1) and octet_length(`+
		key+") <= "+fmt.Sprint(latest.MaxKey), ids)
	if err != nil {
		return fmt.Errorf("find keys of %s: %w", l.Name, err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find keys of %s: %w", l.Name, err)
	}
	// Keys that Postgres refuses now were refused, and noted, when their calls were loaded.
	_, err = l.Refresh(ctx, tx, f.Schema, keys, time.Now())
	return err
}
