package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/schema"
)

// BatchQuerier is a Querier that sends many queries at once.
type BatchQuerier interface {
	Querier
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// tables finds the event tables and their sizes.
func (s *Status) tables(ctx context.Context, q BatchQuerier) error {
	rows, err := q.Query(ctx, `
		select c.relname, (select count(*) from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
			greatest(c.reltuples, 0)::bigint, false,
			coalesce((select sum(pg_catalog.pg_total_relation_size(relid)) from pg_catalog.pg_partition_tree(c.oid)),
				pg_catalog.pg_total_relation_size(c.oid))::bigint
		from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition order by c.relname`, s.Schema)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Table])
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	all = slices.DeleteFunc(all, func(t Table) bool { return schema.IsInternal(t.Name) })
	if err := countRows(ctx, q, s.Schema, all); err != nil {
		return err
	}
	for _, t := range all {
		if t.Rows == 0 {
			s.Empty++
			continue
		}
		s.Tables = append(s.Tables, t)
	}
	slices.SortStableFunc(s.Tables, func(a, b Table) int { return cmp.Compare(b.Rows, a.Rows) })
	return nil
}

// countRows replaces the estimates of tables that are small enough to count.
func countRows(ctx context.Context, q BatchQuerier, schemaName string, tables []Table) error {
	var b pgx.Batch
	for i := range tables {
		t := &tables[i]
		if t.Rows > 2*ExactRows {
			continue
		}
		b.Queue(fmt.Sprintf("select count(*) from (select 1 from %s limit %d) as rows", ident(schemaName, t.Name), ExactRows+1)).
			QueryRow(func(row pgx.Row) error {
				var n int64
				if err := row.Scan(&n); err != nil {
					return err
				}
				if t.Exact = n <= ExactRows; t.Exact {
					t.Rows = n
				}
				t.Rows = max(t.Rows, n)
				return nil
			})
	}
	if b.Len() == 0 {
		return nil
	}
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	return nil
}
