// Package schema is the vocabulary and the data contract of Tapline: which table an event goes to, which column a
// property goes to, what type a column has, and what happens to a value that does not fit.
//
// It is pure: no I/O, no SQL driver, no clock. Everything that reads bytes produces an [Event]; [State] turns an Event
// into a [Row] of a [Table] or into a [Reason] why it cannot be one; [Diff] is what the database lacks.
//
// The rule numbers in comments (rule 8, rule 11 ...) are those of the data contract in README.md, "The data contract".
package schema
