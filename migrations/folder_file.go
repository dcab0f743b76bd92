package migrations

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tapline/tapline/schema"
)

// Files of a folder are applied by golang-migrate's own command too, which knows nothing of Tapline: everything that a
// Migrator does around a file stands in the file.

// fileLockTimeout is how long a statement of a folder's file waits for a lock, unless whoever applies it has a limit.
const fileLockTimeout = "300ms"

// patience is the beginning of every file of a folder.
func patience() string {
	return "-- Nothing here waits longer than this for a lock: readers would stand behind a waiting ALTER.\n" +
		"select pg_catalog.set_config('lock_timeout', '" + fileLockTimeout + "', true)\n" +
		"where pg_catalog.current_setting('lock_timeout') in ('0', '');\n\n"
}

// headline names a file; the record looks for it.
func headline(version uint) string { return fmt.Sprintf("-- Tapline migration %d", version) }

// folderFile makes a file of a folder from SQL. It is a finisher.
func folderFile(schemaName string, version uint, name, up, down string) File {
	head := headline(version) + " of schema " + jsonText(schemaName) + ": " + name + ".\n"
	f := File{Version: version, Name: name}
	f.Up = head + patience() + up + record(schemaName, f)
	f.Down = head + "-- This is the way back: what its tables and columns hold is lost.\n" + patience() + down
	if version > 1 { // number 1 drops the table of the records
		f.Down += "\n-- From here on it is not applied any more.\n" + unapplied(schemaName, version)
	}
	return f
}

// record is applied for files whose text no Migrator may be there to keep: current_query is the whole file, as
// golang-migrate sends it. Sent by others, statement by statement, it is not, and no text is kept.
func record(schemaName string, f File) string {
	return "\n-- The record: it commits with the statements above and so is true whatever is killed when.\n" +
		"insert into " + qualified(schemaName, "_migration_files") + ` ("version", "name", "up", "applied_at", "applied_by")` + "\n" +
		"select " + strconv.Itoa(int(f.Version)) + ", " + lit(f.Name) + ", case when pg_catalog.starts_with(pg_catalog.current_query(), " +
		lit(headline(f.Version)) + ")\n\tthen pg_catalog.current_query() end, now(), current_user\n" +
		"on conflict (\"version\") do update set \"name\" = excluded.\"name\", \"up\" = excluded.\"up\", \"down\" = null,\n" +
		"\t\"applied_at\" = excluded.\"applied_at\", \"applied_by\" = excluded.\"applied_by\";\n"
}

// firstFile returns number 1 of a folder: the control schema if there is none, the source's row in it, and what a
// Migrator's number 1 has. have are the tables that the schema has already.
func firstFile(nickname, schemaName string, have schema.Tables) File {
	up, down := template(baselinePath+".up.sql", schemaName), template(baselinePath+".down.sql", schemaName)
	if len(have) > 0 {
		up, down = adopting(schemaName, have)
	}
	versions := qualified(schemaName, versionTable)
	up = controlIfMissing() + "\n" + claim(nickname, schemaName) + "\n" + up + "\n" + describeVersions(versions)
	return folderFile(schemaName, 1, "baseline", up, down+setCatalogue(schemaName, "null"))
}

// controlIfMissing makes the control schema as a Migrator would have, unless another source has done it.
func controlIfMissing() string {
	versions := qualified(ControlSchema, versionTable)
	return "-- The control schema, which all sources of this database share.\n" +
		"-- tapline:lint-ignore down-incomplete the way back leaves it to the other sources\ndo " + body("begin\n"+
		"if to_regclass("+lit(qualified(ControlSchema, "sources"))+") is not null then\n\treturn;\nend if;\n"+
		"if not exists (select from pg_catalog.pg_namespace where nspname = "+lit(ControlSchema)+") then\n"+
		"\tcreate schema "+ident(ControlSchema)+";\nend if;\n"+
		controlSQL()+
		"create table if not exists "+versions+" (\"version\" bigint not null primary key, \"dirty\" boolean not null);\n"+
		"insert into "+versions+" select "+strconv.Itoa(len(controlFiles()))+", false where not exists (select from "+versions+");\n"+
		describeVersions(versions)+
		"end ") + ";\n"
}

// controlSQL is what makes the whole control schema.
func controlSQL() string {
	var b strings.Builder
	for _, f := range controlFiles() {
		b.WriteString(f.Up)
	}
	return b.String()
}

// claim writes the source's row, or fails if the schema is another source's.
func claim(nickname, schemaName string) string {
	sources := qualified(ControlSchema, "sources")
	same := "nickname = " + lit(nickname) + " and schema_name = " + lit(schemaName)
	return "-- The schema belongs to this source alone.\n" +
		"insert into " + sources + " (nickname, schema_name) values (" + lit(nickname) + ", " + lit(schemaName) + ") on conflict do nothing;\n" +
		"do " + body("begin\nif not exists (select from "+sources+" where "+same+") then\n"+
		"\traise exception 'schema % belongs to another source, or source % has another schema', "+lit(schemaName)+", "+lit(nickname)+";\n"+
		"end if;\nend ") + ";\n" + setCatalogue(schemaName, lit(catalogueDigest()))
}

// setCatalogue notes which release's catalogue the schema has; digest is SQL.
func setCatalogue(schemaName, digest string) string {
	return "update " + qualified(ControlSchema, "sources") + " set catalogue = " + digest + " where schema_name = " + lit(schemaName) + ";\n"
}
