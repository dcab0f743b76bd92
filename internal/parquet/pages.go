package parquet

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"
)

// pages looks at the pages of a column before the library does, which takes their word for how much they hold.
type pages struct {
	column  *node
	x       *expander
	row     int64 // values of the current row: it may go on in the next page
	longest int64 // of the rows so far
}

// largest returns what a column's dictionary and its largest page take in memory, about.
func (p *pages) largest(chunk *format.ColumnChunk, r io.ReaderAt, size int64) (int64, error) {
	md := &chunk.MetaData
	at := md.DataPageOffset
	if d := md.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	end := at + md.TotalCompressedSize
	switch {
	case chunk.FilePath != "":
		return 0, problem(UnknownShape, "the column is in another file")
	case at < 4 || md.TotalCompressedSize < 0 || end > size || end < at:
		return 0, problem(Corrupt, "the column is outside of the file")
	}
	var dictionary, largest, values int64
	for values < md.NumValues {
		var h format.PageHeader
		n, err := pageHeader(r, at, end, &h)
		if err != nil {
			return 0, err
		}
		body := int64(h.CompressedPageSize)
		if body < 0 || h.UncompressedPageSize < 0 || at+n+body > end {
			return 0, problem(Corrupt, "a page is outside of its column")
		}
		count := valuesOf(&h)
		if count < 0 {
			return 0, problem(Corrupt, "a page has %d values", count)
		}
		// Beside the values, each has two levels and a place in the dictionary or text.
		takes := body + int64(h.UncompressedPageSize) + 6*count
		if dictionary+takes > maxPages { // it is not even looked at
			return dictionary + takes, nil
		}
		more, err := p.page(&h, md.Codec, r, at+n)
		if err != nil {
			return 0, err
		}
		at += n + body
		if h.DictionaryPageHeader.Valid {
			dictionary = takes - body
			continue
		}
		values += count
		largest = max(largest, takes+more)
	}
	return dictionary + largest, nil
}

// valuesOf is how many values a page has by its header.
func valuesOf(h *format.PageHeader) int64 {
	switch {
	case h.DataPageHeader.Valid:
		return int64(h.DataPageHeader.V.NumValues)
	case h.DataPageHeaderV2.Valid:
		return int64(h.DataPageHeaderV2.V.NumValues)
	case h.DictionaryPageHeader.Valid:
		return int64(h.DictionaryPageHeader.V.NumValues)
	}
	return 0
}

// page looks at one page, which begins at an offset. It returns what decoding takes beyond the page's size.
func (p *pages) page(h *format.PageHeader, codec format.CompressionCodec, r io.ReaderAt, at int64) (int64, error) {
	body := make([]byte, h.CompressedPageSize)
	if err := readAt(r, body, at); err != nil {
		return 0, err
	}
	more, err := p.content(h, codec, body)
	var known *Error
	if err != nil && !errors.As(err, &known) {
		err = &Error{Corrupt, err}
	}
	return more, err
}

// content looks at what a page holds: levels, then values.
func (p *pages) content(h *format.PageHeader, codec format.CompressionCodec, body []byte) (more int64, err error) {
	size, count := int(h.UncompressedPageSize), valuesOf(h)
	switch {
	case h.DataPageHeaderV2.Valid:
		v := &h.DataPageHeaderV2.V
		rep, def := int64(v.RepetitionLevelsByteLength), int64(v.DefinitionLevelsByteLength)
		if rep < 0 || def < 0 || rep+def > int64(len(body)) {
			return 0, problem(Corrupt, "a page ends within its levels")
		}
		if err := p.levels(body[:rep], body[rep:rep+def], count); err != nil {
			return 0, err
		}
		if body = body[rep+def:]; !v.IsCompressed.Valid || v.IsCompressed.V {
			if body, err = p.x.expand(codec, body, size); err != nil {
				return 0, err
			}
		}
		return p.values(v.Encoding, body, count)
	case h.DataPageHeader.Valid:
		if body, err = p.x.expand(codec, body, size); err != nil {
			return 0, err
		}
		v := &h.DataPageHeader.V
		var levels [2][]byte
		for i, l := range []struct {
			most     int
			encoding format.Encoding
		}{{p.column.rep, v.RepetitionLevelEncoding}, {p.column.def, v.DefinitionLevelEncoding}} {
			if l.most == 0 {
				continue
			}
			if l.encoding != format.RLE {
				return 0, problem(UnknownType, "levels are written as %s, which is not read", l.encoding)
			}
			if levels[i], body, err = sized(body); err != nil {
				return 0, err
			}
		}
		if err := p.levels(levels[0], levels[1], count); err != nil {
			return 0, err
		}
		return p.values(v.Encoding, body, count)
	case h.DictionaryPageHeader.Valid:
		_, err = p.x.expand(codec, body, size)
	}
	return 0, err
}

// sized cuts off what has its length in front of it.
func sized(data []byte) (first, rest []byte, err error) {
	if len(data) < 4 || int64(binary.LittleEndian.Uint32(data)) > int64(len(data)-4) {
		return nil, nil, problem(Corrupt, "a page ends within its levels")
	}
	n := 4 + int(binary.LittleEndian.Uint32(data))
	return data[4:n], data[n:], nil
}

// levels looks at the levels of count values, and how long the rows are: one begins where a value does not repeat.
func (p *pages) levels(rep, def []byte, count int64) error {
	if err := runs(def, uint(bits.Len(uint(p.column.def))), count, nil); err != nil {
		return err
	}
	if p.column.rep == 0 {
		p.longest = 1
		return nil
	}
	err := runs(rep, uint(bits.Len(uint(p.column.rep))), count, func(level uint32, n int64) {
		if level == 0 {
			p.row, n = 0, 1 // each of them is a row
		}
		p.row += n
		p.longest = max(p.longest, p.row)
	})
	return err
}

// values looks at count values. It returns what they take in memory when that does not follow from their size and number.
func (p *pages) values(encoding format.Encoding, data []byte, count int64) (more int64, err error) {
	switch encoding {
	case format.PlainDictionary, format.RLEDictionary: //nolint:staticcheck // old writers write the first
		if len(data) == 0 {
			return 0, nil
		}
		return 0, runs(data[1:], uint(data[0]), count, nil)
	case format.RLE: // of booleans
		if len(data) == 0 {
			return 0, nil
		}
		packed, _, err := sized(data)
		if err != nil {
			return 0, err
		}
		return 0, runs(packed, 1, count, nil)
	case format.DeltaBinaryPacked:
		_, _, err = deltas(data, count, false)
		return 8 * count, err
	case format.DeltaLengthByteArray:
		_, _, err = deltas(data, count, false)
		return 4*count + int64(len(data)), err
	case format.DeltaByteArray: // each value is so many bytes of the one before it, and then its own
		rest, shared, err := deltas(data, count, true)
		if err == nil {
			_, _, err = deltas(rest, count, false)
		}
		return 8*count + shared + int64(len(data)), err
	case format.Plain, format.ByteStreamSplit:
		return 0, nil
	}
	return 0, problem(UnknownType, "column %q is written as %s, which is not read", p.column.name, encoding)
}
