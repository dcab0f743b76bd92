// Package catalog reads from Postgres which tables a source's schema has now. It decides nothing: what the tables lack
// is a [schema.Diff], what is done about it is package migrations.
package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/schema"
)

// Querier is what reading needs: a pool, a connection or a transaction of pgx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Read returns the tables of a schema with columns in their order, types and comments, and the original names that
// _columns knows. Tapline's own tables are left out; of views only tracks is in. A schema that does not exist has no
// tables. It is two or three queries however many tables there are.
func Read(ctx context.Context, q Querier, schemaName string) (schema.Tables, error) {
	tables, dictionary, err := readTables(ctx, q, schemaName)
	if err != nil {
		return nil, fmt.Errorf("read tables of schema %s: %w", schemaName, err)
	}
	if err := readColumns(ctx, q, schemaName, tables); err != nil {
		return nil, fmt.Errorf("read columns of schema %s: %w", schemaName, err)
	}
	if !dictionary {
		return tables, nil
	}
	if err := readNames(ctx, q, schemaName, tables); err != nil {
		return nil, fmt.Errorf("read original names of schema %s: %w", schemaName, err)
	}
	return tables, nil
}

// Exists reports whether there is a schema of that name.
func Exists(ctx context.Context, q Querier, schemaName string) (bool, error) {
	rows, err := q.Query(ctx, `select exists (select from pg_catalog.pg_namespace where nspname = $1)`, schemaName)
	if err != nil {
		return false, fmt.Errorf("look up schema %s: %w", schemaName, err)
	}
	exists, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		return false, fmt.Errorf("look up schema %s: %w", schemaName, err)
	}
	return exists, nil
}

// ours is the condition for a relation c to be in Read's result. relkind p is a partitioned table, v and m are views. A
// partition is not there by itself: its rows are its table's, and tracks would show them twice.
const ours = `(c.relkind in ('r', 'p') and not c.relispartition or c.relkind in ('v', 'm') and c.relname = 'tracks')`

// visible is the condition for a column a to be in Read's result. While a column is being widened its table has another
// beside it, which nobody but the one who widens may see: a loader would add it to users because identifies has it.
const visible = `a.attnum > 0 and not a.attisdropped and not pg_catalog.starts_with(a.attname::pg_catalog.text, '` + Shadow + `')`

// Shadow begins the names of the columns that hold a column's values in their new type until they take its place.
const Shadow = "_widening_"

// typeName is the type of a column a, for schema.ParseType. Only text is written as a session has it: in quotes with
// quote_all_identifiers, and with its schema if the search_path begins with one where a table is called text.
const typeName = `case a.atttypid when 'pg_catalog.text'::pg_catalog.regtype then 'text'
		else pg_catalog.format_type(a.atttypid, a.atttypmod) end`

func readTables(ctx context.Context, q Querier, schemaName string) (_ schema.Tables, dictionary bool, err error) {
	rows, err := q.Query(ctx, `
		select c.relname, c.relkind in ('v', 'm'), coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '')
		from pg_catalog.pg_class c
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and `+ours, schemaName)
	if err != nil {
		return nil, false, err
	}
	tables := schema.Tables{}
	var t schema.Table
	_, err = pgx.ForEachRow(rows, []any{&t.Name, &t.View, &t.Comment}, func() error {
		if schema.IsInternal(t.Name) {
			dictionary = dictionary || t.Name == "_columns"
			return nil
		}
		copied := t
		tables[t.Name] = &copied
		return nil
	})
	return tables, dictionary, err
}

// readColumns joins the comments by attrelid, not by the equal c.oid: with that Postgres looked them up by table and then
// filtered all of a table's comments for each of its columns, 3.4 s for 100,000 columns instead of 0.14 s.
func readColumns(ctx context.Context, q Querier, schemaName string, tables schema.Tables) error {
	rows, err := q.Query(ctx, `
		select c.relname, a.attname, `+typeName+`, coalesce(d.description, '')
		from pg_catalog.pg_class c
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		join pg_catalog.pg_attribute a on a.attrelid = c.oid and `+visible+`
		left join pg_catalog.pg_description d
			on d.objoid = a.attrelid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = a.attnum
		where n.nspname = $1 and `+ours+`
		order by a.attrelid, a.attnum`, schemaName)
	if err != nil {
		return err
	}
	var table, typ string
	var c schema.Column
	_, err = pgx.ForEachRow(rows, []any{&table, &c.Name, &typ, &c.Comment}, func() error {
		// A table that was made between the two queries is left to the next Read.
		if t := tables[table]; t != nil {
			c.Type = schema.ParseType(typ)
			t.Columns = append(t.Columns, c)
		}
		return nil
	})
	return err
}

func readNames(ctx context.Context, q Querier, schemaName string, tables schema.Tables) error {
	rows, err := q.Query(ctx, `select table_name, column_name, path::pg_catalog.text, coalesce(event, '') from `+
		pgx.Identifier{schemaName, "_columns"}.Sanitize())
	if err != nil {
		return err
	}
	type place struct{ table, column string }
	paths := map[place][]string{}
	var at place
	var path *string
	var event string
	_, err = pgx.ForEachRow(rows, []any{&at.table, &at.column, &path, &event}, func() error {
		if t := tables[at.table]; t != nil && event != "" {
			t.Event = event
		}
		if path == nil {
			return nil
		}
		var keys []string
		if err := json.Unmarshal([]byte(*path), &keys); err != nil {
			return fmt.Errorf("decode path of column %s.%s: %w", at.table, at.column, err)
		}
		paths[at] = keys
		return nil
	})
	if err != nil {
		return err
	}
	for name, t := range tables {
		for i := range t.Columns {
			t.Columns[i].Path = paths[place{name, t.Columns[i].Name}]
		}
	}
	return nil
}
