package roles

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tapline/tapline/migrations"
)

// SQL returns the statements that make roles of these names, valid ones, and give them their rights to the schemas of
// sources, which need not exist. It is for a superuser, or for the owner of the database if he is a member of the migrator
// role, and may be run again at any time.
func SQL(n Names, schemas []string) string {
	s := script{names: n}
	s.add("-- Roles for Tapline. Run this as a superuser: psql -v ON_ERROR_STOP=1 -f FILE. On a hosted Postgres without one, run it\n" +
		"-- as the owner of the database with CREATEROLE, after: grant " + s.migrator() + " to current_user.\n" +
		"-- It may be run again at any time, for example after a table was made by hand.\nbegin;\n")
	s.roles()
	s.database()
	for _, schemaName := range append([]string{migrations.ControlSchema}, schemas...) {
		s.schema(schemaName)
	}
	s.add("\ncommit;\n")
	return s.b.String()
}

type script struct {
	names Names
	b     strings.Builder
}

func (s *script) add(parts ...string) {
	for _, p := range parts {
		s.b.WriteString(p)
	}
}

func (s *script) comment(text string) {
	s.add("\n-- ", strings.ReplaceAll(text, "\n", "\n-- "), "\n")
}

// do adds an anonymous block. Its tag does not occur in it.
func (s *script) do(body string) {
	tag := "$tapline$"
	for i := 0; strings.Contains(body, tag); i++ {
		tag = "$tapline" + strconv.Itoa(i) + "$"
	}
	s.add("do ", tag, "\n", body, tag, ";\n")
}

func (s *script) migrator() string {
	if s.names.Migrator == "" {
		return "the owner of the schemas"
	}
	return ident(s.names.Migrator)
}

// each are the roles that there are, once each.
func (s *script) each() []string {
	all := []string{s.names.Migrator, s.names.Loader, s.names.Analyst}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" })
}

func (s *script) roles() {
	s.comment("Roles that can log in. Give them passwords with psql's \\password, so that none is in a log.")
	for _, name := range s.each() {
		s.do("begin\n\tif not exists (select from pg_catalog.pg_roles where rolname = " + lit(name) + ") then\n" +
			"\t\tcreate role " + ident(name) + " login;\n\tend if;\nend ")
	}
}

func (s *script) database() {
	s.comment("All of them may connect.")
	s.onDatabase("grant connect", "to "+list(s.each()))
	if s.names.Migrator != "" {
		s.comment("The migrator makes the schemas of new sources.")
		s.onDatabase("grant create", "to "+ident(s.names.Migrator))
	}
	if !s.names.managed() && s.names.Analyst == "" {
		return
	}
	s.comment("Everybody has the right to temporary tables, and before Postgres 15 to tables in schema public, through PUBLIC. The\n" +
		"loader and analysts should not. Others who need them: grant temporary on database NAME to ROLE.")
	s.onDatabase("revoke temporary, create", "from public")
	s.add("revoke create on schema public from public;\n")
	for _, name := range []string{s.names.Loader, s.names.Analyst} {
		if name != "" && name != s.names.Migrator {
			s.onDatabase("revoke temporary, create", "from "+ident(name))
			s.add("revoke create on schema public from ", ident(name), ";\n")
		}
	}
}

// onDatabase adds a statement about this database, whose name is not known before it runs.
func (s *script) onDatabase(right, toWhom string) {
	s.do("begin\n\texecute " + lit(right+" on database ") + " || pg_catalog.quote_ident(pg_catalog.current_database()) || " +
		lit(" "+toWhom) + ";\nend ")
}

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}

func (s *script) schema(name string) {
	s.add("\n-- Schema ", oneLine(name), "\n")
	if s.names.Migrator != "" {
		s.own(name)
	}
	for _, r := range []struct {
		part Part
		role string
	}{{Loader, s.names.Loader}, {Analyst, s.names.Analyst}} {
		if r.role != "" && r.role != s.names.Migrator {
			s.tables(name, r.part, r.role)
		}
	}
}

