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

// Recorder counts as a Counter does and keeps its answers, stretch by stretch, so that a Replay of a stretch gives the
// same ones without having counted what came before it. Only answers above 1 are kept, in a temporary file without a name,
// about three bytes each; without repetitions there is no file. A Recorder is not safe for use by several goroutines, but
// its Replays may be used beside it.
type Recorder struct {
	dir     string
	counter *Counter
	file    *os.File // nil until the first repetition
	buf     *bufio.Writer
	size    int64  // bytes recorded
	calls   uint64 // since the last record, or the start of the stretch
	err     error
}

// Mark is a place between two stretches of a recording.
type Mark int64

// NewRecorder returns a Recorder that has counted nothing.
func NewRecorder(o Options) *Recorder { return &Recorder{dir: o.Dir, counter: New(o)} }

// Next is Counter.Next, recorded.
func (r *Recorder) Next(digest [32]byte) (uint64, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.counter.Next(digest)
	if err != nil {
		return 0, err
	}
	if n == 1 {
		r.calls++
		return n, nil
	}
	if err := r.record(n); err != nil {
		r.err = fmt.Errorf("record occurrences: %w", err)
		return 0, r.err
	}
	return n, nil
}

// record writes how many calls with the answer 1 came before this one, and its answer.
func (r *Recorder) record(n uint64) error {
	if r.file == nil {
		f, err := tempfile.New(r.dir, filePrefix)
		if err != nil {
			return err
		}
		r.file, r.buf = f, bufio.NewWriterSize(f, 64<<10)
	}
	var pair [2 * binary.MaxVarintLen64]byte
	b := binary.AppendUvarint(binary.AppendUvarint(pair[:0], r.calls), n)
	r.calls = 0
	r.size += int64(len(b))
	if _, err := r.buf.Write(b); err != nil {
		return fmt.Errorf("write temporary file: %w", err)
	}
	return nil
}

// Mark ends a stretch and begins the next. Replays of what came before may then be made.
func (r *Recorder) Mark() (Mark, error) {
	r.calls = 0
	if r.buf != nil && r.err == nil {
		if err := r.buf.Flush(); err != nil {
			r.err = fmt.Errorf("record occurrences: write temporary file: %w", err)
		}
	}
	return Mark(r.size), r.err
}

// Replay returns the answers of the stretch between two marks. It is valid until the Recorder is closed.
func (r *Recorder) Replay(from, to Mark) *Replay {
	p := &Replay{}
	if from < to {
		p.list = bufio.NewReaderSize(io.NewSectionReader(r.file, int64(from), int64(to-from)), 4<<10)
	}
	p.read()
	return p
}

// Finish forgets the digests. There must be no Next after it; Replays go on.
func (r *Recorder) Finish() error { return r.counter.Close() }

// Close forgets everything and closes the files. Replays fail from then on.
func (r *Recorder) Close() error {
	err := r.counter.Close()
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	r.err = errors.New("record occurrences: the recorder is closed")
	return err
}

// Replay answers as a Recorder did in one stretch, to the same calls.
type Replay struct {
	list  *bufio.Reader // nil if no answer is left but 1
	calls uint64        // to come before the next answer that is not 1
	n     uint64
	err   error
}

// Next returns the answer to the next call. It does not look at the digest.
func (p *Replay) Next([32]byte) (uint64, error) {
	switch {
	case p.err != nil:
		return 0, p.err
	case p.list == nil:
		return 1, nil
	case p.calls > 0:
		p.calls--
		return 1, nil
	}
	n := p.n
	p.read()
	return n, nil
}

// read reads the next pair. An error is for the call after this one: the answer to this one is known.
func (p *Replay) read() {
	if p.list == nil {
		return
	}
	var err error
	if p.calls, err = binary.ReadUvarint(p.list); errors.Is(err, io.EOF) {
		p.list = nil
		return
	}
	if err == nil {
		p.n, err = binary.ReadUvarint(p.list)
	}
	if err != nil {
		p.err = fmt.Errorf("read recorded occurrences: %w", err)
	}
}
