package crash_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// state is what a source's schema holds, as far as it must be the same after every way of loading the same files.
type state struct {
	// Tables are the tables by name.
	Tables map[string]table
	// Units are the loaded units, by key.
	Units map[string]string
	// Records is how many records the loads of a unit were about, by its key.
	Records map[string]int64
}

// table is the content of one table, but for what says when and by whom it was loaded.
type table struct {
	Columns, Hash string
	Rows          int64
}

// volatile are the columns that no two runs have alike.
var volatile = map[string]bool{"received_at": true, "uuid_ts": true, "load": true}

// placed are the columns that say in which of several files a quarantined record was met first.
var placed = map[string]bool{"unit": true, "line": true, "byte_offset": true}

// readState reads all of it. Events without a valid time have that of their arrival.
func readState(ctx context.Context, pool *pgxpool.Pool) (state, error) {
	s := state{Tables: map[string]table{}}
	names, err := tableNames(ctx, pool, schemaName)
	if err != nil {
		return s, err
	}
	for _, name := range names {
		switch name {
		case "_loads", "_units", "_claims", "_columns", "_migrations", "_migration_files":
			s.Tables[name] = table{}
			continue
		}
		if s.Tables[name], err = readTable(ctx, pool, name); err != nil {
			return s, fmt.Errorf("read %s: %w", name, err)
		}
	}
	s.Units, err = readMap[string](ctx, pool, "select unit_key, concat_ws(' ', unit, kind, size) from crash_test._units")
	if err != nil {
		return s, err
	}
	s.Records, err = readMap[int64](ctx, pool, "select unit_key, sum(rows + quarantined + duplicates)::bigint "+
		"from crash_test._loads where status = 'finished' group by 1")
	return s, err
}

func readTable(ctx context.Context, pool *pgxpool.Pool, name string) (table, error) {
	const query = "select column_name || ' ' || data_type from information_schema.columns " +
		"where table_schema = $1 and table_name = $2 order by column_name collate \"C\""
	rows, err := pool.Query(ctx, query, schemaName, name)
	if err != nil {
		return table{}, err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return table{}, err
	}
	var values []string
	for _, column := range columns {
		column, _, _ = strings.Cut(column, " ")
		quoted := pgx.Identifier{column}.Sanitize()
		switch {
		case volatile[column] || name == "_quarantine" && placed[column]:
		case column == "timestamp" && slices.ContainsFunc(columns, isReceivedAt):
			values = append(values, "nullif("+quoted+", received_at)")
		default:
			values = append(values, quoted)
		}
	}
	t := table{Columns: strings.Join(columns, ", ")}
	err = pool.QueryRow(ctx, "select count(*), coalesce(md5(string_agg(h, '' order by h collate \"C\")), '') from "+
		"(select md5(row("+strings.Join(values, ", ")+")::text) as h from "+
		pgx.Identifier{schemaName, name}.Sanitize()+") as rows").Scan(&t.Rows, &t.Hash)
	return t, err
}

func isReceivedAt(column string) bool { return strings.HasPrefix(column, "received_at ") }

// readMap reads rows of a key and a value.
func readMap[V any](ctx context.Context, q querier, sql string, args ...any) (map[string]V, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	out := map[string]V{}
	var key string
	var value V
	_, err = pgx.ForEachRow(rows, []any{&key, &value}, func() error {
		out[key] = value
		return nil
	})
	return out, err
}

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// tableNames returns the ordinary tables of a schema in byte order.
func tableNames(ctx context.Context, q querier, schema string) ([]string, error) {
	rows, err := q.Query(ctx, "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace "+
		"where n.nspname = $1 and c.relkind in ('r', 'p') order by c.relname", schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// eventTables leaves out Tapline's own tables, and users and accounts, whose rows are made of others.
func eventTables(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.HasPrefix(name, "_") && name != "_tracks" || name == "users" || name == "accounts"
	})
}

// check is the oracle: what is in the database must be what a run that nobody disturbed left in want, and must agree
// with itself. The error names everything that does not.
func check(ctx context.Context, pool *pgxpool.Pool, want state) error {
	got, err := readState(ctx, pool)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		err = fmt.Errorf("content differs (-undisturbed +this):\n%s", diff)
	}
	return errors.Join(err, consistent(ctx, pool))
}
