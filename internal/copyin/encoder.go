// Package copyin writes Arrow columns into Postgres with binary COPY. Its encoder costs the client about a seventh of
// what pgx.CopyFrom does, because nothing is boxed: every value goes from its column into the message.
package copyin

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/tapline/tapline/internal/batch"
)

// signature starts a binary COPY stream: the magic, no flags, no header extension.
var signature = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")

// pgEpoch is 2000-01-01 in microseconds since 1970: Postgres counts timestamps from there.
const pgEpoch = 946_684_800_000_000

// Constant is a value that every row, or every row of one unit, gets in a column that the record does not have.
type Constant struct {
	Column string
	Field  []byte // length and value as COPY has them, see TimeField, UUIDField
	// Fields are used instead of Field if they are there: one for each unit, by its number in the record's Parts.
	Fields [][]byte
}

// Encoder is the COPY stream of one record: an io.Reader for pgconn.CopyFrom. The zero Encoder is empty; Reset makes
// it read a record. It is reused from one record to the next without allocation.
//
// Rows go out in the order of their ids, but they are encoded in the order in which they lie in memory: following the
// ids through thirty columns would miss the cache at every value (1.4 us a row instead of 0.5). So a segment of rows is
// encoded first, column after column in step, and then its rows are copied out in their order. While one segment goes
// out the next is encoded, so that the server does not wait for it.
type Encoder struct {
	fields []field
	consts []byte // the constants' fields, the same behind every row of a unit; of one unit after the other if they differ
	width  int    // of one unit's consts, 0 if they are the same for all
	parts  []batch.Part
	head   [2]byte // the number of fields of each row
	all    int     // rows of the record
	order  []int32 // of these, those to write
	fit    int     // how many rows a segment holds

	now, next segment
	encoded   int           // how many rows of order are in segments so far
	ahead     chan struct{} // holds a token when next is encoded
	waiting   bool          // next is encoded, or being encoded
	sent      int           // rows of now that are sent
	rest      []byte        // of the row that did not fit into the caller's buffer
	stage     stage
}

// segment is a part of the rows, encoded.
type segment struct {
	rows     []int32 // in the order in which they are to be written
	memory   []int32 // in the order in which they lie in memory, and in bytes
	bytes    []byte
	from, to []int32 // where each row lies in bytes, by row
}

// stage is the part of a COPY stream that comes next.
type stage uint8

const (
	atStart stage = iota
	inRows
	atEnd
)

// segmentBytes is about the size of a segment.
const segmentBytes = 6 << 20

// field is a column with its buffers taken out of Arrow's wrapping.
type field struct {
	valid   []byte
	offsets []int32
	data    []byte
	kind    kind
}

type kind uint8

const (
	kindText kind = iota
	kindWord
	kindTime
	kindBool
	kindNumeric
)

// Reset makes the encoder read the rows of r in the given order (which may leave rows out), each followed by the
// constants.
func (e *Encoder) Reset(r *batch.Record, order []int32, consts []Constant) {
	if e.ahead == nil {
		e.ahead = make(chan struct{}, 1)
	}
	e.Wait()
	e.fields = e.fields[:0]
	for i, d := range r.Columns {
		e.fields = append(e.fields, newField(d, r.Numeric[i]))
	}
	e.parts = r.Parts
	e.setConsts(consts)
	binary.BigEndian.PutUint16(e.head[:], uint16(len(r.Columns)+len(consts)))
	e.all, e.order, e.fit = r.Rows, order, e.segmentRows(r.Rows)
	e.now.rows, e.sent, e.encoded, e.rest, e.stage = nil, 0, 0, nil, atStart
}

// Prepare encodes the first segment, so that Read has something to give at once.
func (e *Encoder) Prepare() {
	if !e.waiting && e.encoded < len(e.order) {
		e.take()
		e.encode()
	}
}

// Wait waits until nothing is being encoded any more: the record may then be changed.
func (e *Encoder) Wait() {
	if e.waiting {
		<-e.ahead
		e.waiting = false
	}
}

func newField(d arrow.ArrayData, numeric bool) field {
	b := d.Buffers()
	f := field{}
	if b[0] != nil {
		f.valid = b[0].Bytes()
	}
	switch d.DataType().ID() {
	case arrow.STRING:
		f.offsets, f.data, f.kind = arrow.Int32Traits.CastFromBytes(b[1].Bytes()), b[2].Bytes(), kindText
		if numeric {
			f.kind = kindNumeric
		}
	case arrow.TIMESTAMP:
		f.data, f.kind = b[1].Bytes(), kindTime
	case arrow.BOOL:
		f.data, f.kind = b[1].Bytes(), kindBool
	default:
		f.data, f.kind = b[1].Bytes(), kindWord
	}
	return f
}

