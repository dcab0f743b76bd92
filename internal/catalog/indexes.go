package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Index is an index of a table of a schema.
type Index struct {
	Table, Name string
	// Columns are the key's, in order; an expression is "".
	Columns []string
	// Method is how it is built: btree, brin ...
	Method string
	// Valid is false for one that is being built concurrently, and for what a build that failed has left.
	Valid bool
	// Partial says that it has a condition.
	Partial bool
	// Unique is true for the key, too.
	Unique bool
	// Bytes is its size on disk.
	Bytes int64
}

// Indexes returns the indexes of the tables in a schema, Tapline's own tables included, by table and name. It is one query.
func Indexes(ctx context.Context, q Querier, schemaName string) ([]Index, error) {
	rows, err := q.Query(ctx, `
		select t.relname, i.relname,
			array(select coalesce(a.attname::pg_catalog.text, '')
				from pg_catalog.unnest(x.indkey::pg_catalog.int2[]) with ordinality k (number, place)
				left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.number and k.number > 0
				where k.place <= x.indnkeyatts order by k.place),
			m.amname, x.indisvalid and x.indisready, x.indpred is not null, x.indisunique,
			pg_catalog.pg_relation_size(i.oid)
		from pg_catalog.pg_index x
		join pg_catalog.pg_class i on i.oid = x.indexrelid
		join pg_catalog.pg_am m on m.oid = i.relam
		join pg_catalog.pg_class t on t.oid = x.indrelid
		join pg_catalog.pg_namespace n on n.oid = t.relnamespace
		where n.nspname = $1
		order by t.relname, i.relname`, schemaName)
	if err != nil {
		return nil, fmt.Errorf("read indexes of schema %s: %w", schemaName, err)
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Index])
	if err != nil {
		return nil, fmt.Errorf("read indexes of schema %s: %w", schemaName, err)
	}
	return indexes, nil
}
