// Package parquet reads CleverTap's export in its Parquet form. Each row becomes the JSON record that CleverTap would have
// exported for the same event, so that there is one contract for both: columns are found by their names, in each of the
// shapes that are known (clevertap.go).
//
// One file in flight holds a page of each column, and no more than maxPages bytes of them; a file that needs more is
// refused before a row is read.
package parquet

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// Problem is the word for why a file cannot be read.
type Problem string

// The problems of an Error.
const (
	Truncated    Problem = "truncated"
	Corrupt      Problem = "corrupt"
	Encrypted    Problem = "encrypted"
	UnknownType  Problem = "unknown_type"
	UnknownShape Problem = "unknown_shape"
	TooLarge     Problem = "too_large"
)

// Error says what is wrong with a file as a whole.
type Error struct {
	Problem Problem
	Err     error
}

// Error returns the cause.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func problem(p Problem, format string, args ...any) error {
	return &Error{p, fmt.Errorf(format, args...)}
}

// Reader reads the rows of a file in order. It is not safe for use by several goroutines.
type Reader struct {
	file    *parquet.File
	source  io.ReaderAt
	record  *record
	columns [][]parquet.Value // of the current row, by column

	group int // the row group that comes next
	rows  parquet.Rows
	buf   []parquet.Row
	have  []parquet.Row // of buf: not given yet
	end   error
	given int64
}

// batchRows is how many rows are read at a time, as long as they have at most batchValues values.
const (
	batchRows   = 64
	batchValues = 1 << 18
)

// Open reads the footer of a file and checks that its rows can be read in bounded memory. hasEvent says that the event is
// known from elsewhere, so that no column has to name it. r has to stay unchanged. The error is an *Error, or one of r.
func Open(r io.ReaderAt, size int64, hasEvent bool) (out *Reader, err error) {
	if err := checkEnds(r, size); err != nil {
		return nil, err
	}
	defer guard(&err)
	source := &faults{r: r}
	f, err := parquet.OpenFile(source, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, source.explain(err)
	}
	root, err := newLayout(f.Metadata().Schema)
	if err != nil {
		return nil, err
	}
	rec, err := newRecord(root, hasEvent)
	if err != nil {
		return nil, err
	}
	rowValues, err := checkPages(f.Metadata(), source, size, root.leaves(nil))
	if err != nil {
		return nil, source.explain(err)
	}
	batch := min(batchRows, max(1, batchValues/max(1, rowValues)))
	return &Reader{
		file: f, source: source, record: rec, columns: make([][]parquet.Value, root.last), buf: make([]parquet.Row, batch),
	}, nil
}

// guard makes an error of a panic: the library takes a file's word for the sizes in it, and panics where they are not
// true.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = problem(Corrupt, "%v", p)
	}
}

// Next appends the next row to line, as a JSON record on one line. The error is io.EOF behind the last row, an *Error or
// one of the file's io.ReaderAt.
func (r *Reader) Next(line []byte) (out []byte, err error) {
	defer guard(&err)
	for len(r.have) == 0 {
		if err := r.more(); err != nil {
			return line, err
		}
	}
	row := r.have[0]
	r.have = r.have[1:]
	r.given++
	clear(r.columns)
	for i := 0; i < len(row); {
		from, column := i, row[i].Column()
		for i < len(row) && row[i].Column() == column {
			i++
		}
		if column < 0 || column >= len(r.columns) {
			return line, problem(Corrupt, "a value of column %d, there are %d", column, len(r.columns))
		}
		r.columns[column] = row[from:i]
	}
	return r.record.append(line, r.columns)
}

// more reads rows.
func (r *Reader) more() error {
	if r.end != nil {
		return r.end
	}
	if r.rows == nil {
		groups := r.file.RowGroups()
		if r.group == len(groups) {
			r.end = io.EOF
			if r.given != r.file.NumRows() {
				r.end = problem(Corrupt, "%d rows, the footer says %d", r.given, r.file.NumRows())
			}
			return r.end
		}
		r.rows = groups[r.group].Rows()
		r.group++
	}
	n, err := r.rows.ReadRows(r.buf)
	r.have = r.buf[:n]
	if err == nil && n == 0 {
		err = io.ErrNoProgress
	}
	switch {
	case errors.Is(err, io.EOF):
		err = r.rows.Close()
		r.rows = nil
	case err != nil:
		err = r.source.(*faults).explain(err)
	}
	r.end = err
	if n > 0 {
		return nil
	}
	return err
}

// Rows is how many rows the footer promises, Given how many were given.
func (r *Reader) Rows() int64 { return r.file.NumRows() }

// Given is how many rows were given.
func (r *Reader) Given() int64 { return r.given }

// Close ends the reader. What it reads from stays open.
func (r *Reader) Close() (err error) {
	defer guard(&err)
	if r.rows != nil {
		err = r.rows.Close()
		r.rows = nil
	}
	r.end = errors.New("the reader is closed")
	return err
}

// faults remembers why reading failed: the library's errors are about the file, not about the disk or network.
type faults struct {
	r   io.ReaderAt
	err error
}

func (f *faults) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// explain returns why reading failed: for a reason of the file itself, an *Error.
func (f *faults) explain(err error) error {
	var known *Error
	switch {
	case f.err != nil:
		return f.err
	case errors.As(err, &known):
		return err
	}
	return &Error{Corrupt, err}
}
