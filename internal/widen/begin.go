package widen

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/failpoint"
)

// begin makes the second columns, and the triggers that fill them in rows that come from now on. Making a trigger waits
// for all who write to the table, so that no row is between the two.
func (j *Job) begin(ctx context.Context) error {
	err := j.locked(ctx, func(tx pgx.Tx) error {
		if err := j.lockState(ctx, tx); err != nil {
			return err
		}
		return run(ctx, tx, j.beginSQL())
	})
	if err != nil {
		return fmt.Errorf("begin to widen: %w", err)
	}
	j.Begun = true
	failpoint.Hit("widen-begun")
	return nil
}

func (j *Job) beginSQL() []string {
	out := j.stateSQL()
	for i := range j.Columns {
		c := &j.Columns[i]
		out = append(out, "insert into "+ident(j.req.Schema, stateTable)+` ("table_name", "column_name", "from_type", "to_type", "state") values (`+
			lit(c.Table)+", "+lit(c.Column)+", "+lit(c.From)+", "+lit(c.To.String())+", "+lit(stateFilling)+")")
		out = append(out, j.shadowSQL(c)...)
	}
	return out
}

// shadowSQL makes one second column with its trigger. The trigger's name makes it the last of the table's, so that it sees
// what others make of a row; while it names the column, Postgres lets nobody else change its type.
func (j *Job) shadowSQL(c *Column) []string {
	table, name, column := ident(j.req.Schema, c.Table), ident(c.shadow), ident(c.Column)
	settings := ""
	if c.Floats() {
		settings = " set extra_float_digits = 1"
	}
	trigger := ident("~" + c.shadow)
	out := []string{
		"alter table " + table + " add column " + name + " " + c.To.String(),
		"comment on column " + table + "." + name + " is " + lit("The values of "+c.Column+" as "+c.To.String()+", until they take its place."),
		"create function " + ident(j.req.Schema, c.shadow) + "() returns trigger language plpgsql" + settings +
			" as $tapline$ begin new." + name + " := " + c.Using("new."+column) + "; return new; end $tapline$",
		"create trigger " + trigger + " before insert or update of " + column + " on " + table +
			" for each row execute function " + ident(j.req.Schema, c.shadow) + "()",
		"alter table " + table + " enable always trigger " + trigger,
	}
	if exact := c.Exact("new." + column); exact != "" {
		out = append(out, j.misfitSQL(c, table, column, exact)...)
	}
	return out
}

// misfitSQL makes the trigger that notes rows whose value the new type does not hold. It runs with the rights of whoever
// widens: a loader has none on its table.
func (j *Job) misfitSQL(c *Column, table, column, exact string) []string {
	function, trigger := ident(j.req.Schema, c.shadow+"_misfit"), ident("~"+c.shadow+"_misfit")
	return []string{
		"create function " + function + "() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp" +
			" as $tapline$ begin insert into " + ident(j.req.Schema, misfitsTable) + " values (" + lit(c.Table) + ", " + lit(c.Column) +
			`, new."id"); return null; end $tapline$`,
		"create trigger " + trigger + " after insert or update of " + column + " on " + table +
			" for each row when (not (" + exact + ")) execute function " + function + "()",
		"alter table " + table + " enable always trigger " + trigger,
	}
}

// dropTriggersSQL takes the triggers away.
func (j *Job) dropTriggersSQL(c *Column) []string {
	table := ident(j.req.Schema, c.Table)
	out := []string{
		"drop trigger if exists " + ident("~"+c.shadow) + " on " + table,
		"drop function if exists " + ident(j.req.Schema, c.shadow) + "()",
	}
	if c.Exact("x") != "" {
		out = append(out, "drop trigger if exists "+ident("~"+c.shadow+"_misfit")+" on "+table,
			"drop function if exists "+ident(j.req.Schema, c.shadow+"_misfit")+"()")
	}
	return out
}

// abortSQL takes everything away that begin has made.
func (j *Job) abortSQL() []string {
	var out []string
	for i := range j.Columns {
		c := &j.Columns[i]
		out = append(out, j.dropTriggersSQL(c)...)
		out = append(out, "alter table "+ident(j.req.Schema, c.Table)+" drop column if exists "+ident(c.shadow))
	}
	return out
}

// executor is a transaction or a connection.
type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func run(ctx context.Context, tx executor, statements []string) error {
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
