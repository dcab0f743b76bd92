package clevertap

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/tapline/tapline/internal/tempfile"
)

// spoolMemory is how much of a window is held in memory, at most; some hundreds of windows may be waiting. What is beyond it
// goes to a temporary file.
const spoolMemory = 256 << 10

// frame says what follows in a spool.
type frame byte

const (
	framePage   frame = iota + 1 // a page begins: equal records are counted anew
	frameRecord                  // uvarint length, bytes
	frameLarge                   // uvarint size, digest, uvarint length, the record's first bytes
)

// spool holds the records of one window in their order. After its last write it may be read by several goroutines. Its file
// has no name and goes with the spool.
type spool struct {
	dir     string
	file    *os.File
	flushed int64  // bytes in file
	mem     []byte // behind them
	records int64
	pages   int64
}

func (s *spool) size() int64 { return s.flushed + int64(len(s.mem)) }

// mark is a place in a spool to come back to.
type mark struct{ size, records, pages int64 }

func (s *spool) mark() mark { return mark{s.size(), s.records, s.pages} }

// back forgets what was written after m.
func (s *spool) back(m mark) {
	s.records, s.pages = m.records, m.pages
	if m.size >= s.flushed {
		s.mem = s.mem[:m.size-s.flushed]
		return
	}
	s.flushed, s.mem = m.size, s.mem[:0] // what the file has beyond that is written over, or never read
}

func (s *spool) page() error {
	s.pages++
	s.mem = append(s.mem, byte(framePage))
	return s.spill()
}

func (s *spool) record(raw []byte) error {
	s.records++
	s.mem = append(s.mem, byte(frameRecord))
	s.mem = binary.AppendUvarint(s.mem, uint64(len(raw)))
	s.mem = append(s.mem, raw...)
	return s.spill()
}

// large adds a record over the limit of one event, of which only the beginning is kept.
func (s *spool) large(prefix []byte, size int64, digest [32]byte) error {
	s.records++
	s.mem = append(s.mem, byte(frameLarge))
	s.mem = binary.AppendUvarint(s.mem, uint64(size))
	s.mem = append(s.mem, digest[:]...)
	s.mem = binary.AppendUvarint(s.mem, uint64(len(prefix)))
	s.mem = append(s.mem, prefix...)
	return s.spill()
}

// spill writes the memory to the file once it is full.
func (s *spool) spill() error {
	if len(s.mem) < spoolMemory {
		return nil
	}
	if s.file == nil {
		f, err := tempfile.New(s.dir, "tapline-pull-")
		if err != nil {
			return fmt.Errorf("spool window: %w", err)
		}
		s.file = f
	}
	if _, err := s.file.WriteAt(s.mem, s.flushed); err != nil {
		return fmt.Errorf("spool window: %w", err)
	}
	s.flushed += int64(len(s.mem))
	s.mem = s.mem[:0]
	return nil
}

// done gives back memory that is not needed for reading.
func (s *spool) done() { s.mem = bytes.Clone(s.mem) }

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// entry is one frame as it is read. raw is valid until the next one.
type entry struct {
	frame  frame
	raw    []byte
	size   int64
	digest [32]byte
}

// spoolReader reads a spool from its beginning.
type spoolReader struct {
	r   *bufio.Reader
	buf []byte
}

// reader returns a reader of the spool that counts what is read of it.
func (s *spool) reader(count *atomic.Int64) *spoolReader {
	var in io.Reader = bytes.NewReader(s.mem)
	if s.file != nil {
		in = io.MultiReader(io.NewSectionReader(s.file, 0, s.flushed), in)
	}
	size := min(max(int(s.size()), 16), 256<<10)
	return &spoolReader{r: bufio.NewReaderSize(&counted{in, count}, size)}
}

// counted counts what is read.
type counted struct {
	io.Reader
	n *atomic.Int64
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// next reads the next frame. The error is io.EOF at the end.
func (r *spoolReader) next(e *entry) error {
	kind, err := r.r.ReadByte()
	if err != nil {
		return err // io.EOF between two frames is the end
	}
	e.frame = frame(kind)
	switch e.frame {
	case framePage:
		return nil
	case frameLarge:
		size, err := binary.ReadUvarint(r.r)
		if err != nil {
			return broken(err)
		}
		e.size = int64(size)
		if _, err := io.ReadFull(r.r, e.digest[:]); err != nil {
			return broken(err)
		}
	case frameRecord:
	default:
		return errors.New("spool: unknown frame")
	}
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return broken(err)
	}
	if uint64(cap(r.buf)) < n {
		r.buf = make([]byte, n, 2*n)
	}
	e.raw = r.buf[:n]
	if _, err := io.ReadFull(r.r, e.raw); err != nil {
		return broken(err)
	}
	return nil
}

func broken(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read spooled window: %w", err)
}
