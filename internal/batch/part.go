package batch

import (
	"cmp"
	"slices"
)

// Part is a run of rows that come from one unit.
type Part struct {
	Unit int32 // its number among those that share the chunk
	From int32 // the first row; the last is the one before the next Part
}

// begin says which unit the next row comes from.
func (t *Table) begin(unit int32) {
	if n := len(t.parts); n == 0 || t.parts[n-1].Unit != unit {
		t.parts = append(t.parts, Part{unit, int32(t.Rows)})
	}
}

// OnlyUnit returns the number of the unit that all rows come from, and false if there are several.
func (t *Table) OnlyUnit() (unit int32, only bool) {
	if len(t.parts) != 1 {
		return 0, false
	}
	return t.parts[0].Unit, true
}

// UnitOf returns the number of the unit that a row comes from.
func (t *Table) UnitOf(row int32) int32 {
	if unit, only := t.OnlyUnit(); only {
		return unit
	}
	i, found := slices.BinarySearchFunc(t.parts, row, func(p Part, row int32) int { return cmp.Compare(p.From, row) })
	if !found {
		i--
	}
	return t.parts[i].Unit
}

// EachUnit calls f for each unit that has rows here, with how many: in the order of the rows, and again for a unit whose rows
// are in several places.
func (t *Table) EachUnit(f func(unit int32, rows int64)) {
	for i, p := range t.parts {
		end := int32(t.Rows)
		if i+1 < len(t.parts) {
			end = t.parts[i+1].From
		}
		f(p.Unit, int64(end-p.From))
	}
}