func oneLine(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

// own makes the migrator the owner of a schema and of what is in it: only an owner can add columns. Whoever made the
// tables before keeps his rights to them, but for the loader, whose rights follow.
func (s *script) own(name string) {
	m := s.names.Migrator
	s.comment("The migrator owns it: only an owner can change tables. Owners before it keep their rights, the loader aside.")
	s.do("declare\n\tr record;\nbegin\n" +
		"\tif pg_catalog.to_regnamespace(" + lit(ident(name)) + ") is null then\n" +
		"\t\tcreate schema " + ident(name) + " authorization " + ident(m) + ";\n\tend if;\n" +
		"\tif not exists (select from pg_catalog.pg_namespace n join pg_catalog.pg_roles o on o.oid = n.nspowner\n" +
		"\t\twhere n.nspname = " + lit(name) + " and o.rolname = " + lit(m) + ") then\n" +
		"\t\talter schema " + ident(name) + " owner to " + ident(m) + ";\n\tend if;\n" +
		"\tfor r in select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, o.rolname as owner, o.rolsuper as super\n" +
		"\t\tfrom pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace\n" +
		"\t\tjoin pg_catalog.pg_roles o on o.oid = c.relowner\n" +
		"\t\twhere n.nspname = " + lit(name) + " and c.relkind in ('r', 'p', 'v', 'm', 'S') and o.rolname <> " + lit(m) + "\n" +
		"\t\t\tand not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass\n" +
		"\t\t\t\tand d.objid = c.oid and c.relkind = 'S' and d.deptype in ('a', 'i')) loop\n" +
		"\t\texecute 'alter table ' || r.name || ' owner to ' || " + lit(ident(m)) + ";\n" +
		"\t\tif not r.super and r.owner <> " + lit(s.names.Loader) + " then\n" +
		"\t\t\texecute 'grant all privileges on ' || r.name || ' to ' || pg_catalog.quote_ident(r.owner);\n" +
		"\t\tend if;\n\tend loop;\nend ")
}

// tables gives a role its rights to the tables that there are and, as default privileges, to those of later migrations.
func (s *script) tables(name string, part Part, role string) {
	in := placeOf(name)
	for _, g := range grants() {
		if g.part != part || g.in != in {
			continue
		}
		s.comment(g.why)
		rights := strings.Join(g.rights, ", ")
		if g.tables != nil {
			s.exactly(name, g.tables, rights, role)
			continue
		}
		s.add("grant usage on schema ", ident(name), " to ", ident(role), ";\n")
		s.add("revoke create on schema ", ident(name), " from ", ident(role), ";\n")
		s.add("revoke all privileges on all tables in schema ", ident(name), " from ", ident(role), ";\n")
		s.add("grant ", rights, " on all tables in schema ", ident(name), " to ", ident(role), ";\n")
		if s.names.Migrator == "" {
			continue
		}
		future := "alter default privileges for role " + ident(s.names.Migrator) + " in schema " + ident(name)
		s.add(future, " revoke all privileges on tables from ", ident(role), ";\n")
		s.add(future, " grant ", rights, " on tables to ", ident(role), ";\n")
	}
}

// exactly gives a role these rights and no others to those of the tables that exist.
func (s *script) exactly(name string, tables []string, rights, role string) {
	var array []string
	for _, t := range tables {
		array = append(array, lit(ident(name, t)))
	}
	s.do("declare\n\tt text;\nbegin\n\tforeach t in array array[" + strings.Join(array, ", ") + "] loop\n" +
		"\t\tif pg_catalog.to_regclass(t) is not null then\n" +
		fmt.Sprintf("\t\t\texecute 'revoke all privileges on ' || t || ' from ' || %s;\n", lit(ident(role))) +
		fmt.Sprintf("\t\t\texecute 'grant %s on ' || t || ' to ' || %s;\n", rights, lit(ident(role))) +
		"\t\tend if;\n\tend loop;\nend ")
}
