// Package migrations changes the schema of a source: it turns a [schema.Diff] into numbered SQL, keeps that SQL in the
// schema itself and applies it with golang-migrate.
//
// Number 1 of a schema comes with the program: Tapline's own tables and those of the event catalogue. Every later
// number is made when data or a new release needs it, and is kept in _migration_files, so that any loader can serve it
// to golang-migrate again. Each file is one implicit transaction whose last statement records that it was applied: a
// kill at any point leaves a state that the next Migrator recognises and repairs by itself.
//
// DDL never waits for a lock longer than Options.LockTimeout at a time: a waiting ALTER makes every later reader of the
// table wait behind it.
package migrations
