package widen

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/migrations"
)

// swap lets the second columns take the places of the first, as one migration. A rehearsal does the same and rolls it
// back: what would stop it is better known before millions of rows are filled.
func (j *Job) swap(ctx context.Context, rehearse bool) (migrations.File, error) {
	file, err := j.migrator.Swap(ctx, j.widenings(), rehearse, func(ctx context.Context, tx pgx.Tx) error {
		return j.swapIn(ctx, tx, rehearse)
	})
	if err != nil {
		return file, err
	}
	if !rehearse {
		j.Swapped = true
		failpoint.Hit("widen-swapped")
	}
	return file, nil
}

func (j *Job) swapIn(ctx context.Context, tx pgx.Tx, rehearse bool) error {
	if err := j.ready(ctx, tx, rehearse); err != nil {
		return err
	}
	for i := range j.Columns {
		if err := j.swapColumn(ctx, tx, &j.Columns[i]); err != nil {
			return fmt.Errorf("swap column %s.%s: %w", j.Columns[i].Table, j.Columns[i].Column, err)
		}
	}
	_, err := tx.Exec(ctx, "update "+ident(j.req.Schema, stateTable)+` set "state" = $3 where "column_name" = $1 and "table_name" = any($2)`,
		j.req.Column, j.tables(), stateSwapped)
	return err
}

func (j *Job) tables() []string {
	out := make([]string, len(j.Columns))
	for i := range j.Columns {
		out[i] = j.Columns[i].Table
	}
	return out
}

// ready makes sure, now that nobody writes, that every row has its value in the second column.
func (j *Job) ready(ctx context.Context, tx pgx.Tx, rehearse bool) error {
	for i := range j.Columns {
		c := &j.Columns[i]
		var filled, triggers bool
		err := tx.QueryRow(ctx, `select exists (select from `+ident(j.req.Schema, stateTable)+
			` where "table_name" = $1 and "column_name" = $2 and ("state" = $3 or $4)),
			exists (select from pg_catalog.pg_trigger where tgrelid = pg_catalog.to_regclass($5) and tgname = $6 and tgenabled = 'A')`,
			c.Table, c.Column, stateFilled, rehearse, ident(j.req.Schema, c.Table), "~"+c.shadow).Scan(&filled, &triggers)
		switch {
		case err != nil:
			return err
		case !filled || !triggers:
			return fmt.Errorf("the second column of %s.%s is not complete: somebody has changed its trigger or %s meanwhile; start over after --abort",
				c.Table, c.Column, stateTable)
		}
		if err := j.misfits(ctx, tx, c); err != nil {
			return err
		}
	}
	return nil
}

// misfits looks again at the rows that came meanwhile with a value that the new type does not hold.
func (j *Job) misfits(ctx context.Context, tx pgx.Tx, c *Column) error {
	exact := c.Exact("t." + ident(c.Column))
	if exact == "" {
		return nil
	}
	var value string
	err := tx.QueryRow(ctx, "select t."+ident(c.Column)+"::pg_catalog.text from "+ident(j.req.Schema, misfitsTable)+" m join "+
		ident(j.req.Schema, c.Table)+` t on t."id" = m."row_id" where m."table_name" = $1 and m."column_name" = $2 and not (`+exact+") limit 1",
		c.Table, c.Column).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return &ValuesError{c.Widening, value}
}

func (j *Job) swapColumn(ctx context.Context, tx pgx.Tx, c *Column) error {
	all, err := dependents(ctx, tx, j.req.Schema, c)
	if err != nil {
		return err
	}
	var views []view
	var others []dependent
	for _, d := range all {
		if !d.view {
			others = append(others, d)
			continue
		}
		v, err := readView(ctx, tx, d)
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	if len(others) > 0 {
		return &DependentsError{c.Widening, names(others), "Drop them first and make them again afterwards"}
	}
	kept, err := j.keptSQL(ctx, tx, c)
	if err != nil {
		return err
	}
	for _, v := range views {
		if err := replace(ctx, tx, c, v, v.empty); err != nil {
			return err
		}
	}
	if err := run(ctx, tx, append(j.takePlaceSQL(c), kept...)); err != nil {
		return err
	}
	for _, v := range views {
		if err := replace(ctx, tx, c, v, v.full); err != nil {
			return err
		}
	}
	return nil
}

// takePlaceSQL drops the column and gives its name to the second one.
func (j *Job) takePlaceSQL(c *Column) []string {
	table := ident(j.req.Schema, c.Table)
	return append(j.dropTriggersSQL(c),
		"alter table "+table+" drop column "+ident(c.Column),
		"alter table "+table+" rename column "+ident(c.shadow)+" to "+ident(c.Column))
}

// keptSQL gives the new column the comment and the rights of the old one.
func (j *Job) keptSQL(ctx context.Context, tx pgx.Tx, c *Column) ([]string, error) {
	table := ident(j.req.Schema, c.Table)
	var comment string
	err := tx.QueryRow(ctx, `select coalesce(pg_catalog.quote_literal(pg_catalog.col_description(a.attrelid, a.attnum)), 'null')
		from pg_catalog.pg_attribute a where a.attrelid = pg_catalog.to_regclass($1) and a.attname = $2`, table, c.Column).Scan(&comment)
	if err != nil {
		return nil, fmt.Errorf("read comment: %w", err)
	}
	out := []string{"comment on column " + table + "." + ident(c.Column) + " is " + comment}
	rows, err := tx.Query(ctx, `select x.privilege_type, case x.grantee when 0 then 'public'
			else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) end, x.is_grantable
		from pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x
		where a.attrelid = pg_catalog.to_regclass($1) and a.attname = $2 order by 1, 2`, table, c.Column)
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	grants, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var privilege, grantee string
		var grantable bool
		err := row.Scan(&privilege, &grantee, &grantable)
		sql := "grant " + privilege + " (" + ident(c.Column) + ") on table " + table + " to " + grantee
		if grantable {
			sql += " with grant option"
		}
		return sql, err
	})
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	return append(out, grants...), nil
}
