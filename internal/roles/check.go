package roles

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/migrations"
)

// Querier is what checking needs: a pool, a connection or a transaction of pgx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Finding is one right that a role lacks or has too much.
type Finding struct {
	Part Part   `json:"part"`
	Role string `json:"role"`
	// TooMuch tells a right that the role should not have from one that it lacks.
	TooMuch bool `json:"too_much"`
	// Future tells a right to tables that are not there yet.
	Future bool   `json:"future"`
	Right  string `json:"right"`
	On     string `json:"on"`  // what it is a right to, as in a sentence: table web.purchase
	Fix    string `json:"fix"` // the statement that mends it
}

// String is the finding as a sentence without its end.
func (f Finding) String() string {
	if f.TooMuch {
		return fmt.Sprintf("%s %s has too much: %s on %s", f.Part, f.Role, f.Right, f.On)
	}
	return fmt.Sprintf("%s %s lacks %s on %s", f.Part, f.Role, f.Right, f.On)
}

// Check compares the roles, valid names, with what they need to work on the schemas of sources. Rights through memberships
// and PUBLIC count. What does not exist yet needs no right.
func Check(ctx context.Context, q Querier, n Names, schemas []string) ([]Finding, error) {
	var all []Finding
	for _, r := range []struct {
		part Part
		name string
	}{{Migrator, n.Migrator}, {Loader, n.Loader}, {Analyst, n.Analyst}} {
		if r.name == "" || r.part == Loader && !n.managed() {
			continue
		}
		found, err := CheckRole(ctx, q, r.part, r.name, n.Migrator, schemas)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// CheckRole compares one role with what its part needs. migrator is whose default privileges count; if it is empty they
// are those of each schema's owner.
func CheckRole(ctx context.Context, q Querier, part Part, role, migrator string, schemas []string) ([]Finding, error) {
	c := checking{ctx: ctx, q: q, part: part, role: role, migrator: migrator}
	exists, err := c.account()
	if err != nil {
		return nil, fmt.Errorf("check role %s: %w", role, err)
	}
	if !exists {
		return []Finding{{Part: part, Role: role, Right: "an account", On: "this server", Fix: "create role " + ident(role) + " login"}}, nil
	}
	steps := []func([]string) error{c.database, c.schemas, c.tables, c.future}
	if c.super {
		if part == Migrator {
			return nil, nil
		}
		c.much("superuser", "the server", "alter role "+ident(role)+" nosuperuser")
		steps = nil // everything else follows from that
	}
	for _, step := range steps {
		if err := step(append([]string{migrations.ControlSchema}, schemas...)); err != nil {
			return nil, fmt.Errorf("check role %s: %w", role, err)
		}
	}
	return c.found, nil
}

type checking struct {
	ctx            context.Context //nolint:containedctx // of one CheckRole
	q              Querier
	part           Part
	role, migrator string
	super          bool
	forwards       bool // there are destinations
	found          []Finding
}

func (c *checking) lacks(right, on, fix string) {
	c.found = append(c.found, Finding{Part: c.part, Role: c.role, Right: right, On: on, Fix: fix})
}

func (c *checking) much(right, on, fix string) {
	c.found = append(c.found, Finding{Part: c.part, Role: c.role, TooMuch: true, Right: right, On: on, Fix: fix})
}

func (c *checking) account() (exists bool, err error) {
	var createRole bool
	err = c.q.QueryRow(c.ctx, "select count(*) > 0, coalesce(bool_or(rolsuper), false), coalesce(bool_or(rolcreaterole), false) "+
		"from pg_catalog.pg_roles where rolname = $1", c.role).Scan(&exists, &c.super, &createRole)
	if createRole && !c.super && c.part != Migrator {
		c.much("createrole", "the server", "alter role "+ident(c.role)+" nocreaterole")
	}
	return exists, err
}

func (c *checking) database(schemas []string) error {
	var name string
	var missing int
	var connect, create, temp, publicCreate, publicTemp bool
	err := c.q.QueryRow(c.ctx, `select current_database(), has_database_privilege($1, current_database(), 'connect'),
		has_database_privilege($1, current_database(), 'create'), has_database_privilege($1, current_database(), 'temporary'),
		has_database_privilege('public', current_database(), 'create'), has_database_privilege('public', current_database(), 'temporary'),
		(select count(*) from unnest($2::text[]) as s(name) where not exists (select from pg_catalog.pg_namespace where nspname = s.name))`,
		c.role, schemas).Scan(&name, &connect, &create, &temp, &publicCreate, &publicTemp, &missing)
	if err != nil {
		return err
	}
	on, db := "database "+name, ident(name)
	from := func(public bool) string {
		if public {
			return "public"
		}
		return ident(c.role)
	}
	if !connect {
		c.lacks("connect", on, "grant connect on database "+db+" to "+ident(c.role))
	}
	switch {
	case c.part == Migrator && !create && missing > 0: // a schema that a DBA has made needs no right to make any
		c.lacks("create", on, "grant create on database "+db+" to "+ident(c.role))
	case c.part != Migrator && create:
		c.much("create", on, "revoke create on database "+db+" from "+from(publicCreate))
	}
	if c.part != Migrator && temp {
		c.much("temporary", on, "revoke temporary on database "+db+" from "+from(publicTemp))
	}
	return nil
}

// schemas looks at all schemas but Postgres's own: the loader may make tables nowhere. An analyst may have schemas of his
// own to write to.
func (c *checking) schemas(ours []string) error {
	rows, err := c.q.Query(c.ctx, `select n.nspname, has_schema_privilege($1, n.oid, 'usage'), has_schema_privilege($1, n.oid, 'create'),
		has_schema_privilege('public', n.oid, 'create'), pg_has_role($1, n.nspowner, 'usage'), pg_get_userbyid(n.nspowner)
		from pg_catalog.pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by n.nspname`, c.role)
	if err != nil {
		return err
	}
	var name, owner string
	var usage, create, publicCreate, owns bool
	_, err = pgx.ForEachRow(rows, []any{&name, &usage, &create, &publicCreate, &owns, &owner}, func() error {
		mine := slices.Contains(ours, name) && (c.part != Analyst || name != migrations.ControlSchema)
		if mine && !usage {
			c.lacks("usage", "schema "+name, "grant usage on schema "+ident(name)+" to "+ident(c.role))
		}
		switch {
		case c.part == Migrator && mine && !owns && !create:
			c.lacks("create", "schema "+name, "grant create on schema "+ident(name)+" to "+ident(c.role))
		case c.part != Migrator && owns && slices.Contains(ours, name):
			c.much("ownership", "schema "+name, "alter schema "+ident(name)+" owner to "+c.owner("MIGRATOR"))
		case c.part != Migrator && create && (c.part == Loader || slices.Contains(ours, name) || publicCreate):
			from := ident(c.role)
			if publicCreate {
				from = "public"
			}
			c.much("create", "schema "+name, "revoke create on schema "+ident(name)+" from "+from)
		}
		return nil
	})
	return err
}

// owner is the migrator's name for a statement.
func (c *checking) owner(unknown string) string {
	if c.migrator == "" {
		return unknown
	}
	return ident(c.migrator)
}

func (c *checking) tables(schemas []string) error {
	if err := c.destinations(); err != nil {
		return err
	}
	columns := make([]string, 0, 7)
	for _, right := range tableRights() {
		columns = append(columns, "has_table_privilege($1, c.oid, '"+right+"')")
	}
	rows, err := c.q.Query(c.ctx, `select n.nspname, c.relname, c.relkind in ('v', 'm'), pg_has_role($1, c.relowner, 'usage'), array[`+
		strings.Join(columns, ", ")+`] from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = any($2) and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition order by n.nspname, c.relname`, c.role, schemas)
	if err != nil {
		return err
	}
	var schemaName, name string
	var view, owns bool
	var has []bool
	_, err = pgx.ForEachRow(rows, []any{&schemaName, &name, &view, &owns, &has}, func() error {
		c.table(schemaName, name, view, owns, has)
		return nil
	})
	return err
}

// destinations looks whether there are any, as far as the role that asks may see that.
func (c *checking) destinations() error {
	name := ident(migrations.ControlSchema, "destinations")
	var readable bool
	err := c.q.QueryRow(c.ctx, "select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"+
		" where n.nspname = $1 and c.relname = 'destinations' and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'))",
		migrations.ControlSchema).Scan(&readable)
	if err == nil && readable {
		err = c.q.QueryRow(c.ctx, "select exists (select from "+name+")").Scan(&c.forwards)
	}
	return err
}

func (c *checking) table(schemaName, name string, view, owns bool, has []bool) {
	on, quoted, role := "table "+schemaName+"."+name, ident(schemaName, name), ident(c.role)
	if c.part == Migrator {
		if !owns {
			c.lacks("ownership", on, "alter table "+quoted+" owner to "+role)
		}
		return
	}
	if owns {
		c.much("ownership", on, "alter table "+quoted+" owner to "+c.owner("MIGRATOR"))
		return
	}
	in := placeOf(schemaName)
	may, must := allowed(c.part, in, name, view), needed(c.part, in, name, view, c.forwards)
	var lacks, much []string
	for i, right := range tableRights() {
		switch {
		case !has[i] && slices.Contains(must, right):
			lacks = append(lacks, right)
		case has[i] && !slices.Contains(may, right) && (!view || c.part == Analyst) && !harmless(c.part, in, right):
			much = append(much, right)
		}
	}
	if len(lacks) > 0 {
		list := strings.Join(lacks, ", ")
		c.lacks(list, on, "grant "+list+" on table "+quoted+" to "+role)
	}
	if len(much) > 0 {
		list := strings.Join(much, ", ")
		c.much(list, on, "revoke "+list+" on table "+quoted+" from "+role)
	}
}

// harmless says that an analyst may be allowed to look at the control schema, too.
func harmless(part Part, in place, right string) bool {
	return right == sel && (part == Analyst && in == control)
}
