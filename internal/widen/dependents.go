package widen

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
)

// dependent is something of others that hangs on a column.
type dependent struct {
	name    string // for people, such as "view reports.revenue"
	view    bool   // an ordinary view: it can be replaced, if its own columns keep their types
	rebuilt bool   // Postgres itself makes it anew when the column's type changes in place
	oid     uint32 // of a view
}

// dependents returns what hangs on a column. What Postgres drops together with a column, such as its indexes, counts too. Our
// own triggers and the tracks view do not.
func dependents(ctx context.Context, q catalog.Querier, schemaName string, c *Column) ([]dependent, error) {
	rows, err := q.Query(ctx, `
		select distinct coalesce(case when v.relkind in ('v', 'm') then case v.relkind when 'm' then 'materialized view ' else 'view ' end
				|| pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(v.relname) end,
				pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)),
			coalesce(v.relkind = 'v', false),
			coalesce(d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass or i.relkind in ('i', 'I')
				or d.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass or f.adnum = a.attnum and a.attgenerated = '', false),
			coalesce(v.oid, 0)
		from pg_catalog.pg_depend d
		join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
		left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and r.oid = d.objid
		left join pg_catalog.pg_class v on v.oid = r.ev_class
		left join pg_catalog.pg_namespace n on n.oid = v.relnamespace
		left join pg_catalog.pg_class i on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and i.oid = d.objid
		left join pg_catalog.pg_attrdef f on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and f.oid = d.objid
		left join pg_catalog.pg_trigger t on d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and t.oid = d.objid
		where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = pg_catalog.to_regclass($1) and a.attname = $2
			and not (t.oid is not null and pg_catalog.starts_with(t.tgname::pg_catalog.text, '~' || $3))
			and not (v.oid is not null and v.relkind = 'v' and v.relname = 'tracks' and n.nspname = $4)
		order by 1`, ident(schemaName, c.Table), c.Column, catalog.Shadow, schemaName)
	if err != nil {
		return nil, fmt.Errorf("find what depends on %s.%s: %w", c.Table, c.Column, err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d dependent, err error) {
		err = row.Scan(&d.name, &d.view, &d.rebuilt, &d.oid)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("find what depends on %s.%s: %w", c.Table, c.Column, err)
	}
	return out, nil
}

// unsuited says why a column cannot be replaced by another, for people; nothing if it can.
func unsuited(ctx context.Context, q catalog.Querier, schemaName string, c *Column) (string, error) {
	rows, err := q.Query(ctx, `
		select case
			when a.attnotnull then 'it is NOT NULL'
			when a.attidentity <> '' or a.attgenerated <> '' then 'Postgres makes its values'
			when exists (select from pg_catalog.pg_inherits where inhrelid = a.attrelid or inhparent = a.attrelid)
				then 'its table is partitioned or inherited from'
			when not exists (select from pg_catalog.pg_attribute i where i.attrelid = a.attrelid and i.attname = 'id' and i.attnotnull
				and exists (select from pg_catalog.pg_index x where x.indrelid = a.attrelid and x.indkey[0] = i.attnum and x.indisvalid
					and x.indpred is null))
				then 'its table has no index on a column id that is never null'
			else '' end
		from pg_catalog.pg_attribute a where a.attrelid = pg_catalog.to_regclass($1) and a.attname = $2 and not a.attisdropped`,
		ident(schemaName, c.Table), c.Column)
	if err != nil {
		return "", fmt.Errorf("look at column %s.%s: %w", c.Table, c.Column, err)
	}
	why, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(why) == 0 {
		return "", err
	}
	return why[0], nil
}

// suited returns the error of a Job that cannot be done step by step.
func (j *Job) suited() error {
	for i := range j.Columns {
		c := &j.Columns[i]
		if c.unsuited != "" {
			return &UnsuitedError{c.Widening, c.unsuited}
		}
		if len(c.others) > 0 {
			return &DependentsError{c.Widening, names(c.others), "Drop them first and make them again afterwards" + inPlace(c.others)}
		}
	}
	return nil
}

// inPlace says whether Rewrite would do.
func inPlace(all []dependent) string {
	for _, d := range all {
		if !d.rebuilt {
			return ""
		}
	}
	return "; or use --rewrite, which keeps them and locks the table"
}

// rewritable returns the error of a Job that Postgres would refuse to do in place.
func (j *Job) rewritable() error {
	for i := range j.Columns {
		c := &j.Columns[i]
		stop := slices.Clone(c.Views)
		for _, d := range c.others {
			if !d.rebuilt {
				stop = append(stop, d.name)
			}
		}
		if len(stop) > 0 {
			hint := "Drop them first and make them again afterwards"
			if len(stop) == len(c.Views) {
				hint += "; or leave --rewrite out: views whose own columns keep their types stay as they are then"
			}
			return &DependentsError{c.Widening, stop, hint}
		}
	}
	return nil
}

func names(all []dependent) []string {
	out := make([]string, len(all))
	for i, d := range all {
		out[i] = d.name
	}
	return out
}
