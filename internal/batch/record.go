package batch

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/tapline/tapline/schema"
)

// Record is the rows of one table as Arrow columns: what copyin writes. It holds array data instead of an arrow.Record,
// because data can be reset and reused: a record made anew for each table and chunk would allocate for every column.
type Record struct {
	Table string
	Rows  int
	// Names and Columns are the columns that have values in these rows. Every value of a column is valid until the
	// Chunk is reset. numeric columns are strings of plain decimals, with Numeric set.
	Names   []string
	Columns []arrow.ArrayData
	Numeric []bool
	// Parts say which unit each row comes from.
	Parts []Part

	data    []*array.Data
	buffers [][]*memory.Buffer
	valid   []*memory.Buffer // the first of buffers, for columns that have nulls
}

var arrowTypes = [...]arrow.DataType{
	schema.Boolean:     arrow.FixedWidthTypes.Boolean,
	schema.Bigint:      arrow.PrimitiveTypes.Int64,
	schema.Double:      arrow.PrimitiveTypes.Float64,
	schema.Numeric:     arrow.BinaryTypes.String,
	schema.Timestamptz: arrow.FixedWidthTypes.Timestamp_us,
	schema.Text:        arrow.BinaryTypes.String,
}

// Record fills r with the table's rows. r may be used again for another table; what it held before is then gone.
func (t *Table) Record(r *Record) {
	r.Table, r.Rows, r.Parts = t.Name, t.Rows, t.parts
	r.Names, r.Columns, r.Numeric = r.Names[:0], r.Columns[:0], r.Numeric[:0]
	for _, i := range t.used {
		c := t.cols[i]
		if c.n == c.nulls {
			continue
		}
		c.pad(t.Rows)
		r.Names = append(r.Names, t.names[i])
		r.Columns = append(r.Columns, r.wrap(len(r.Columns), c))
		r.Numeric = append(r.Numeric, c.typ == schema.Numeric)
	}
}

// wrap presents a column as Arrow data, in the k-th of the record's reusable holders.
func (r *Record) wrap(k int, c *column) arrow.ArrayData {
	if k == len(r.data) {
		b := make([]*memory.Buffer, 3)
		for i := range b {
			b[i] = memory.NewBufferBytes(nil)
		}
		r.buffers, r.valid = append(r.buffers, b), append(r.valid, b[0])
		r.data = append(r.data, array.NewData(arrow.Null, 0, nil, nil, 0, 0))
	}
	b := r.buffers[k]
	b[0] = nil // Arrow's sign of a column without nulls
	if c.nulls > 0 {
		b[0] = r.valid[k]
		b[0].Reset(c.valid)
	}
	if isText(c.typ) {
		b[1].Reset(arrow.Int32Traits.CastToBytes(c.offsets))
		b[2].Reset(c.data)
	} else {
		b = b[:2]
		b[1].Reset(c.data)
	}
	d := r.data[k]
	d.Reset(arrowTypes[c.typ], c.n, b, nil, c.nulls, 0)
	return d
}

// ID returns the data of the id column.
func (r *Record) ID() arrow.ArrayData {
	if i := slices.Index(r.Names, "id"); i >= 0 {
		return r.Columns[i]
	}
	return nil
}
