package batch

import (
	"cmp"
	"slices"
)

// Carry moves all but the largest tables into next, which must be empty: they are copied when they are the largest. A
// COPY has a price of its own, which a thousand rows do not make up for, and rows that are sorted in longer series go into
// the key's index faster. next is at most half full afterwards. Tables whose rows have discards stay: these are written
// after their rows.
func (c *Chunk) Carry(next *Chunk) {
	if len(c.used) == 0 {
		return
	}
	slices.SortFunc(c.used, func(a, b *Table) int { return cmp.Compare(a.size, b.size) })
	largest := c.used[len(c.used)-1]
	kept := c.used[:0]
	for _, t := range c.used {
		if t == largest || t.discards > 0 || next.Size()+t.size > c.limit/2 {
			kept = append(kept, t)
			continue
		}
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
