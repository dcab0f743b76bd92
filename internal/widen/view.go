package widen

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// view is a view of somebody's that uses a column. It is never dropped, which would take its grants and the views over it
// along: for a moment it becomes an empty SELECT of the same columns, and then itself again. Postgres does not let it
// change the types of its own columns, so this is for views that only compute with the column.
type view struct {
	name        string
	empty, full string
}

func readView(ctx context.Context, tx pgx.Tx, d dependent) (view, error) {
	var name, definition, options string
	err := tx.QueryRow(ctx, `select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
			pg_catalog.pg_get_viewdef(c.oid), coalesce(pg_catalog.array_to_string(c.reloptions, ', '), '')
		from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = $1`, d.oid).
		Scan(&name, &definition, &options)
	if err != nil {
		return view{}, fmt.Errorf("read %s: %w", d.name, err)
	}
	rows, err := tx.Query(ctx, `select 'null::' || pg_catalog.format_type(a.atttypid, a.atttypmod) ||
			coalesce(' collate ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname), '') ||
			' as ' || pg_catalog.quote_ident(a.attname)
		from pg_catalog.pg_attribute a
		left join pg_catalog.pg_collation l on l.oid = a.attcollation
		left join pg_catalog.pg_namespace n on n.oid = l.collnamespace
		where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`, d.oid)
	if err != nil {
		return view{}, fmt.Errorf("read columns of %s: %w", d.name, err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return view{}, fmt.Errorf("read columns of %s: %w", d.name, err)
	}
	if options != "" {
		options = " with (" + options + ")"
	}
	return view{
		name:  d.name,
		empty: "create or replace view " + name + " as select " + strings.Join(columns, ", ") + " where false",
		full:  "create or replace view " + name + options + " as " + definition,
	}, nil
}

// replace runs one of a view's statements.
func replace(ctx context.Context, tx pgx.Tx, c *Column, v view, sql string) error {
	_, err := tx.Exec(ctx, sql)
	switch code(err) {
	case "":
		return err
	case "55P03", "40P01", "57014":
		return fmt.Errorf("replace %s: %w", v.name, err)
	}
	return &DependentsError{c.Widening, []string{v.name}, fmt.Sprintf("Postgres does not let it follow (%v): drop it first and make it again afterwards", err)}
}
