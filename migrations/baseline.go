package migrations

import "github.com/tapline/tapline/schema"

// CatalogueDiff returns what a schema lacks of the event catalogue: all of it if have is nil, nothing right after
// number 1, and what a later release has added once the program is newer than the schema.
func CatalogueDiff(have schema.Tables) schema.Diff {
	d := schema.Diff{Tables: schema.BaselineTables()}
	return d.Missing(have)
}
