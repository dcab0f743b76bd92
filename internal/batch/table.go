package batch

import (
	"github.com/tapline/tapline/schema"
)

// Table collects the rows of one table in one chunk. Columns that no row has a value for do not exist.
type Table struct {
	Name string
	Rows int

	names []string
	cols  []*column // by the schema's column index; nil until a row has a value
	used  []int     // indexes of cols that are there, in order of appearance
	// refused are the columns that refused a value, with the types that they had then.
	refused map[string]schema.Type
	size    int

	parts    []Part
	index    int // in the Chunk's tables
	discards int // rows of the Chunk's Discards that belong to these rows
}

// Put adds a value to the row that is being built: column index i of the schema's table, of that name and type. A value
// of a text or numeric column is v, of any other word.
func (t *Table) put(i int, name string, typ schema.Type, word int64, v []byte) {
	c := t.column(i, name, typ)
	if c.typ != typ {
		c.widen(typ)
	}
	if c.n < t.Rows {
		t.size += c.pad(t.Rows)
	}
	if isText(typ) {
		c.appendText(v)
		t.size += 4 + len(v)
		return
	}
	c.appendWord(word)
	t.size += 8
}

func (t *Table) column(i int, name string, typ schema.Type) *column {
	if i >= len(t.cols) {
		t.cols = append(t.cols, make([]*column, i+1-len(t.cols))...)
		t.names = append(t.names, make([]string, i+1-len(t.names))...)
	}
	c := t.cols[i]
	if c == nil {
		c = &column{typ: typ}
		t.cols[i], t.names[i] = c, name
		t.used = append(t.used, i)
		t.size += overhead
	}
	if c.n == 0 && c.nulls == 0 {
		if c.typ != typ {
			c.reset(typ)
		}
	}
	return c
}

func (t *Table) reset() {
	for _, i := range t.used {
		t.cols[i].reset(t.cols[i].typ)
	}
	t.Rows, t.size, t.discards, t.parts = 0, overhead*len(t.used), 0, t.parts[:0]
	clear(t.refused)
}

func (t *Table) capacity() int {
	n := 8*cap(t.cols) + 16*cap(t.names)
	for _, i := range t.used {
		n += t.cols[i].capacity()
	}
	return n
}

// refuse notes that a column's type refused a value.
func (t *Table) refuse(column string, s *schema.TableState) {
	if _, known := t.refused[column]; known {
		return
	}
	for _, c := range s.Columns {
		if c.Name == column {
			if t.refused == nil {
				t.refused = map[string]schema.Type{}
			}
			t.refused[column] = c.Type
			return
		}
	}
}

// Refused calls f for each column that has refused a value and has none in this chunk, with the type that refused it. With
// another type it might have taken the value.
func (t *Table) Refused(f func(name string, typ schema.Type)) {
	if len(t.refused) == 0 {
		return
	}
	has := make(map[string]bool, len(t.used))
	t.Types(func(name string, _ schema.Type) { has[name] = true })
	for name, typ := range t.refused {
		if !has[name] {
			f(name, typ)
		}
	}
}

// Types calls f for each column that has a value in this chunk, with the type its values were given.
func (t *Table) Types(f func(name string, typ schema.Type)) {
	for _, i := range t.used {
		if c := t.cols[i]; c.n > c.nulls {
			f(t.names[i], c.typ)
		}
	}
}
