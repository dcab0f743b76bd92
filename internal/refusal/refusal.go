// Package refusal knows the errors with which Postgres refuses a row because of what is in it: a CHECK, a unique index or
// a trigger that somebody has added to a table, a value that its column's type does not hold.
package refusal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Max is how many rows of one unit may be refused. More of them are a wrong constraint rather than wrong rows, and must
// not empty a day of events into the quarantine.
const Max = 1000

// maxDetail bounds Detail, in bytes: a trigger may raise anything.
const maxDetail = 1000

// Is reports whether err is about a row's data, so that other rows may still be taken: data exceptions (class 22),
// constraints (23), rows and index entries that are too large (54000), and what PL/pgSQL raises (P0).
func Is(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 {
		return false
	}
	if pg.Code == "22P04" { // the COPY stream itself is broken, which is no row's fault
		return false
	}
	switch pg.Code[:2] {
	case "22", "23", "P0":
		return true
	}
	return pg.Code == "54000"
}

// Detail is the server's message with its code. It has none of the row's values but those that the message itself names.
func Detail(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err.Error()
	}
	message := pg.Message
	if pg.ConstraintName != "" && !strings.Contains(message, pg.ConstraintName) {
		message += ", constraint " + pg.ConstraintName
	}
	if len(message) > maxDetail {
		message = strings.ToValidUTF8(message[:maxDetail], "") + "..."
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", message, pg.Code)
}

// LimitError says that more than Max rows of one unit were refused.
type LimitError struct {
	Table string
	ID    string // of the first row
	Err   error  // why that one was refused
}

// Error names the first row and what refused it.
func (e *LimitError) Error() string {
	return fmt.Sprintf("Postgres refuses more than %d rows, so none of the unit was loaded; the first: table %s, id %q: %s "+
		"(correct what refuses them, or the rows)", Max, e.Table, e.ID, Detail(e.Err))
}

// Unwrap returns the first row's error.
func (e *LimitError) Unwrap() error { return e.Err }
