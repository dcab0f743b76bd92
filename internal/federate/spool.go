package federate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tapline/tapline/internal/tempfile"
)

// How much of the rows that are read is held in memory, and how much in a temporary file at most.
const (
	spoolMemory = 4 << 20
	spoolFile   = 1 << 30
)

// spool holds rows as Postgres sent them, so that no transaction is open while a destination takes its time. What does
// not fit into memory goes to a temporary file without a name.
type spool struct {
	limit  int // bytes in memory
	memory []byte
	file   *os.File
	out    *bufio.Writer
	in     *bufio.Reader
	size   int64
	rows   int64
}

// add appends a row: the number of its table, then its values, each after its length plus one, 0 for null.
func (s *spool) add(table int, values [][]byte) error {
	s.rows++
	start := len(s.memory)
	s.memory = binary.AppendUvarint(s.memory, uint64(table))
	for _, v := range values {
		if v == nil {
			s.memory = append(s.memory, 0)
			continue
		}
		s.memory = binary.AppendUvarint(s.memory, uint64(len(v))+1)
		s.memory = append(s.memory, v...)
	}
	s.size += int64(len(s.memory) - start)
	if s.file == nil && len(s.memory) <= s.limit {
		return nil
	}
	// From here on all rows go to the file: they stay in their order.
	if s.file == nil {
		f, err := tempfile.New("", "tapline-federate-")
		if err != nil {
			return err
		}
		s.file, s.out = f, bufio.NewWriterSize(f, 256<<10)
		s.in = bufio.NewReaderSize(f, 256<<10)
		start = 0
	}
	_, err := s.out.Write(s.memory[start:])
	s.memory = s.memory[:start]
	if err != nil {
		return fmt.Errorf("write temporary file: %w", err)
	}
	return nil
}

func (s *spool) full() bool { return s.size >= spoolFile }

// finish makes the spool ready for reading.
func (s *spool) finish() error {
	if s.file == nil {
		return nil
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("write temporary file: %w", err)
	}
	s.out = nil
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read temporary file: %w", err)
	}
	return nil
}

// next returns the next row. Its values are valid until the row after it is asked for; columns says how many a table has.
func (s *spool) next(columns func(table int) int, values [][]byte) (int, [][]byte, error) {
	s.rows--
	table, err := s.number()
	if err != nil {
		return 0, nil, err
	}
	values = values[:0]
	if s.file != nil {
		s.memory = s.memory[:0]
	}
	for range columns(int(table)) {
		n, err := s.number()
		if err != nil {
			return 0, nil, err
		}
		if n == 0 {
			values = append(values, nil)
			continue
		}
		v, err := s.take(int(n - 1))
		if err != nil {
			return 0, nil, err
		}
		values = append(values, v)
	}
	return int(table), values, nil
}

func (s *spool) number() (uint64, error) {
	if s.file != nil {
		n, err := binary.ReadUvarint(s.in)
		if err != nil {
			return 0, fmt.Errorf("read temporary file: %w", err)
		}
		return n, nil
	}
	n, size := binary.Uvarint(s.memory)
	if size <= 0 {
		return 0, errors.New("read spool: cut")
	}
	s.memory = s.memory[size:]
	return n, nil
}

func (s *spool) take(n int) ([]byte, error) {
	if s.file == nil {
		v := s.memory[:n:n]
		s.memory = s.memory[n:]
		return v, nil
	}
	v := make([]byte, n)
	if _, err := io.ReadFull(s.in, v); err != nil {
		return nil, fmt.Errorf("read temporary file: %w", err)
	}
	return v, nil
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close() // it has no name: nothing of it stays
		s.file = nil
	}
	s.memory = nil
}
