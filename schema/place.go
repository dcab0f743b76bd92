package schema

import (
	"slices"
	"strings"
)

// FirstType is the type that a value gives to a column that is made for it (rule 10), or why there is none.
func FirstType(l *Leaf) (Type, Reason) { return firstType(l) }

// TableOf returns the name of the table that a good event belongs to, whether or not there is such a table.
func TableOf(ev *Event) string {
	if ev.Call != Track {
		return callTable(ev.Call)
	}
	if canonical, ok := FoldEvent(ev.Name); ok {
		return TableName(canonical)
	}
	return TableName(string(ev.Name))
}

// PlaceOf returns the keys of a path as _columns keeps them: those of context begin with context.
func PlaceOf(p *Path) []string {
	if p.Section == SectionContext {
		return append([]string{"context"}, p.Keys()...)
	}
	return p.Keys()
}

// IsExact reports whether a place, as PlaceOf gives it, is spelled exactly like its column (rule 8).
func IsExact(place []string, column string) bool {
	return len(place) == 1 && place[0] == column
}

// IsEnvelope reports whether a column is one that a table's calls fill from their envelope: no property can.
func IsEnvelope(table, column string) bool {
	return slices.ContainsFunc(StandardColumnsOf(table), func(c Column) bool { return strings.EqualFold(c.Name, column) })
}
