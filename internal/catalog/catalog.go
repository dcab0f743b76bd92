// Package catalog reads from Postgres which tables a source's schema has now. It decides nothing: what the tables lack
// is a [schema.Diff], what is done about it is package migrations.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/schema"
)

// Querier is what reading needs: a pool, a connection or a transaction of pgx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Read returns the tables of a schema with columns in their order, types and comments, and the original names that
// _columns knows. Tapline's own tables are left out; of views only tracks is in. A schema that does not exist has no
// tables.
//
// It is one query however many tables there are. Only where there is no _columns, which a query cannot name then, there
// is a second one; in a transaction the first is behind a savepoint.
func Read(ctx context.Context, q Querier, schemaName string) (schema.Tables, error) {
	tables, err := readNamed(ctx, q, schemaName)
	if undefined(err) {
		tables, err = read(ctx, q, schemaName, "(select null::pg_catalog.text, null::pg_catalog.text, null::pg_catalog.text, null::pg_catalog.text where false) k (table_name, column_name, path, event)")
	}
	if err != nil {
		return nil, fmt.Errorf("read tables of schema %s: %w", schemaName, err)
	}
	return tables, nil
}

// undefined reports whether err says that a table or schema does not exist.
func undefined(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}

// readNamed reads with the names of _columns.
func readNamed(ctx context.Context, q Querier, schemaName string) (tables schema.Tables, err error) {
	dictionary := pgx.Identifier{schemaName, "_columns"}.Sanitize() + " k"
	tx, ok := q.(pgx.Tx)
	if !ok {
		return read(ctx, q, schemaName, dictionary)
	}
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) (err error) {
		tables, err = read(ctx, tx, schemaName, dictionary)
		return err
	})
	return tables, err
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

// read joins the comments by attrelid, not by the equal c.oid: with that Postgres looked them up by table and then
// filtered all of a table's comments for each of its columns, 3.4 s for 100,000 columns instead of 0.14 s. And it does not
// sort: the rows are wide, and Postgres would write them to disk.
func read(ctx context.Context, q Querier, schemaName, dictionary string) (schema.Tables, error) {
	rows, err := q.Query(ctx, `
		select c.relname, c.relkind in ('v', 'm'), coalesce(t.description, ''), coalesce(a.attnum, 0), coalesce(a.attname, ''),
			coalesce(`+typeName+`, ''), coalesce(d.description, ''), k.path::pg_catalog.text, coalesce(k.event, '')
		from pg_catalog.pg_class c
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		left join pg_catalog.pg_description t
			on t.objoid = c.oid and t.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and t.objsubid = 0
		left join pg_catalog.pg_description d
			on d.objoid = a.attrelid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = a.attnum
		left join `+dictionary+` on k.table_name = c.relname::pg_catalog.text and k.column_name = a.attname::pg_catalog.text
		where n.nspname = $1 and `+ours, schemaName)
	if err != nil {
		return nil, err
	}
	type place struct {
		schema.Column
		at int16
	}
	tables := schema.Tables{}
	columns := map[string][]place{}
	var t schema.Table
	var c place
	var typ, event string
	var path *string
	_, err = pgx.ForEachRow(rows, []any{&t.Name, &t.View, &t.Comment, &c.at, &c.Name, &typ, &c.Comment, &path, &event}, func() error {
		if schema.IsInternal(t.Name) {
			return nil
		}
		at := tables[t.Name]
		if at == nil {
			copied := t
			at = &copied
			tables[t.Name] = at
		}
		if event != "" {
			at.Event = event
		}
		if c.at == 0 { // a table without columns
			return nil
		}
		c.Type, c.Path = schema.ParseType(typ), nil
		if path != nil {
			if err := json.Unmarshal([]byte(*path), &c.Path); err != nil {
				return fmt.Errorf("decode path of column %s.%s: %w", t.Name, c.Name, err)
			}
		}
		columns[t.Name] = append(columns[t.Name], c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name, list := range columns {
		slices.SortFunc(list, func(a, b place) int { return int(a.at) - int(b.at) })
		tables[name].Columns = make([]schema.Column, len(list))
		for i := range list {
			tables[name].Columns[i] = list[i].Column
		}
	}
	return tables, nil
}
