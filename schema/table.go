package schema

import "slices"

// Column is one column of a table.
type Column struct {
	Name string
	Type Type
	// Path is the original name as sent: the keys from below properties, traits or context down to the value.
	// Empty for standard columns.
	Path []string
	// Array says that the first value was an array: the column is Text, and holds arrays as their JSON text.
	Array bool
	// Comment is what Postgres shows for the column. Never the bare name.
	Comment string
}

// Table is one table of a source's schema, with its columns in the order they stand in Postgres.
type Table struct {
	Name string
	// Event is the event's name as first sent; empty for tables of other calls.
	Event   string
	Comment string
	Columns []Column
	// View is true for a view. In a schema of Tapline's own only tracks is one.
	View bool
}

// Column returns the column of that name, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Tables are the tables of one source by name.
type Tables map[string]*Table

// Names returns the table names in byte order, the order in which Tapline locks them.
func (ts Tables) Names() []string {
	names := make([]string, 0, len(ts))
	for name := range ts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TracksTables returns, in name order, the tables that hold track events: those that the tracks view unites.
func (ts Tables) TracksTables() []*Table {
	var out []*Table
	for _, name := range ts.Names() {
		t := ts[name]
		if !t.View && !IsInternal(name) && name != "tracks" && t.Column("event_text") != nil && t.Column("id") != nil {
			out = append(out, t)
		}
	}
	return out
}
