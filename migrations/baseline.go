package migrations

import "github.com/tapline/tapline/schema"

// CatalogueDiff returns what a schema lacks of the event catalogue: all of it if have is nil, nothing right after
// number 1, and what a later release has added once the program is newer than the schema.
func CatalogueDiff(have schema.Tables) schema.Diff {
	d := schema.Diff{Tables: schema.BaselineTables()}
	return d.Missing(have)
}

// baselineTables are the tables of a schema right after number 1.
func baselineTables() schema.Tables {
	tables := schema.Tables{}
	for _, t := range schema.BaselineTables() {
		tables[t.Name] = &t
	}
	view := &schema.Table{Name: schema.TableTracks, View: true}
	for _, name := range tracksColumns(nil, tables.TracksTables()) {
		typ := schema.Text
		if c := tables.TracksTables()[0].Column(name); c != nil && schema.IsStandardColumn(name) {
			typ = c.Type
		}
		view.Columns = append(view.Columns, schema.Column{Name: name, Type: typ})
	}
	tables[view.Name] = view
	return tables
}
