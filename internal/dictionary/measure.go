package dictionary

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// ExactRows is how many rows of a table are counted whatever Measure is asked for: some ten milliseconds.
const ExactRows = 100_000

// Measure finds out how many rows the tables have, how large and how fresh they are and how far their columns are filled.
// With exact everything is counted, which reads every table to its end; else row counts of large tables and fill rates are
// those of the last analyze. Without names it looks at all tables.
//
// The newest received_at is always exact. It costs little: rows older than one that the statistics know are not read,
// thanks to the BRIN index.
func Measure(ctx context.Context, q Querier, s *Schema, exact bool, names ...string) error {
	wanted := map[string]*Table{}
	for _, t := range s.Tables {
		if len(names) == 0 {
			wanted[t.Name] = t
		}
	}
	for _, name := range names {
		if t := s.Table(name); t != nil {
			wanted[name] = t
		}
	}
	if err := readSizes(ctx, q, s.Name, wanted); err != nil {
		return fmt.Errorf("read sizes of schema %s: %w", s.Name, err)
	}
	if err := readStatistics(ctx, q, s.Name, wanted); err != nil {
		return fmt.Errorf("read statistics of schema %s: %w", s.Name, err)
	}
	var b pgx.Batch
	for _, t := range s.Tables {
		if wanted[t.Name] != nil {
			t.queue(&b, s.Name, exact)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("count rows of schema %s: %w", s.Name, err)
	}
	if view := wanted["tracks"]; view != nil && view.isView() && !exact && len(names) == 0 {
		view.sumOf(s.Tables)
	}
	return nil
}

// sumOf fills in what the view over the tables of track events has.
func (t *Table) sumOf(tables []*Table) {
	t.Exact = true
	for _, from := range tables {
		if from == t || from.Column("event_text") == nil {
			continue
		}
		t.Rows += from.Rows
		t.Exact = t.Exact && from.Exact
		if from.Newest != nil && (t.Newest == nil || from.Newest.After(*t.Newest)) {
			t.Newest = from.Newest
		}
	}
}

func readSizes(ctx context.Context, q Querier, schemaName string, wanted map[string]*Table) error {
	rows, err := q.Query(ctx, `
		select c.relname, greatest(c.reltuples, 0)::bigint,
			case c.relkind when 'p' then (select sum(pg_catalog.pg_table_size(relid)) from pg_catalog.pg_partition_tree(c.oid))::bigint
				else pg_catalog.pg_table_size(c.oid) end,
			case c.relkind when 'p' then (select sum(pg_catalog.pg_indexes_size(relid)) from pg_catalog.pg_partition_tree(c.oid))::bigint
				else pg_catalog.pg_indexes_size(c.oid) end
		from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relname = any($2) and c.relkind in ('r', 'p', 'm')`, schemaName, keys(wanted))
	if err != nil {
		return err
	}
	var name string
	var tuples int64
	var table, index *int64 // null if the table was dropped in between
	_, err = pgx.ForEachRow(rows, []any{&name, &tuples, &table, &index}, func() error {
		if t := wanted[name]; table != nil && index != nil {
			t.Rows, t.TableBytes, t.IndexBytes = tuples, *table, *index
		}
		return nil
	})
	return err
}

// readStatistics reads what the last analyze found. Of partitioned tables those rows count that hold for all partitions.
func readStatistics(ctx context.Context, q Querier, schemaName string, wanted map[string]*Table) error {
	rows, err := q.Query(ctx, `
		select s.tablename, s.attname, 1 - s.null_frac::double precision,
			case when s.attname = 'received_at' then (select max(v::timestamptz) from pg_catalog.unnest(
				s.histogram_bounds::text::text[] || s.most_common_vals::text::text[]) as v where v <> 'infinity') end
		from pg_catalog.pg_stats s
		where s.schemaname = $1 and s.tablename = any($2) order by s.inherited`, schemaName, keys(wanted))
	if err != nil {
		return err
	}
	var table, column string
	var filled float64
	var newest *time.Time
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &filled, &newest}, func() error {
		if c := wanted[table].Column(column); c != nil {
			copied := filled
			c.Filled, c.newestKnown = &copied, newest
		}
		return nil
	})
	return err
}

// queue adds the queries about one table to a batch.
func (t *Table) queue(b *pgx.Batch, schemaName string, exact bool) {
	from := pgx.Identifier{schemaName, t.Name}.Sanitize()
	switch {
	case t.isView() && !exact:
		return // tracks is all tables: they are counted one by one
	case exact:
		t.queueExact(b, from)
		return
	case t.Rows <= 2*ExactRows:
		b.Queue(fmt.Sprintf("select count(*) from (select 1 from %s limit %d) as rows", from, ExactRows+1)).
			QueryRow(t.counted)
	}
	if c := t.Column("received_at"); c != nil && c.Type == "timestamptz" {
		since := time.Time{}
		if c.newestKnown != nil {
			since = *c.newestKnown
		}
		// The second look is for rows that were taken out since the last analyze.
		newest := "(select max(received_at) from " + from + " where received_at < 'infinity'"
		b.Queue("select coalesce("+newest+" and received_at >= $1), "+newest+"))", since).
			QueryRow(func(row pgx.Row) error { return row.Scan(&t.Newest) })
	}
}

func (t *Table) counted(row pgx.Row) error {
	var n int64
	if err := row.Scan(&n); err != nil {
		return err
	}
	if t.Exact = n <= ExactRows; t.Exact {
		t.Rows = n
	}
	t.Rows = max(t.Rows, n)
	return nil
}

// queueExact counts the rows and the values of every column in one pass.
func (t *Table) queueExact(b *pgx.Batch, from string) {
	list := make([]string, 0, len(t.Columns)+2)
	list = append(list, "count(*)")
	for _, c := range t.Columns {
		list = append(list, "count("+pgx.Identifier{c.Name}.Sanitize()+")")
	}
	if c := t.Column("received_at"); c != nil && c.Type == "timestamptz" {
		list = append(list, "max(received_at) filter (where received_at < 'infinity')")
	}
	counts := make([]int64, len(t.Columns))
	targets := make([]any, 0, len(list))
	targets = append(targets, &t.Rows)
	for i := range counts {
		targets = append(targets, &counts[i])
	}
	if len(list) > len(targets) {
		targets = append(targets, &t.Newest)
	}
	b.Queue("select " + strings.Join(list, ", ") + " from " + from).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(targets...); err != nil {
			return err
		}
		t.Exact, t.FilledExact = true, true
		for i, c := range t.Columns {
			c.Filled = nil
			if t.Rows > 0 {
				part := float64(counts[i]) / float64(t.Rows)
				c.Filled = &part
			}
		}
		return nil
	})
}

func keys(tables map[string]*Table) []string {
	names := make([]string, 0, len(tables))
	for name := range tables {
		names = append(names, name)
	}
	return names
}
