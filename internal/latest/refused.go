package latest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tapline/tapline/internal/refusal"
	"github.com/tapline/tapline/schema"
)

// Refused is a key whose row Postgres refuses: for a CHECK, a unique index or a trigger that somebody has added.
type Refused struct {
	Key string
	Err error
}

// insertKeys makes the rows of the given keys. Keys whose rows are refused are found by halving.
func (t Table) insertKeys(ctx context.Context, tx Tx, schemaName string, keys []string, uuidTS time.Time) ([]Refused, error) {
	keys = slices.Sorted(slices.Values(keys))
	var out []Refused
	var halve func(keys []string) error
	halve = func(keys []string) error {
		err := inSavepoint(ctx, tx, func() error {
			return t.insert(ctx, tx, schemaName, ident(t.Key)+" = any($2)", uuidTS, keys)
		})
		switch {
		case !refusal.Is(err):
			return err
		case len(keys) > 1:
			if err := halve(keys[:len(keys)/2]); err != nil {
				return err
			}
			return halve(keys[len(keys)/2:])
		case len(out) == refusal.Max:
			return &refusal.LimitError{Table: t.Name, ID: out[0].Key, Err: out[0].Err}
		}
		out = append(out, Refused{keys[0], err})
		return nil
	}
	return out, halve(keys)
}

// inSavepoint runs f. After an error that is about the rows' data the transaction is as it was before.
func inSavepoint(ctx context.Context, tx Tx, f func() error) error {
	if _, err := tx.Exec(ctx, "savepoint newest"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	end, err := "release savepoint newest", f()
	if err != nil && !refusal.Is(err) {
		return err
	}
	if err != nil {
		end = "rollback to savepoint newest; " + end
	}
	if _, err := tx.Exec(ctx, end); err != nil {
		return fmt.Errorf("end savepoint: %w", err)
	}
	return err
}

// NoteRefused notes in _discards the calls of loads whose keys' rows were refused, and returns how many each has. The calls
// themselves are loaded.
func (t Table) NoteRefused(ctx context.Context, tx Tx, schemaName string, loads []Load, refused []Refused) (map[uuid.UUID]int64, error) {
	keys, details := make([]string, len(refused)), make([]string, len(refused))
	for i, r := range refused {
		keys[i], details[i] = r.Key, refusal.Detail(r.Err)
	}
	stamps, ids := columnsOf(loads)
	key := "c." + ident(t.Key)
	out, err := counted(ctx, tx, "insert into "+ident(schemaName, "_discards")+
		" (table_name, row_id, column_name, raw_value, reason, detail, received_at, uuid_ts, load)"+
		" select $1::pg_catalog.text, c.id, 'id', to_json("+key+")::pg_catalog.text, $2::pg_catalog.text, r.detail, c.received_at, c.uuid_ts, l.load from "+
		ident(schemaName, t.Calls)+" as c join unnest($3::pg_catalog.text[], $4::pg_catalog.text[]) as r(key, detail) on r.key = "+key+
		" join unnest($5::timestamptz[], $6::uuid[]) as l(uuid_ts, load) on l.uuid_ts = c.uuid_ts where c.uuid_ts = any($5)",
		t.Name, string(schema.RejectedByDatabase), keys, details, stamps, ids)
	if err != nil {
		return nil, fmt.Errorf("note rows that %s refuses: %w", t.Name, err)
	}
	return out, nil
}
