package schema

import (
	"cmp"
	"slices"
	"strings"
)

// maxRowSize is the largest sum of the least sizes of a row's values (rule 12).
const maxRowSize = 7_900

// maxTupleSize is the largest row that Postgres takes, its header included, on a page of 8 KiB. Texts of more than 24
// bytes leave the page for TOAST until only 18-byte pointers are left.
const maxTupleSize = 8_160

// shrink takes property values away, from the last backwards, until the row fits a page. Most rows that come here are
// decided by the sum of the sizes. Of the others the place of each value counts: Postgres moves a bigint, a double or an
// instant up to the next multiple of 8, which can cost a row of small texts between bigints 1,300 bytes.
func (s *State) shrink(ev *Event, r *Row) {
	size, wide := 8, 1 // uuid_ts
	for i := range r.Cells {
		size += r.Cells[i].size()
		if r.Cells[i].aligned() {
			wide++
		}
	}
	columns := len(r.Table.Columns) - r.Table.extra + s.opts.MaxColumns // others of this load may still be added
	header := align8(23 + (columns+7)/8)
	for i := len(r.Cells) - 1; i >= 0; i-- {
		padding := 7 * min(wide, i+1)
		if size <= maxRowSize && (header+size+padding <= maxTupleSize || header+r.placed() <= maxTupleSize) {
			break
		}
		c := &r.Cells[i]
		if c.leaf == envelope {
			break
		}
		if c.aligned() {
			wide--
		}
		size -= c.size()
		r.Discards = append(r.Discards, Discard{Column: c.Column.Name, Raw: leafAt(ev, c.leaf).Raw, Reason: RowTooLarge})
		r.Cells = r.Cells[:i]
	}
}

// placed is the size of the row's values with what lies between them, in the order of the table's columns.
func (r *Row) placed() int {
	cells := make([]*Cell, len(r.Cells))
	for i := range r.Cells {
		cells[i] = &r.Cells[i]
	}
	slices.SortFunc(cells, func(a, b *Cell) int { return r.Table.order(a.Column, b.Column) })
	size := 8 // uuid_ts, which stands beside received_at
	for _, c := range cells {
		if c.aligned() {
			size = align8(size)
		}
		size += c.size()
	}
	return size
}

// order compares columns by where they stand, or will stand, in the table.
func (t *TableState) order(a, b *ColumnState) int {
	switch {
	case a.place != 0 && b.place != 0:
		return cmp.Compare(a.place, b.place)
	case a.place != 0:
		return -1
	case b.place != 0:
		return 1
	case t.exists:
		return cmp.Compare(a.Index, b.Index)
	}
	return compareColumns(a.Name, b.Name)
}

// compareColumns is the order of the columns of a new table: the key first, as in Segment's warehouses, the rest by name
// (rule 1).
func compareColumns(a, b string) int {
	first := func(name string) int { return slices.Index([]string{"uuid_ts", "received_at", "id"}, name) }
	return cmp.Or(cmp.Compare(first(b), first(a)), strings.Compare(a, b))
}

func align8(n int) int { return (n + 7) &^ 7 }

// aligned reports whether Postgres places the value at a multiple of 8.
func (c *Cell) aligned() bool {
	return c.Column.Type == Bigint || c.Column.Type == Double || c.Column.Type == Timestamptz
}

// size is the least that a value takes on a page.
func (c *Cell) size() int {
	switch c.Column.Type {
	case Text, Numeric:
		return min(len(c.Bytes)+1, 24)
	case Boolean:
		return 1
	}
	return 8
}
