package admin

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Status is how one source is.
type Status struct {
	Source
	Units int64 `json:"units"`
	// Loads counts loads by status.
	Loads      map[string]int64 `json:"loads"`
	Last       *Load            `json:"last_load"` // nil if there was none
	Tables     []Table          `json:"tables"`    // those that have rows, most first
	Empty      int              `json:"empty_tables"`
	Quarantine []Reason         `json:"quarantine"`
	Discards   []Reason         `json:"discards"`
}

// Table is one event table.
type Table struct {
	Name    string `json:"table"`
	Columns int64  `json:"columns"`
	Rows    int64  `json:"rows"`
	Exact   bool   `json:"exact"` // false: Rows is the planner's estimate
	Bytes   int64  `json:"bytes"` // with indexes
}

// Rows is the sum over the tables, and whether it is exact. users and accounts are other events' newest states.
func (s *Status) Rows() (rows int64, exact bool) {
	exact = true
	for _, t := range s.Tables {
		if t.Name != "users" && t.Name != "accounts" {
			rows += t.Rows
			exact = exact && t.Exact
		}
	}
	return rows, exact
}

// ExactRows is how many rows of a table are counted: some ten milliseconds. Of larger tables the estimate is taken.
const ExactRows = 100_000

// StatusOf returns how a source is; one that nothing was loaded of has no schema yet, and all of it is empty. It is one query for each table that has up to ExactRows rows, all in one round
// trip, and five others.
func StatusOf(ctx context.Context, q BatchQuerier, s Source) (*Status, error) {
	out := &Status{Source: s, Loads: map[string]int64{}}
	err := q.QueryRow(ctx, "select count(*) from "+ident(s.Schema, "_units")+" where kind is distinct from 'replay'").Scan(&out.Units)
	switch {
	case absent(err):
		return out, nil
	case err != nil:
		return nil, fmt.Errorf("count units: %w", err)
	}
	rows, err := q.Query(ctx, "select status, count(*) from "+ident(s.Schema, "_loads")+" group by status")
	if err != nil {
		return nil, fmt.Errorf("count loads: %w", err)
	}
	var status string
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&status, &n}, func() error { out.Loads[status] = n; return nil }); err != nil {
		return nil, fmt.Errorf("count loads: %w", err)
	}
	last, err := Loads(ctx, q, s.Schema, 1)
	if err != nil {
		return nil, err
	}
	if len(last) > 0 {
		out.Last = &last[0]
	}
	if out.Quarantine, err = QuarantineReasons(ctx, q, s.Schema); err != nil {
		return nil, err
	}
	if out.Discards, err = DiscardReasons(ctx, q, s.Schema); err != nil {
		return nil, err
	}
	return out, out.tables(ctx, q)
}
