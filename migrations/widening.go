package migrations

import (
	"fmt"
	"strings"

	"github.com/tapline/tapline/schema"
)

// Widening is a change of a column's type after which every value is still what it was.
type Widening struct {
	Table, Column string
	// From is the type that the column has, as Postgres prints it: bigint, or integer or character varying(512) in a
	// schema that somebody else made.
	From string
	// To is the type that it gets: one that Tapline writes.
	To schema.Type
}

// base is From without its length.
func (w Widening) base() string {
	base, rest, found := strings.Cut(w.From, "(")
	if found {
		_, after, _ := strings.Cut(rest, ")") // timestamp(3) with time zone
		base += after
	}
	return strings.TrimSpace(base)
}

// sized reports whether From has a length or precision, which To never has.
func (w Widening) sized() bool { return strings.Contains(w.From, "(") }

// Check returns nil if the type To holds every value that From does, and otherwise a *NarrowingError.
//
// A bigint may become double precision although that does not hold every bigint: the values decide, see Exact.
func (w Widening) Check() error {
	base, problem := w.base(), ""
	switch w.To {
	case schema.Text:
		if base == "text" {
			problem = "it has that type already"
		}
	case schema.Numeric:
		problem = w.toNumeric(base)
	case schema.Double:
		problem = w.toDouble(base)
	case schema.Bigint:
		problem = w.toBigint(base)
	default:
		problem = "only bigint, double precision, numeric and text are wider than other types"
	}
	if problem == "" {
		return nil
	}
	return &NarrowingError{Widening: w, Why: problem}
}

func (w Widening) toNumeric(base string) string {
	switch base {
	case "smallint", "integer", "bigint", "real", "double precision":
		return ""
	case "numeric":
		if w.sized() {
			return ""
		}
		return "it has that type already"
	}
	return "not every " + base + " is a number"
}

func (w Widening) toDouble(base string) string {
	switch base {
	case "smallint", "integer", "bigint", "real":
		return ""
	case "double precision":
		return "it has that type already"
	case "numeric":
		return "that would round numbers of more than 15 digits"
	}
	return "not every " + base + " is a number"
}

func (w Widening) toBigint(base string) string {
	switch base {
	case "smallint", "integer":
		return ""
	case "bigint":
		return "it has that type already"
	case "real", "double precision", "numeric":
		return "that would lose fractions"
	}
	return "not every " + base + " is a whole number"
}

// Exact is the condition, in SQL, for the value expr to be the same number in the new type; empty if every value is.
func (w Widening) Exact(expr string) string {
	if w.base() == "bigint" && w.To == schema.Double {
		return expr + " between -9007199254740992 and 9007199254740992"
	}
	return ""
}

// Instant reports whether Postgres changes the type without a look at the rows: only a length goes.
func (w Widening) Instant() bool {
	return w.base() == "character varying" && w.To == schema.Text || w.base() == "numeric" && w.To == schema.Numeric
}

// Using is the SQL that turns the value expr from the old type into the new one. Postgres's own cast of a double to
// numeric rounds to 15 digits, and its text of an instant is in the session's time zone: these are written out. What they
// write of a double depends on extra_float_digits, which has to be 1: see Floats.
func (w Widening) Using(expr string) string {
	switch base := w.base(); {
	case w.To == schema.Numeric && (base == "real" || base == "double precision"):
		return expr + "::pg_catalog.text::numeric"
	case w.To == schema.Text && base == "timestamp with time zone":
		return "case when pg_catalog.isfinite(" + expr + ") and " + expr + " >= '0001-01-01 00:00:00Z' then pg_catalog.to_char(" + expr +
			` at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else ` + expr + "::pg_catalog.text end"
	}
	return expr + "::" + w.To.String()
}

// Floats reports whether Using depends on the setting extra_float_digits.
func (w Widening) Floats() bool {
	base := w.base()
	return (base == "real" || base == "double precision") && (w.To == schema.Numeric || w.To == schema.Text)
}

// NarrowingError says that a column cannot get a type without a change of its values.
type NarrowingError struct {
	Widening
	Why string
}

// Error says which values are the problem.
func (e *NarrowingError) Error() string {
	return fmt.Sprintf("column %s.%s is %s and cannot be widened to %s: %s", e.Table, e.Column, e.From, e.To, e.Why)
}
