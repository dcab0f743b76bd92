package migrations

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tapline/tapline/schema"
)

//go:embed sql
var embedded embed.FS

// File is one numbered migration of a schema.
type File struct {
	Version uint
	// Name says in a few words what it does.
	Name string
	// Up and Down are SQL for one implicit transaction each; the last statement records in _migration_files that the
	// migration is applied, or is not any more.
	Up, Down  string
	CreatedAt time.Time // zero for a file of the program that is not applied
	AppliedAt time.Time // zero if it is not applied
	AppliedBy string    // the Postgres role that applied it
}

// Applied reports whether the migration is in the database.
func (f *File) Applied() bool { return !f.AppliedAt.IsZero() }

// The files of the program, without .up.sql and .down.sql.
const (
	baselinePath = "sql/source/000001_baseline"
	controlPath  = "sql/control/000001_control"
)

// laterControl are the migrations of the control schema after the first, by their names; their numbers go up from 2.
func laterControl() []string { return []string{"federation", "sources", "jobs"} }

// baselineFile returns number 1 of a source's schema.
func baselineFile(schemaName string) File { return embeddedFile(baselinePath, "baseline", schemaName) }

// The lines that part what is written by hand in the baseline's files from what is generated.
const (
	generatedBelow = "-- Below this line: generated"
	generatedAbove = "-- Above this line: generated"
)

// adoptedFile returns number 1 of a schema that has tables already: Tapline's own tables, and what the tables there lack
// of the catalogue.
func adoptedFile(schemaName string, have schema.Tables) File {
	f := baselineFile(schemaName)
	var up string
	up, f.Down = adopting(schemaName, have)
	// The way back is kept in the same transaction: that of the program would drop the tables that were there before.
	f.Up = up + applied(schemaName, f) + "update " + qualified(schemaName, "_migration_files") + " set \"down\" = " +
		lit(f.Down) + " where \"version\" = 1;\n"
	return f
}

// adopting returns the SQL of number 1 of a schema that has tables already.
func adopting(schemaName string, have schema.Tables) (up, down string) {
	own, _, _ := strings.Cut(template(baselinePath+".up.sql", schemaName), generatedBelow)
	_, drop, _ := strings.Cut(template(baselinePath+".down.sql", schemaName), generatedAbove)
	up, down = Render(schemaName, have, completeTracks(have, CatalogueDiff(have)))
	return own + up, down + generatedAbove + drop
}

// controlFiles returns all migrations of the control schema: they come with the program.
func controlFiles() []File {
	files := []File{embeddedFile(controlPath, "control", ControlSchema)}
	for i, name := range laterControl() {
		version := uint(i + 2)
		path := fmt.Sprintf("sql/control/%06d_%s", version, name)
		files = append(files, generated(ControlSchema, version, name, template(path+".up.sql", ControlSchema),
			template(path+".down.sql", ControlSchema)))
	}
	return files
}

func embeddedFile(path, name, schemaName string) File {
	f := File{Version: 1, Name: name, Up: template(path+".up.sql", schemaName), Down: template(path+".down.sql", schemaName)}
	f.Up += applied(schemaName, f)
	return f
}

// template reads an embedded file for a schema: "{schema}" in it is an ordinary quoted identifier.
func template(path, schemaName string) string {
	text, err := embedded.ReadFile(path)
	if err != nil {
		panic(fmt.Sprintf("migrations: %v", err)) // the file is part of the program
	}
	return strings.ReplaceAll(string(text), `"{schema}"`, ident(schemaName))
}

// generated returns a file of that number with the statements that record it.
func generated(schemaName string, version uint, name, up, down string) File {
	f := File{Version: version, Name: name}
	f.Up = up + applied(schemaName, f)
	f.Down = down + unapplied(schemaName, version)
	return f
}

// unapplied is the last statement of a down file.
func unapplied(schemaName string, version uint) string {
	return "update " + qualified(schemaName, "_migration_files") +
		" set \"applied_at\" = null, \"applied_by\" = null where \"version\" = " + strconv.Itoa(int(version)) + ";\n"
}

// applied is the last statement of an up file. golang-migrate writes its version before and after the file, in
// transactions of their own; this one commits with the file and so is the truth after a kill.
func applied(schemaName string, f File) string {
	return "insert into " + qualified(schemaName, "_migration_files") +
		` ("version", "name", "applied_at", "applied_by") values (` + strconv.Itoa(int(f.Version)) + ", " + lit(f.Name) +
		", now(), current_user)\n\ton conflict (\"version\") do update" +
		" set \"applied_at\" = excluded.\"applied_at\", \"applied_by\" = excluded.\"applied_by\";\n"
}
