package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Load is one row of _loads.
type Load struct {
	ID          uuid.UUID  `json:"load"`
	Seq         *int64     `json:"seq"` // nil for a failed load
	Status      string     `json:"status"`
	Unit        string     `json:"unit"`
	Units       int64      `json:"units"` // of which Unit is the first: more than one are frames of a stream
	Rows        int64      `json:"rows"`
	Duplicates  int64      `json:"duplicates"`
	Quarantined int64      `json:"quarantined"`
	Discarded   int64      `json:"discarded_values"`
	Bytes       int64      `json:"bytes"`
	UUIDTS      *time.Time `json:"uuid_ts"` // nil for a failed load
	Started     *time.Time `json:"started_at"`
	Finished    *time.Time `json:"finished_at"`
	Error       string     `json:"error"`
	// From says how the events came: frame (over HTTP: once they are loaded, only who sent them still has them), window
	// (CleverTap's API), or file.
	From string `json:"from"`
}

const loadColumns = "load, seq, status, coalesce(unit, ''), units, rows, duplicates, quarantined, discarded, bytes, uuid_ts, " +
	"started_at, finished_at, coalesce(error, ''), " +
	"case when unit_key like 'frame:%' then 'frame' when unit_key like 'clevertap:%' then 'window' else 'file' end"

// Loads returns the newest loads of a source, newest first.
func Loads(ctx context.Context, q Querier, schemaName string, limit int) ([]Load, error) {
	rows, err := q.Query(ctx, "select "+loadColumns+" from "+ident(schemaName, "_loads")+
		" order by finished_at desc, seq desc nulls last, load limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("list loads: %w", err)
	}
	loads, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Load])
	if err != nil {
		return nil, fmt.Errorf("list loads: %w", err)
	}
	return loads, nil
}

// FindLoad returns the load whose id is, or begins with, id, or whose number it is. The error is ErrNotFound if there
// is none.
func FindLoad(ctx context.Context, q Querier, schemaName, id string) (Load, error) {
	rows, err := q.Query(ctx, "select "+loadColumns+" from "+ident(schemaName, "_loads")+
		" where seq::pg_catalog.text = $1 or length($1) >= 8 and starts_with(load::pg_catalog.text, lower($1)) order by seq limit 2", id)
	if err != nil {
		return Load{}, fmt.Errorf("find load: %w", err)
	}
	loads, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Load])
	switch {
	case err != nil:
		return Load{}, fmt.Errorf("find load: %w", err)
	case len(loads) == 0:
		return Load{}, ErrNotFound
	case len(loads) > 1:
		return Load{}, fmt.Errorf("several loads begin %s: give more of the id", id)
	}
	return loads[0], nil
}
