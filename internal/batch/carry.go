package batch

import (
	"cmp"
	"slices"
)

// Carry moves the tables that have few rows into next, which must be empty: they are copied when they have more. A COPY
// has a price of its own, which a thousand rows do not make up for, and rows that are sorted in longer series go into the
// key's index faster. What is moved takes at most half of the limit. Tables whose rows have discards stay: these
// are written after their rows.
func (c *Chunk) Carry(next *Chunk) {
	few, room := c.limit/2, c.limit/2
	slices.SortFunc(c.used, func(a, b *Table) int { return cmp.Compare(a.size, b.size) })
	kept := c.used[:0]
	for _, t := range c.used {
		if t.size > few || t.size > room || t.discards > 0 {
			kept = append(kept, t)
			continue
		}
		room -= t.size
		c.move(t, next)
	}
	c.used = kept
}

// move exchanges t and its empty counterpart.
func (c *Chunk) move(t *Table, next *Chunk) {
	if t.index >= len(next.tables) {
		next.tables = append(next.tables, make([]*Table, t.index+1-len(next.tables))...)
	}
	other := next.tables[t.index]
	c.tables[t.index], next.tables[t.index] = other, t
	next.used = append(next.used, t)
	moved := t.size
	if other != nil {
		moved -= other.size
	}
	c.extra -= moved
	next.extra += moved
}
