package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Loss is a table or a column that is about to be dropped.
type Loss struct {
	Table  string `json:"table"`
	Column string `json:"column,omitempty"` // empty for a table
	// Rows is how many rows the table has, or how many of its rows have a value in the column.
	Rows  int64 `json:"rows"`
	Exact bool  `json:"exact"` // false: Rows is the planner's estimate
}

// CountLosses fills in the rows of losses in a schema and returns those that are there to be lost: tables and columns that
// exist. Large tables are estimated.
func CountLosses(ctx context.Context, q Querier, schemaName string, losses []Loss) ([]Loss, error) {
	there := []Loss{}
	for _, l := range losses {
		var estimate float64
		var exists bool
		err := q.QueryRow(ctx, `
			select greatest(c.reltuples, 0) * (1 - coalesce(s.null_frac, 0)), $3 = '' or a.attname is not null
			from pg_catalog.pg_class c
			join pg_catalog.pg_namespace n on n.oid = c.relnamespace
			left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $3 and a.attnum > 0 and not a.attisdropped
			left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
			where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'm') limit 1`, schemaName, l.Table, l.Column).
			Scan(&estimate, &exists)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && !exists {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up table %s: %w", l.Table, err)
		}
		if err := l.count(ctx, q, schemaName, int64(estimate)); err != nil {
			return nil, err
		}
		there = append(there, l)
	}
	return there, nil
}

func (l *Loss) count(ctx context.Context, q Querier, schemaName string, estimate int64) error {
	if l.Rows = estimate; estimate > 2*ExactRows {
		return nil
	}
	where := ""
	if l.Column != "" {
		where = " where " + ident(l.Column) + " is not null"
	}
	var n int64
	err := q.QueryRow(ctx, fmt.Sprintf("select count(*) from (select 1 from %s%s limit %d) as rows", ident(schemaName, l.Table), where, ExactRows+1)).Scan(&n)
	if err != nil {
		return fmt.Errorf("count rows of %s: %w", l.Table, err)
	}
	l.Exact = n <= ExactRows
	l.Rows = n
	if !l.Exact {
		l.Rows = max(n, estimate)
	}
	return nil
}
