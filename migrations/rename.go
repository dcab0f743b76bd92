package migrations

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
)

// Named is a source by both of its names.
type Named struct {
	Nickname, Schema string
}

// Renaming gives a source, and its schema, another name. The schemas may be the same.
type Renaming struct {
	From, To Named
}

// ExistsError says that a new name is taken.
type ExistsError struct {
	What, Name string // "schema" or "source"
}

// Error says what to do.
func (e *ExistsError) Error() string {
	return fmt.Sprintf("there is a %s %s already: choose another name", e.What, e.Name)
}

// WideningError says that a column of the schema is being widened, by functions that name the schema.
type WideningError struct {
	Schema string
}

// Error says what to do.
func (e *WideningError) Error() string {
	return "a column of schema " + e.Schema + " is being widened: let tapline schema widen end it, or abort it, first"
}

// Statements returns the SQL of the renaming but for the texts of the kept migrations. tables are those of the control
// schema, by name, with those of the columns nickname and schema_name that each has: where a later release keeps something of a source there,
// such as a cursor, it has one of these, and follows.
func (r Renaming) Statements(tables map[string][]string) []string {
	var out []string
	if r.From.Schema != r.To.Schema {
		out = append(out, "alter schema "+ident(r.From.Schema)+" rename to "+ident(r.To.Schema))
	}
	values := map[string][2]string{"nickname": {r.From.Nickname, r.To.Nickname}, "schema_name": {r.From.Schema, r.To.Schema}}
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		columns := slices.Sorted(slices.Values(tables[table]))
		sql := "update " + qualified(ControlSchema, table) + " set "
		for i, c := range columns {
			if i > 0 {
				sql += ", "
			}
			sql += ident(c) + " = " + lit(values[c][1])
		}
		out = append(out, sql+" where "+ident(columns[0])+" = "+lit(values[columns[0]][0]))
	}
	return append(out, "update "+qualified(r.To.Schema, "_quarantine")+` set "source" = `+lit(r.To.Nickname)+
		` where "source" = `+lit(r.From.Nickname))
}

// Lock takes the locks of all migrators of both schemas, golang-migrate's own command among them, until tx ends. How
// long it waits for each is for the caller to set (lock_timeout).
func (r Renaming) Lock(ctx context.Context, tx pgx.Tx) error {
	name, err := databaseName(ctx, tx)
	if err != nil {
		return err
	}
	var keys []int64
	for _, schemaName := range []string{r.From.Schema, r.To.Schema} {
		foreign, err := foreignKey(name, schemaName)
		if err != nil {
			return err
		}
		keys = append(keys, lockKey(schemaName), foreign)
	}
	slices.Sort(keys) // two renamings take them in the same order
	for _, key := range slices.Compact(keys) {
		if _, err := tx.Exec(ctx, "select pg_catalog.pg_advisory_xact_lock($1)", key); err != nil {
			return fmt.Errorf("lock the migrations of schema %s: %w", r.From.Schema, err)
		}
	}
	return nil
}

// Check makes sure that the new names are free and nothing is at work that knows the old one. The error is an
// *ExistsError or a *WideningError.
func (r Renaming) Check(ctx context.Context, tx pgx.Tx) error {
	if r.From.Schema != r.To.Schema {
		switch taken, err := catalog.Exists(ctx, tx, r.To.Schema); {
		case err != nil:
			return err
		case taken:
			return &ExistsError{"schema", r.To.Schema}
		}
	}
	var other, widening bool
	err := tx.QueryRow(ctx, "select exists (select from "+qualified(ControlSchema, "sources")+
		" where (nickname = $1 or schema_name = $2) and nickname <> $3), pg_catalog.to_regclass($4) is not null",
		r.To.Nickname, r.To.Schema, r.From.Nickname, qualified(r.From.Schema, "_widenings")).Scan(&other, &widening)
	switch {
	case err != nil:
		return fmt.Errorf("look for source %s: %w", r.To.Nickname, err)
	case other:
		return &ExistsError{"source", r.To.Nickname}
	case widening && r.From.Schema != r.To.Schema:
		return &WideningError{r.From.Schema}
	}
	return nil
}

// Tables returns what Statements wants to know of the control schema.
func (r Renaming) Tables(ctx context.Context, q catalog.Querier) (map[string][]string, error) {
	rows, err := q.Query(ctx, `select c.relname, a.attname from pg_catalog.pg_class c
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where n.nspname = $1 and c.relkind in ('r', 'p') and a.attname in ('nickname', 'schema_name')`, ControlSchema)
	if err != nil {
		return nil, fmt.Errorf("read the control schema: %w", err)
	}
	tables := map[string][]string{}
	var table, column string
	_, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		tables[table] = append(tables[table], column)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the control schema: %w", err)
	}
	return tables, nil
}

// Apply renames the schema and all that names it or the source, within tx, and returns how many kept migrations name the
// schema. Lock and Check go before it.
func (r Renaming) Apply(ctx context.Context, tx pgx.Tx) (kept int, err error) {
	tables, err := r.Tables(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, sql := range r.Statements(tables) {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return 0, fmt.Errorf("%s: %w", sql, err)
		}
	}
	return r.kept(ctx, tx)
}

// kept rewrites the texts of the kept migrations, one at a time: 500 tables of 500 columns are 60 MB of SQL.
func (r Renaming) kept(ctx context.Context, tx pgx.Tx) (count int, err error) {
	table := qualified(r.To.Schema, "_migration_files")
	rows, err := tx.Query(ctx, "select version from "+table+" where up is not null or down is not null order by version")
	if err != nil {
		return 0, fmt.Errorf("list kept migrations: %w", err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, fmt.Errorf("list kept migrations: %w", err)
	}
	for _, version := range versions {
		var up, down *string
		err := tx.QueryRow(ctx, "select up, down from "+table+" where version = $1", version).Scan(&up, &down)
		for _, text := range []*string{up, down} {
			if text != nil {
				*text = r.SQL(*text)
			}
		}
		if err == nil {
			_, err = tx.Exec(ctx, "update "+table+" set up = $2, down = $3 where version = $1", version, up, down)
		}
		if err != nil {
			return 0, fmt.Errorf("rewrite migration %d: %w", version, err)
		}
	}
	return len(versions), nil
}
