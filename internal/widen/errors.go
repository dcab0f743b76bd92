package widen

import (
	"fmt"
	"strings"

	"github.com/tapline/tapline/migrations"
)

// NotFoundError says that there is no such column.
type NotFoundError struct{ Schema, Table, Column string }

// Error names the column.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("schema %s has no column %s.%s: tapline schema show lists tables and columns", e.Schema, e.Table, e.Column)
}

// ValuesError says that the column has a value that the new type does not hold.
type ValuesError struct {
	migrations.Widening
	Value string
}

// Error names the value and the type that holds it.
func (e *ValuesError) Error() string {
	return fmt.Sprintf("column %s.%s has the value %s, which double precision does not hold exactly (it does up to 2^53): "+
		"widen the column to numeric", e.Table, e.Column, e.Value)
}

// PendingError says that a widening of the column to another type was begun and not finished.
type PendingError struct {
	migrations.Widening
	Swapped bool
}

// Error says how to go on.
func (e *PendingError) Error() string {
	way := "or take it back with --abort"
	if e.Swapped {
		way = "which only fills in the values that wait; after that it can be widened again"
	}
	return fmt.Sprintf("column %s.%s is being widened to %s since an earlier run: finish that first, by running it with that type, %s",
		e.Table, e.Column, e.To, way)
}

// BusyError says that somebody else widens the column at this moment.
type BusyError struct{ Table, Column string }

// Error says what to do.
func (e *BusyError) Error() string {
	return fmt.Sprintf("column %s.%s is being widened by another session right now: wait until it has ended", e.Table, e.Column)
}

// NothingError says that there is nothing to abort.
type NothingError struct {
	Table, Column string
	Swapped       bool
}

// Error says why.
func (e *NothingError) Error() string {
	if e.Swapped {
		return fmt.Sprintf("column %s.%s has its new type already: run the command without --abort to fill in the values that wait; "+
			"the migration's down file takes the type back", e.Table, e.Column)
	}
	return fmt.Sprintf("no widening of column %s.%s is under way", e.Table, e.Column)
}

// DependentsError says that something hangs on the column that would be lost with it, or that Postgres refuses to change.
type DependentsError struct {
	migrations.Widening
	Names []string // such as "view reports.revenue"
	Hint  string
}

// Error names everything.
func (e *DependentsError) Error() string {
	return fmt.Sprintf("column %s.%s cannot be widened while these depend on it: %s. %s", e.Table, e.Column,
		strings.Join(e.Names, ", "), e.Hint)
}

// UnsuitedError says that a table cannot be filled in steps.
type UnsuitedError struct {
	migrations.Widening
	Why string
}

// Error says why, and the other way.
func (e *UnsuitedError) Error() string {
	return fmt.Sprintf("column %s.%s cannot be widened step by step: %s. With --rewrite it can, while the table is locked",
		e.Table, e.Column, e.Why)
}