// Read fills p with the next part of the stream.
func (e *Encoder) Read(p []byte) (int, error) {
	n := 0
	for {
		c := copy(p[n:], e.rest)
		e.rest = e.rest[c:]
		if n += c; n == len(p) {
			return n, nil
		}
		switch {
		case e.stage == atStart:
			e.rest, e.stage = signature, inRows
		case e.sent < len(e.now.rows):
			row := e.now.rows[e.sent]
			e.rest = e.now.bytes[e.now.from[row]:e.now.to[row]]
			e.sent++
		case e.advance():
		case e.stage == inRows:
			e.rest, e.stage = trailer, atEnd
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// trailer ends a binary COPY stream.
var trailer = []byte{0xff, 0xff}

// advance makes the next segment the current one and has the one after it encoded. It returns false after the last.
func (e *Encoder) advance() bool {
	e.Prepare()
	if !e.waiting {
		return false
	}
	e.Wait()
	e.now, e.next = e.next, e.now
	e.sent = 0
	if e.encoded < len(e.order) {
		e.take()
		go e.encode()
	}
	return true
}

// take gives the next rows of the order to the next segment.
func (e *Encoder) take() {
	end := min(e.encoded+e.fit, len(e.order))
	e.next.rows = e.order[e.encoded:end]
	e.encoded, e.waiting = end, true
}

// encode encodes the next segment. Nothing else touches it meanwhile.
func (e *Encoder) encode() {
	s := &e.next
	s.memory = append(s.memory[:0], s.rows...)
	if len(s.memory) == e.all {
		for i := range s.memory {
			s.memory[i] = int32(i)
		}
	} else {
		slices.Sort(s.memory)
	}
	s.from = slices.Grow(s.from[:0], e.all)[:e.all]
	s.to = slices.Grow(s.to[:0], e.all)[:e.all]
	b := s.bytes[:0]
	consts, part := e.consts, 0
	if e.width > 0 {
		consts = e.constsOf(0)
	}
	for _, row := range s.memory {
		for e.width > 0 && part+1 < len(e.parts) && e.parts[part+1].From <= row {
			part++
			consts = e.constsOf(part)
		}
		s.from[row] = int32(len(b))
		b = append(e.appendRow(b, row), consts...)
		s.to[row] = int32(len(b))
	}
	s.bytes = b
	e.ahead <- struct{}{}
}

// segmentRows is about how many rows a segment holds.
func (e *Encoder) segmentRows(rows int) int {
	size := rows * (2 + cmp.Or(e.width, len(e.consts)))
	for i := range e.fields {
		size += 4*rows + len(e.fields[i].data)
	}
	return max(1, rows*segmentBytes/max(1, size))
}

func (e *Encoder) appendRow(b []byte, row int32) []byte {
	b = append(b, e.head[0], e.head[1])
	at, bit := row>>3, byte(1)<<(row&7)
	for i := range e.fields {
		f := &e.fields[i]
		if len(f.valid) > 0 && f.valid[at]&bit == 0 {
			b = append(b, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		switch f.kind {
		case kindText:
			b = appendText(b, f.data[f.offsets[row]:f.offsets[row+1]])
		case kindWord:
			b = appendWord(b, binary.LittleEndian.Uint64(f.data[8*int(row):]))
		case kindTime:
			b = appendWord(b, binary.LittleEndian.Uint64(f.data[8*int(row):])-pgEpoch)
		case kindBool:
			v := byte(0)
			if f.data[at]&bit != 0 {
				v = 1
			}
			b = append(b, 0, 0, 0, 1, v)
		case kindNumeric:
			b = appendNumeric(b, f.data[f.offsets[row]:f.offsets[row+1]])
		}
	}
	return b
}

// appendText appends the field of a text. Most are short: 32 bytes that are moved whatever the length, as far as there
// are 32, cost less than a call that looks at it; what is too much of them is overwritten by the next field.
func appendText(b, v []byte) []byte {
	n := len(b)
	if len(v) > 32 || cap(v) < 32 || cap(b)-n < 36 {
		return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
	}
	from, to := v[:32], b[n:n+36]
	binary.BigEndian.PutUint32(to, uint32(len(v)))
	binary.LittleEndian.PutUint64(to[4:], binary.LittleEndian.Uint64(from))
	binary.LittleEndian.PutUint64(to[12:], binary.LittleEndian.Uint64(from[8:]))
	binary.LittleEndian.PutUint64(to[20:], binary.LittleEndian.Uint64(from[16:]))
	binary.LittleEndian.PutUint64(to[28:], binary.LittleEndian.Uint64(from[24:]))
	return b[:n+4+len(v)]
}

// appendWord appends the field of eight bytes.
func appendWord(b []byte, v uint64) []byte {
	n := len(b)
	if cap(b)-n < 12 {
		b = slices.Grow(b, 12)
	}
	b = b[:n+12]
	binary.BigEndian.PutUint32(b[n:], 8)
	binary.BigEndian.PutUint64(b[n+4:], v)
	return b
}
