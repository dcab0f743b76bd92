package batch

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/tapline/tapline/schema"
)

// widen turns the values of a bigint column into those of the wider type that the schema has just decided on (rule 11).
// The schema has seen to it that they stay the same numbers.
func (c *column) widen(to schema.Type) {
	if to == schema.Double {
		for i := 0; i+8 <= len(c.data); i += 8 {
			v := int64(binary.LittleEndian.Uint64(c.data[i:]))
			binary.LittleEndian.PutUint64(c.data[i:], math.Float64bits(float64(v)))
		}
		c.typ = to
		return
	}
	text := column{typ: to}
	for row := range c.n {
		if c.isValid(row) {
			text.pad(row)
			text.appendText(strconv.AppendInt(nil, int64(binary.LittleEndian.Uint64(c.data[8*row:])), 10))
		}
	}
	text.pad(c.n)
	*c = text
}
