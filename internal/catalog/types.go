package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/schema"
)

// Types returns the types of the columns of the given tables, by table and column; a table that does not exist is not
// in the result. It is the light part of Read, for the loader's transaction: one query of a few index look-ups a table,
// to be made after the tables are locked, because types read before may be wrong by then.
func Types(ctx context.Context, q Querier, schemaName string, tables []string) (map[string]map[string]schema.Type, error) {
	rows, err := q.Query(ctx, `
		select c.relname, a.attname, `+typeName+`
		from pg_catalog.pg_class c
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		join pg_catalog.pg_attribute a on a.attrelid = c.oid and `+visible+`
		where n.nspname = $1 and c.relname = any($2) and `+ours, schemaName, tables)
	if err != nil {
		return nil, fmt.Errorf("read types of schema %s: %w", schemaName, err)
	}
	types := make(map[string]map[string]schema.Type, len(tables))
	var table, column, typ string
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &typ}, func() error {
		if types[table] == nil {
			types[table] = map[string]schema.Type{}
		}
		types[table][column] = schema.ParseType(typ)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read types of schema %s: %w", schemaName, err)
	}
	return types, nil
}
