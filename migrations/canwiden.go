package migrations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/schema"
)

// DefaultWidenRows is the size up to which a table is written anew to widen a column: about half a second of lock.
const DefaultWidenRows = 100_000

// lookPatience is how long CanWiden waits for a column that somebody changes: whoever asks may itself have locks that others
// wait for.
const lookPatience = 3 * time.Second

// ErrOtherType is the error of a column that is not bigint, or not there: the catalogue has changed since it was read.
var ErrOtherType = errors.New("the column is not bigint")

// CanWiden finds out whether a bigint column may be widened now (rule 11): to is the type to widen it to, double
// precision if every value is at most 2^53 in size and numeric else. If it may not, to is Unknown and reason says why,
// for people. maxRows is the largest table, in rows; 0 means DefaultWidenRows. An error says nothing of the column: LockNotHad
// and ErrOtherType tell whether to ask again.
func (m *Migrator) CanWiden(ctx context.Context, table, column string, maxRows int) (to schema.Type, reason string, err error) {
	if maxRows <= 0 {
		maxRows = DefaultWidenRows
	}
	options := m.options
	options.RetryFor = min(options.RetryFor, lookPatience)
	err = m.read(ctx, func(s *session) error {
		return patient(ctx, options, "look at column", func() (err error) {
			to, reason, err = s.canWiden(ctx, table, column, maxRows)
			return err
		})
	})
	if err != nil {
		return schema.Unknown, "", fmt.Errorf("check column %s.%s.%s: %w", m.schema, table, column, err)
	}
	return to, reason, nil
}

func (s *session) canWiden(ctx context.Context, table, column string, maxRows int) (schema.Type, string, error) {
	types, err := catalog.Types(ctx, s.conn, s.schema, []string{table})
	if err != nil {
		return schema.Unknown, "", err
	}
	if typ := types[table][column]; typ != schema.Bigint {
		return schema.Unknown, "", fmt.Errorf("%w but %s", ErrOtherType, typ)
	}
	user, err := s.user(ctx, table, column)
	if err != nil {
		return schema.Unknown, "", err
	}
	if user != "" {
		return schema.Unknown, fmt.Sprintf("%s depends on column %s.%s", user, table, column), nil
	}
	var rows, least, most int64
	err = s.conn.QueryRow(ctx, "select count(*), coalesce(min(v), 0), coalesce(max(v), 0) from (select "+ident(column)+
		" as v from "+qualified(s.schema, table)+" limit $1) few", int64(maxRows)+1).Scan(&rows, &least, &most)
	if err != nil {
		return schema.Unknown, "", err
	}
	if rows > int64(maxRows) {
		return schema.Unknown, fmt.Sprintf("table %s has more than %d rows", table, maxRows), nil
	}
	const exact = 1 << 53 // doubles hold every integer up to here
	if least < -exact || most > exact {
		return schema.Numeric, "", nil
	}
	return schema.Double, "", nil
}

// user returns what stops Postgres from changing the column's type: a view, a policy, a trigger, a function, a generated
// column, a publication. Our own tracks view does not count.
func (s *session) user(ctx context.Context, table, column string) (string, error) {
	rows, err := s.conn.Query(ctx, `
		select coalesce('view ' || v.oid::regclass::text,
			pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid))
		from pg_catalog.pg_depend d
		join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
		left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
		left join pg_catalog.pg_class v on v.oid = r.ev_class
		left join pg_catalog.pg_attrdef f on d.classid = 'pg_catalog.pg_attrdef'::regclass and f.oid = d.objid
		where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = $1::regclass and a.attname = $2
			and (d.classid::regclass::text = any('{pg_rewrite,pg_policy,pg_trigger,pg_proc,pg_attrdef,pg_publication_rel}')
				-- a generated column, before Postgres 14
				or d.classid = 'pg_catalog.pg_class'::regclass and d.objid = d.refobjid and d.objsubid > 0)
			and not (f.oid is not null and f.adnum = a.attnum)
			and not (v.oid is not null and v.relkind = 'v' and v.relname = 'tracks' and v.relnamespace =
				(select relnamespace from pg_catalog.pg_class where oid = $1::regclass))
		limit 1`, qualified(s.schema, table), column)
	if err != nil {
		return "", err
	}
	users, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(users) == 0 {
		return "", err
	}
	return users[0], nil
}
