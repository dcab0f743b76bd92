package migrations

import (
	"strconv"

	"github.com/tapline/tapline/schema"
)

// A file holds the locks of all it makes until it ends: six for each new table, of the 6,400 that Postgres has room for
// by default. And its text is in memory several times. So a large change is several files.
const (
	maxFileTables  = 100
	maxFileColumns = 4_000
)

// split cuts d into parts that a file each can hold, one at least. Columns to widen are in the last, which also
// rebuilds the tracks view: Postgres refuses to change a column that the view uses. The parts share d's columns.
func split(d schema.Diff) []schema.Diff {
	parts := []schema.Diff{{}}
	tables, columns := 0, 0
	room := func(t, c int) *schema.Diff {
		if tables+t > maxFileTables || tables+columns > 0 && columns+c > maxFileColumns {
			parts = append(parts, schema.Diff{})
			tables, columns = 0, 0
		}
		tables += t
		columns += c
		return &parts[len(parts)-1]
	}
	for _, t := range d.Tables {
		part := room(1, len(t.Columns))
		part.Tables = append(part.Tables, t)
	}
	for i := range d.Columns {
		part := room(0, 1)
		first := i - len(part.Columns)
		part.Columns = d.Columns[first : i+1 : i+1]
	}
	parts[len(parts)-1].Widen = d.Widen
	return parts
}

// fileName names a migration for people: what it does first and how much there is beside it.
func fileName(d schema.Diff) string {
	name, more := "rebuild_tracks", len(d.Tables)+len(d.Columns)+len(d.Widen)-1
	switch {
	case len(d.Tables) > 0:
		name = "create_" + d.Tables[0].Name
	case len(d.Columns) > 0:
		name = "add_" + d.Columns[0].Table + "_" + d.Columns[0].Column.Name
	case len(d.Widen) > 0:
		name = "widen_" + d.Widen[0].Table + "_" + d.Widen[0].Column
	}
	if more > 0 {
		name += "_and_" + strconv.Itoa(more) + "_more"
	}
	return name
}
