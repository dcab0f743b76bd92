// Package batch collects rows into Arrow columns, one set a table, until a chunk of them is full. Its memory is bounded
// and reused: a loader fills one chunk while the one before it is being copied.
package batch

import (
	"encoding/json"

	"github.com/tapline/tapline/schema"
)

// Chunk is a bounded set of rows of many tables, with the discards and the quarantined records that belong to them.
// It belongs to one goroutine at a time.
type Chunk struct {
	Quarantine Table
	Discards   Table
	// Unit is the number of the unit, among those that share the chunk, that the rows come from which are added next.
	Unit int32
	// Origins are the ids in quarantine of the rows' records, if that is where they were read from.
	Origins []string

	tables  []*Table        // by schema.TableState.Index; nil until used
	used    []*Table        // in order of first use
	owners  []owner         // of each row of Discards
	reasons []schema.Reason // of each row of Quarantine
	extra   int             // bytes beside the tables
	limit   int
}

// owner is the row that a discard belongs to, and why the value was discarded.
type owner struct {
	table  *Table
	row    int32
	reason schema.Reason
}

// NewChunk returns an empty chunk that is full at about limit bytes.
func NewChunk(limit int) *Chunk {
	return &Chunk{limit: limit, Quarantine: Table{Name: "_quarantine"}, Discards: Table{Name: "_discards"}}
}

// Full reports whether the chunk has reached its limit. An empty one never has, however small the limit: a reader that
// waits for room would wait for ever.
func (c *Chunk) Full() bool { return !c.Empty() && c.Size() >= c.limit }

// SetLimit changes when the chunk is full.
func (c *Chunk) SetLimit(limit int) { c.limit = limit }

// Size is about how many bytes the chunk's values take.
func (c *Chunk) Size() int { return c.extra + c.Quarantine.size + c.Discards.size }

// Empty reports whether there is nothing to write.
func (c *Chunk) Empty() bool { return len(c.used) == 0 && c.Quarantine.Rows == 0 }

// Tables returns the tables that have rows, in order of first use.
func (c *Chunk) Tables() []*Table { return c.used }

// Reset empties the chunk and keeps its memory, unless the last rows left it with much more than its limit, or with so
// many columns that these alone would fill half of it.
func (c *Chunk) Reset() {
	capacity := 0
	for _, t := range c.tables {
		if t != nil {
			capacity += t.capacity()
		}
	}
	if capacity > c.limit+c.limit/2 {
		c.tables, c.used = nil, nil
	}
	c.extra = 0
	for _, t := range c.tables {
		if t != nil {
			t.reset()
			c.extra += t.size
		}
	}
	if c.extra > c.limit/2 {
		c.tables, c.extra = nil, 0
	}
	c.Quarantine.reset()
	c.Discards.reset()
	c.used, c.owners, c.reasons = c.used[:0], c.owners[:0], c.reasons[:0]
	c.Origins = c.Origins[:0]
}

// Add copies a row into the chunk.
func (c *Chunk) Add(r *schema.Row) {
	t := c.table(r.Table)
	if t.Rows == 0 {
		c.used = append(c.used, t)
	}
	before := t.size
	t.begin(c.Unit)
	for i := range r.Cells {
		cell := &r.Cells[i]
		col := cell.Column
		t.put(col.Index, col.Name, col.Type, cell.Int, cell.Bytes)
	}
	for i := range r.Discards {
		c.discard(t, r, &r.Discards[i])
	}
	t.Rows++
	c.extra += t.size - before
}

func (c *Chunk) table(s *schema.TableState) *Table {
	if s.Index >= len(c.tables) {
		c.tables = append(c.tables, make([]*Table, s.Index+1-len(c.tables))...)
	}
	t := c.tables[s.Index]
	if t == nil {
		t = &Table{Name: s.Name, index: s.Index}
		c.tables[s.Index] = t
	}
	return t
}

func (c *Chunk) discard(t *Table, r *schema.Row, d *schema.Discard) {
	n := &c.Discards
	n.begin(c.Unit)
	n.put(0, "table_name", schema.Text, 0, []byte(t.Name))
	n.put(1, "row_id", schema.Text, 0, r.ID)
	n.put(2, "column_name", schema.Text, 0, []byte(d.Column))
	n.put(3, "raw_value", schema.Text, 0, d.Raw)
	n.put(4, "reason", schema.Text, 0, []byte(d.Reason))
	n.put(5, "received_at", schema.Timestamptz, int64(r.Received), nil)
	if d.Path != nil {
		n.put(6, "path", schema.Text, 0, place(d.Path))
	}
	n.Rows++
	t.discards++
	if d.Reason == schema.TypeMismatch || d.Reason == schema.NumberOutOfRange {
		t.refuse(d.Column, r.Table)
	}
	c.owners = append(c.owners, owner{t, int32(t.Rows), d.Reason})
}

// place is a path as JSON.
func place(p *schema.Path) []byte {
	text, err := json.Marshal(schema.PlaceOf(p))
	if err != nil {
		panic(err) // of a list of strings there is none
	}
	return text
}

// Quarantined is a record that goes to quarantine.
type Quarantined struct {
	ID       []byte
	Reason   schema.Reason
	Detail   string
	Raw      []byte
	RawSize  int64
	Source   string
	Unit     string
	Line     int64
	Offset   int64
	Received schema.Micros
	// Occurrence says which of the unit's equal records it is. Digest is that of the record as sent, nil if it is Raw's.
	Occurrence uint64
	Digest     []byte
	Form       []byte // see source.Former; nil if it is not known
}

// AddQuarantined copies a bad record into the chunk.
func (c *Chunk) AddQuarantined(q *Quarantined) {
	t := &c.Quarantine
	t.begin(c.Unit)
	t.put(0, "id", schema.Text, 0, q.ID)
	t.put(1, "reason", schema.Text, 0, []byte(q.Reason))
	t.put(2, "detail", schema.Text, 0, []byte(q.Detail))
	t.put(3, "raw", schema.Text, 0, q.Raw)
	t.put(4, "raw_size", schema.Bigint, q.RawSize, nil)
	t.put(5, "source", schema.Text, 0, []byte(q.Source))
	t.put(6, "unit", schema.Text, 0, []byte(q.Unit))
	t.put(7, "line", schema.Bigint, q.Line, nil)
	t.put(8, "byte_offset", schema.Bigint, q.Offset, nil)
	t.put(9, "received_at", schema.Timestamptz, int64(q.Received), nil)
	t.put(10, "occurrence", schema.Bigint, int64(q.Occurrence), nil)
	if q.Digest != nil {
		t.put(11, "digest", schema.Text, 0, q.Digest)
	}
	if q.Form != nil {
		t.put(12, "form", schema.Text, 0, q.Form)
	}
	t.Rows++
	c.reasons = append(c.reasons, q.Reason)
}

// Reason is why the given row of Quarantine is there.
func (c *Chunk) Reason(row int32) schema.Reason { return c.reasons[row] }

// EachDiscard calls f for each row of Discards with the row of the table that the value belonged to.
func (c *Chunk) EachDiscard(f func(discard int32, t *Table, row int32, reason schema.Reason)) {
	for i, o := range c.owners {
		f(int32(i), o.table, o.row, o.reason)
	}
}
