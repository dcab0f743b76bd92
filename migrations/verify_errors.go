package migrations

import "fmt"

// DuplicateError says that two files of a folder have the same number: mostly two branches that were merged.
type DuplicateError struct {
	Version uint
	Files   [2]string
}

// Error names both files and what to do.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("migration %d is there twice, %s and %s: give the one that was not applied yet the next free number",
		e.Version, e.Files[0], e.Files[1])
}

// NoUpError says that a folder has a down file without its up file.
type NoUpError struct {
	Version uint
	Down    string
}

// Error names the file and what to do.
func (e *NoUpError) Error() string {
	return fmt.Sprintf("%s has no up file beside it: bring the up file of migration %d back, or delete this one too", e.Down, e.Version)
}

// GapError says that numbers are missing in a folder. golang-migrate would go over the gap, and later skip the missing
// file in silence when it turns up.
type GapError struct {
	From, To uint // the first and the last number that is missing
	Next     uint // the file after the gap
}

// Error names the numbers and what to do.
func (e *GapError) Error() string {
	which := fmt.Sprintf("migration %d is", e.From)
	if e.To > e.From {
		which = fmt.Sprintf("migrations %d to %d are", e.From, e.To)
	}
	return fmt.Sprintf("%s not in the folder, though %d is: bring the file back, or number the later ones anew if none is applied anywhere",
		which, e.Next)
}

// EditedError says that a file is not what was applied under its number.
type EditedError struct {
	Version uint
	Name    string // that of the file
	Part    string // what differs: up, down or name
	Line    int    // the first line that differs, from 1; 0 for a name
	Was     string // the name that was applied
}

// Error names the place and what to do.
func (e *EditedError) Error() string {
	if e.Part == "name" {
		return fmt.Sprintf("migration %d is %s in the folder, and %s was applied: give the one that was not applied the next free number",
			e.Version, e.Name, e.Was)
	}
	return fmt.Sprintf("migration %d %s: the %s file was edited after it was applied (line %d): put the applied text back, and write the "+
		"change as a new migration", e.Version, e.Name, e.Part, e.Line)
}

// MissingError says that a migration was applied whose file is not in the folder.
type MissingError struct {
	Version uint
	Name    string
}

// Error names the file and what to do.
func (e *MissingError) Error() string {
	return fmt.Sprintf("migration %d %s is applied, and its file is not in the folder: bring it back from version control, or write it "+
		"from the database with tapline migrate generate", e.Version, e.Name)
}

// LateError says that a file has a lower number than migrations that are applied already. golang-migrate would skip it
// in silence.
type LateError struct {
	Version uint
	Name    string
	Applied uint // the last one that is applied
}

// Error names the file and what to do.
func (e *LateError) Error() string {
	return fmt.Sprintf("migration %d %s is not applied, and %d is: it came too late and would never run. Give it the next free number",
		e.Version, e.Name, e.Applied)
}

// NewerError says that a schema has migrations of which the folder, or this program, knows nothing.
type NewerError struct {
	Schema   string // empty if Verify was not told
	Database uint   // the last one that is applied
	Known    uint   // the last one that is known
	Program  bool   // this program is older than the schema; else the folder is
}

// Error says what is old and what to do.
func (e *NewerError) Error() string {
	where := "the database"
	if e.Schema != "" {
		where = "schema " + e.Schema
	}
	if e.Program {
		return fmt.Sprintf("%s is at migration %d, which came with a newer release of Tapline; this one knows %d: use the newer release",
			where, e.Database, e.Known)
	}
	return fmt.Sprintf("%s is at migration %d, and the folder ends at %d: update the folder (git pull), or write what the database has "+
		"with tapline migrate generate", where, e.Database, e.Known)
}
