package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// maxFooter is the size of the largest footer that is read, in bytes.
	maxFooter = 16 << 20
	// maxPages is how many bytes the largest pages of all columns may take together when they are decoded.
	maxPages = 96 << 20
	// maxRowValues is how many values a row may have, all columns and the nulls among them counted.
	maxRowValues = 1 << 20
)

// checkEnds looks at both ends of a file before the library believes them.
func checkEnds(r io.ReaderAt, size int64) error {
	var head [4]byte
	var tail [8]byte
	if size < int64(len(head)+len(tail)) {
		return problem(Truncated, "the file ends within its first bytes")
	}
	if err := readAt(r, head[:], 0); err != nil {
		return err
	}
	if err := readAt(r, tail[:], size-int64(len(tail))); err != nil {
		return err
	}
	footer := int64(binary.LittleEndian.Uint32(tail[:4]))
	switch end := string(tail[4:]); {
	case string(head[:]) == "PARE" || end == "PARE":
		return problem(Encrypted, "the file is encrypted Parquet")
	case string(head[:]) != "PAR1":
		return problem(Corrupt, "the file does not begin as Parquet does")
	case end != "PAR1":
		return problem(Truncated, "the file does not end as Parquet does")
	case footer > size-12:
		return problem(Corrupt, "the footer is larger than the file")
	case footer > maxFooter:
		return problem(TooLarge, "the footer has %d bytes, at most %d are read", footer, maxFooter)
	}
	metadata := make([]byte, footer)
	if err := readAt(r, metadata, size-int64(len(tail))-footer); err != nil {
		return err
	}
	if _, err := structLength(metadata); err != nil {
		return problem(Corrupt, "read footer: %w", err)
	}
	return nil
}

func readAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil, errors.Is(err, io.EOF):
		return problem(Truncated, "the file ends too early")
	}
	return err
}

// checkPages reads all pages and adds up what the largest of each column take, and the longest rows: rowValues is how many
// values a row has at most.
func checkPages(md *format.FileMetaData, r io.ReaderAt, size int64, columns []*node) (rowValues int64, err error) {
	if md.EncryptionAlgorithm.Value != nil {
		return 0, problem(Encrypted, "columns of the file are encrypted")
	}
	var x expander
	defer x.close()
	for g := range md.RowGroups {
		chunks := md.RowGroups[g].Columns
		if len(chunks) != len(columns) {
			return 0, problem(Corrupt, "row group %d has %d columns, the schema %d", g, len(chunks), len(columns))
		}
		var sum, values int64
		for c := range chunks {
			p := pages{column: columns[c], x: &x}
			n, err := p.largest(&chunks[c], r, size)
			if err != nil {
				return 0, fmt.Errorf("row group %d, column %d: %w", g, c, err)
			}
			if sum += n; sum > maxPages {
				return 0, problem(TooLarge, "the pages of row group %d take more than %d MiB of memory: export with smaller pages", g, maxPages>>20)
			}
			if values += p.longest; values > maxRowValues {
				return 0, problem(TooLarge, "a row of row group %d has more than %d values", g, maxRowValues)
			}
		}
		rowValues = max(rowValues, values)
	}
	return rowValues, nil
}

// pageHeader reads a page's header and returns how long it is. Most have a few dozen bytes, but they may hold the page's
// least and largest value.
func pageHeader(r io.ReaderAt, at, end int64, h *format.PageHeader) (int64, error) {
	if at >= end {
		return 0, problem(Corrupt, "the column has fewer values than its footer says")
	}
	var protocol thrift.CompactProtocol
	for room := int64(1 << 10); ; room *= 16 {
		room = min(room, end-at)
		buf := make([]byte, room)
		if err := readAt(r, buf, at); err != nil {
			return 0, err
		}
		n, err := structLength(buf)
		if err == nil {
			*h = format.PageHeader{}
			err = thrift.NewDecoder(protocol.NewReaderFromBytes(buf[:n])).Decode(h)
		}
		switch {
		case err == nil:
			return int64(n), nil
		case !errors.Is(err, errShort) || room == end-at || room >= 1<<20:
			return 0, problem(Corrupt, "read page header: %w", err)
		}
	}
}
