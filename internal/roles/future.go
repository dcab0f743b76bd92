package roles

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// future looks at the default privileges: the rights to tables that later migrations make.
func (c *checking) future(schemas []string) error {
	if c.part == Migrator {
		return nil
	}
	rows, err := c.q.Query(c.ctx, `select n.nspname, m.rolname, coalesce((
			select array_agg(distinct lower(x.privilege_type)) from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) x
			where d.defaclrole = m.oid and d.defaclobjtype = 'r' and d.defaclnamespace in (0, n.oid)
				and (x.grantee = 0 or pg_has_role($1, x.grantee, 'usage')) and x.grantee <> m.oid), '{}')
		from pg_catalog.pg_namespace n join pg_catalog.pg_roles m
			on case when $2 = '' then m.oid = n.nspowner else m.rolname = $2 end
		where n.nspname = any($3) order by n.nspname`, c.role, c.migrator, schemas)
	if err != nil {
		return err
	}
	before := len(c.found)
	var schemaName, owner string
	var has []string
	_, err = pgx.ForEachRow(rows, []any{&schemaName, &owner, &has}, func() error {
		may := allowed(c.part, placeOf(schemaName), "", false)
		on := "tables that " + owner + " will make in schema " + schemaName
		statement := "alter default privileges for role " + ident(owner) + " in schema " + ident(schemaName)
		if lacks := without(may, has); len(lacks) > 0 {
			list := strings.Join(lacks, ", ")
			c.lacks(list, on, statement+" grant "+list+" on tables to "+ident(c.role))
		}
		if much := without(has, may); len(much) > 0 {
			list := strings.Join(much, ", ")
			c.much(list, on, statement+" revoke "+list+" on tables from "+ident(c.role))
		}
		return nil
	})
	for i := range c.found[before:] {
		c.found[before+i].Future = true
	}
	return err
}

// without returns what of all is not in some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
