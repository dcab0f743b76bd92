package migrations

import (
	"context"
	"errors"
	"fmt"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrManaged is the error of changes that a Migrator with Options.Managed does not make: somebody else owns DDL.
var ErrManaged = errors.New("the schema is managed: apply the migration with a role that may change it")

// OwnedError says that a schema belongs to another source (rule 34), or that the source has another schema.
type OwnedError struct {
	Schema, Nickname, Owner string // Owner is empty if nobody has the schema
	Has                     string // the schema of Nickname, if it has one
}

// Error names both sources and the way out.
func (e *OwnedError) Error() string {
	if e.Owner == "" {
		return fmt.Sprintf("source %q has schema %s already: leave --schema out, or give what goes into schema %s a source of another name",
			e.Nickname, e.Has, e.Schema)
	}
	return fmt.Sprintf("schema %s belongs to source %q: if that is the one, spell it so; else give source %q another name, "+
		"or another schema with --schema", e.Schema, e.Owner, e.Nickname)
}

// NotReadyError says that a managed schema lacks something that Bootstrap would have made.
type NotReadyError struct {
	Schema, Lacks string
}

// Error says what is missing and who can make it.
func (e *NotReadyError) Error() string {
	return fmt.Sprintf("schema %s is not ready: %s; a role that may change it has to run tapline migrate up",
		e.Schema, e.Lacks)
}

// FileError says which migration failed and why. The schema is as it was before that migration.
type FileError struct {
	Schema  string
	Version uint
	Name    string
	Err     error
}

// Error leaves the SQL out: it may be megabytes.
func (e *FileError) Error() string {
	return fmt.Sprintf("apply migration %d %s to schema %s: %v", e.Version, e.Name, e.Schema, e.Err)
}

// Unwrap returns the cause, a *pgconn.PgError where Postgres refused.
func (e *FileError) Unwrap() error { return e.Err }

// NoTextError says that a migration is to be applied or taken back whose text is only in the folder that it came from.
type NoTextError struct {
	Version uint
	Name    string
}

// Error names the migration and the way out.
func (e *NoTextError) Error() string {
	return fmt.Sprintf("the text of migration %d %s is not in the database: give the folder that has it, with --dir", e.Version, e.Name)
}

// RoleError says that a role is not the one that may change a schema.
type RoleError struct {
	Schema, Role string
}

// Error names the role and what to do.
func (e *RoleError) Error() string {
	return fmt.Sprintf("permission denied: role %s may not change schema %s: migrate as the role that owns its tables", e.Role, e.Schema)
}

// MovedError says that somebody has applied migrations, or taken some back, since it was asked what would be lost.
type MovedError struct {
	Schema  string
	Was, Is uint // the numbers of the last migration, then and now
}

// Error says both numbers and what to do.
func (e *MovedError) Error() string {
	return fmt.Sprintf("schema %s was at migration %d and is at %d now, somebody has changed it meanwhile: nothing was taken back; "+
		"run the command again to see what would be", e.Schema, e.Was, e.Is)
}

// LockNotHad reports whether err says that a lock was not had in time: nothing is wrong, another try may succeed.
func LockNotHad(err error) bool { return contended(err) }

// plain takes golang-migrate's wrapping off an error: it does not unwrap by itself and prints the whole file.
func plain(err error) error {
	var byPointer *database.Error
	var byValue database.Error
	switch {
	case errors.As(err, &byPointer) && byPointer.OrigErr != nil:
		return byPointer.OrigErr
	case errors.As(err, &byValue) && byValue.OrigErr != nil:
		return byValue.OrigErr
	}
	return err
}

// code returns the SQLSTATE of err, or nothing.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(plain(err), &pg) {
		return pg.Code
	}
	return ""
}

// contended reports whether err is a matter of who else is at work now: a lock not had in time, a deadlock, a
// cancelled statement, a serialization failure.
func contended(err error) bool {
	switch code(err) {
	case "55P03", "40P01", "57014", "40001":
		return true
	}
	return false
}

// raced reports whether err is that of CREATE ... IF NOT EXISTS, which is not safe against itself: of eight sessions
// at once seven got a unique violation or "already exists".
func raced(err error) bool {
	switch code(err) {
	case "23505", "42P06", "42P07", "42701", "42710":
		return true
	}
	return false
}

// missing reports whether err says that a table or schema does not exist.
func missing(err error) bool {
	switch code(err) {
	case "42P01", "3F000":
		return true
	}
	return false
}

// permanent reports whether err is that of SQL which Postgres will refuse the next time too.
func permanent(err error) bool {
	c := code(err)
	if c == "42501" || len(c) != 5 { // a privilege can be granted
		return false
	}
	switch c[:2] {
	case "0A", "22", "23", "2B", "42", "54", "P0":
		return true
	}
	return false
}

// cause prefers the reason why ctx ended to the error that this led to.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
