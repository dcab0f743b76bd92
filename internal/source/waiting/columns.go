package waiting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

// Querier runs a query: a pool, a connection or a transaction of pgx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Columns returns the columns that the values in a source's _discards wait for (unknown_column), by table and name. The
// type of each holds all of its values: whatever came first, text if nothing else does. cleverTap says that strings may
// be CleverTap's date literals. A schema without the table has none.
func Columns(ctx context.Context, q Querier, schemaName string, cleverTap bool) ([]schema.Added, error) {
	rows, err := q.Query(ctx, `select table_name, column_name, coalesce(path::text, ''), raw_value from `+
		pgx.Identifier{schemaName, "_discards"}.Sanitize()+
		` where reason = $1 and replayed_at is null and column_name is not null and raw_value is not null`, string(schema.UnknownColumn))
	if err != nil {
		return nil, absent(err)
	}
	columns := map[[2]string]*schema.Column{}
	var table, column, path, raw string
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &path, &raw}, func() error {
		c := columns[[2]string{table, column}]
		if c == nil {
			c = &schema.Column{Name: column}
			columns[[2]string{table, column}] = c
		}
		if path != "" && c.Path == nil {
			if err := json.Unmarshal([]byte(path), &c.Path); err != nil {
				return fmt.Errorf("decode path of a value for %s.%s: %w", table, column, err)
			}
		}
		c.Type = both(c.Type, typeOf(raw, cleverTap))
		return nil
	})
	if err != nil {
		return nil, absent(err)
	}
	added := make([]schema.Added, 0, len(columns))
	for key, c := range columns {
		if c.Type != schema.Unknown {
			added = append(added, schema.Added{Table: key[0], Column: *c})
		}
	}
	slices.SortFunc(added, func(a, b schema.Added) int {
		if n := strings.Compare(a.Table, b.Table); n != 0 {
			return n
		}
		return strings.Compare(a.Column.Name, b.Column.Name)
	})
	return added, nil
}

// typeOf is the type that a value gives to a column that is made for it; Unknown if no column can hold it.
func typeOf(raw string, cleverTap bool) schema.Type {
	var l schema.Leaf
	if !decode.Literal([]byte(raw), cleverTap, &l) {
		return schema.Unknown
	}
	typ, reason := schema.FirstType(&l)
	if reason != "" {
		return schema.Unknown
	}
	return typ
}

// both is the type that holds what a and b hold; Unknown holds nothing.
func both(a, b schema.Type) schema.Type {
	numbers := []schema.Type{schema.Bigint, schema.Double, schema.Numeric} // each holds those before it
	i, j := slices.Index(numbers, a), slices.Index(numbers, b)
	switch {
	case a == b, b == schema.Unknown:
		return a
	case a == schema.Unknown:
		return b
	case i >= 0 && j >= 0:
		return numbers[max(i, j)]
	}
	return schema.Text
}

// absent is nil for the error of a table that is not there.
func absent(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000") {
		return nil
	}
	return fmt.Errorf("read waiting values: %w", err)
}
