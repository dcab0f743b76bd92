package batch

import (
	"encoding/binary"

	"github.com/tapline/tapline/schema"
)

// column builds one column in Arrow's memory layout: a validity bitmap, and either 8-byte values, a bitmap of booleans,
// or offsets into text. It is filled sparsely: rows without a value cost nothing until a later row has one, and there is
// no bitmap until there is a null.
//
// It does what Arrow's builders do, without their allocations for each record and in less space: 500
// tables of 500 columns are 250,000 of them.
type column struct {
	valid   []byte
	offsets []int32
	data    []byte
	n       int // rows so far, empty ones included
	nulls   int
	typ     schema.Type
}

// overhead is what a column is taken to cost before it has values: the column itself, its places in the table, the first
// small blocks of its slices, and as much again for what allocation leaves unused.
const overhead = 320

func (c *column) reset(typ schema.Type) {
	c.valid, c.offsets, c.data = c.valid[:0], c.offsets[:0], c.data[:0]
	c.n, c.nulls, c.typ = 0, 0, typ
}

func (c *column) capacity() int { return cap(c.valid) + 4*cap(c.offsets) + cap(c.data) + overhead }

func isText(t schema.Type) bool { return t == schema.Text || t == schema.Numeric }

// pad fills up with nulls until the column has n rows. It returns how many bytes that took.
func (c *column) pad(n int) int {
	gap := n - c.n
	if gap <= 0 {
		return 0
	}
	size := gap / 8
	if c.nulls == 0 {
		c.allValid()
	}
	for len(c.valid)*8 < n {
		c.valid = append(c.valid, 0)
	}
	switch {
	case isText(c.typ):
		end := int32(len(c.data))
		if len(c.offsets) == 0 {
			c.offsets = append(c.offsets, 0)
		}
		for range gap {
			c.offsets = append(c.offsets, end)
		}
		size += 4 * gap
	case c.typ == schema.Boolean:
		for len(c.data)*8 < n {
			c.data = append(c.data, 0)
		}
	default:
		c.data = append(c.data, make([]byte, 8*gap)...)
		size += 8 * gap
	}
	c.n, c.nulls = n, c.nulls+gap
	return size
}

// appendText and appendWord add the value of row c.n, after pad.
func (c *column) appendText(v []byte) {
	c.setValid()
	if len(c.offsets) == 0 {
		c.offsets = append(c.offsets, 0)
	}
	c.data = append(c.data, v...)
	c.offsets = append(c.offsets, int32(len(c.data)))
	c.n++
}

func (c *column) appendWord(v int64) {
	c.setValid()
	if c.typ == schema.Boolean {
		if c.n&7 == 0 {
			c.data = append(c.data, 0)
		}
		c.data[c.n>>3] |= byte(v&1) << (c.n & 7)
	} else {
		c.data = binary.LittleEndian.AppendUint64(c.data, uint64(v))
	}
	c.n++
}

func (c *column) setValid() {
	if c.nulls == 0 {
		return
	}
	if c.n&7 == 0 {
		c.valid = append(c.valid, 0)
	}
	c.valid[c.n>>3] |= 1 << (c.n & 7)
}

// allValid starts the bitmap with ones for the rows that there are.
func (c *column) allValid() {
	for range c.n / 8 {
		c.valid = append(c.valid, 0xff)
	}
	if rest := c.n & 7; rest > 0 {
		c.valid = append(c.valid, 1<<rest-1)
	}
}

func (c *column) isValid(row int) bool { return c.nulls == 0 || c.valid[row>>3]&(1<<(row&7)) != 0 }
