package occurrence

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tapline/tapline/internal/tempfile"
)

// filePrefix begins the name of a temporary file where it needs one for a moment.
const filePrefix = "tapline-occurrences-"

const (
	entrySize   = 24
	pageEntries = 170
	pageSize    = pageEntries * entrySize // 4,080 bytes, one read
	// maxFences bounds the index of a run: 1 MiB. A run of more than 11 million digests has several pages a fence,
	// among which a lookup searches.
	maxFences = 1 << 16
)

// run is a sorted file of entries without a name.
type run struct {
	file   *os.File
	n      int
	filter filter
	fences []fence // the first key of every stride-th page
	stride int
	merged bool
}

type fence struct{ hi, lo uint64 }

func (f fence) after(hi, lo uint64) bool { return f.hi > hi || f.hi == hi && f.lo > lo }

func (r *run) close() error { return r.file.Close() }

// pages returns how many pages the run has.
func (r *run) pages() int { return (r.n + pageEntries - 1) / pageEntries }

// count returns the digest's count in the run, 0 if it is not there. page is room for one page.
func (r *run) count(hi, lo uint64, page []byte) (uint64, error) {
	if !r.filter.maybe(hi, lo) {
		return 0, nil
	}
	i, j := 0, len(r.fences) // the last fence not after the digest is i-1
	for i < j {
		if m := (i + j) / 2; r.fences[m].after(hi, lo) {
			j = m
		} else {
			i = m + 1
		}
	}
	if i == 0 {
		return 0, nil
	}
	first := (i - 1) * r.stride
	last := min(first+r.stride, r.pages()) - 1
	for {
		m := (first + last + 1) / 2
		entries, err := r.read(m, page)
		if err != nil {
			return 0, err
		}
		e := get(entries)
		if e.compare(hi, lo) > 0 {
			if m == first {
				return 0, nil
			}
			last = m - 1
			continue
		}
		if m == last {
			return search(entries, hi, lo), nil
		}
		first = m
	}
}

// read reads page m.
func (r *run) read(m int, page []byte) ([]byte, error) {
	page = page[:min(pageEntries, r.n-m*pageEntries)*entrySize]
	if _, err := r.file.ReadAt(page, int64(m)*pageSize); err != nil {
		return nil, fmt.Errorf("read temporary file: %w", err)
	}
	return page, nil
}

// search finds the digest in the sorted entries of a page.
func search(entries []byte, hi, lo uint64) uint64 {
	i, j := 0, len(entries)/entrySize
	for i < j {
		m := (i + j) / 2
		e := get(entries[m*entrySize:])
		switch e.compare(hi, lo) {
		case 0:
			return e.count
		case -1:
			i = m + 1
		default:
			j = m
		}
	}
	return 0
}

func get(b []byte) entry {
	return entry{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])}
}

// writer writes a run in order.
type writer struct {
	run run
	buf *bufio.Writer
	rec [entrySize]byte
}

// newWriter starts a run of at most n entries.
func newWriter(dir string, n int, f filter) (*writer, error) {
	file, err := tempfile.New(dir, filePrefix)
	if err != nil {
		return nil, err
	}
	pages := (n + pageEntries - 1) / pageEntries
	stride := (pages + maxFences - 1) / maxFences
	return &writer{
		run: run{file: file, filter: f, stride: stride, fences: make([]fence, 0, (pages+stride-1)/stride)},
		buf: bufio.NewWriterSize(file, 64<<10),
	}, nil
}

func (w *writer) add(e entry) error {
	if w.run.n%(pageEntries*w.run.stride) == 0 {
		w.run.fences = append(w.run.fences, fence{e.hi, e.lo})
	}
	w.run.n++
	w.run.filter.add(e.hi, e.lo)
	binary.LittleEndian.PutUint64(w.rec[:], e.hi)
	binary.LittleEndian.PutUint64(w.rec[8:], e.lo)
	binary.LittleEndian.PutUint64(w.rec[16:], e.count)
	if _, err := w.buf.Write(w.rec[:]); err != nil {
		return fmt.Errorf("write temporary file: %w", err)
	}
	return nil
}

// finish returns the run. On an error its file is closed.
func (w *writer) finish() (*run, error) {
	if err := w.buf.Flush(); err != nil {
		return nil, errors.Join(fmt.Errorf("write temporary file: %w", err), w.abort())
	}
	w.buf = nil
	return &w.run, nil
}

func (w *writer) abort() error { return w.run.file.Close() }

// merge merges runs, oldest first, into one. Of a digest that several have, the newest one's count is kept.
func merge(dir string, runs []*run, n int, f filter) (*run, error) {
	w, err := newWriter(dir, n, f)
	if err != nil {
		return nil, err
	}
	w.run.merged = true
	cursors := make([]cursor, len(runs))
	for i, r := range runs {
		cursors[i].buf = bufio.NewReaderSize(io.NewSectionReader(r.file, 0, int64(r.n)*entrySize), 64<<10)
		if err := cursors[i].advance(); err != nil {
			return nil, errors.Join(err, w.abort())
		}
	}
	for {
		e, err := smallest(cursors)
		if errors.Is(err, io.EOF) {
			return w.finish()
		}
		if err == nil {
			err = w.add(e)
		}
		if err != nil {
			return nil, errors.Join(err, w.abort())
		}
	}
}

// cursor reads a run from its start.
type cursor struct {
	buf *bufio.Reader
	entry
	done bool
}

func (c *cursor) advance() error {
	b, err := c.buf.Peek(entrySize)
	if errors.Is(err, io.EOF) && len(b) == 0 {
		c.done = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("read temporary file: %w", err)
	}
	c.entry = get(b)
	_, err = c.buf.Discard(entrySize)
	return err
}

// smallest takes the smallest entry off the cursors, or gives io.EOF. There are at most maxRuns+1 of them.
func smallest(cursors []cursor) (entry, error) {
	best := -1
	for i := range cursors {
		c := &cursors[i]
		if !c.done && (best < 0 || c.compare(cursors[best].hi, cursors[best].lo) <= 0) {
			best = i
		}
	}
	if best < 0 {
		return entry{}, io.EOF
	}
	e := cursors[best].entry
	for i := range cursors {
		c := &cursors[i]
		for !c.done && c.compare(e.hi, e.lo) == 0 {
			if err := c.advance(); err != nil {
				return entry{}, err
			}
		}
	}
	return e, nil
}
