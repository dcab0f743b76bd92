package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// records is one format's way from text to events.
type records interface {
	// next decodes the next record into ev. It returns io.EOF when the text has no more, for the reason in w.err.
	next(w *window, ev *schema.Event) error
	// hours is how many local times existed twice, and how many not at all.
	hours() (ambiguous, missing int64)
}

// reader reads one file. The record layer is chosen at the first record, or earlier if the format is given.
type reader struct {
	unit    *unit
	file    *os.File
	read    counter
	release func() // of the decompressor
	ahead   *readAhead
	text    *window
	setup   setup
	records records
	future  int64
	err     error
}

var _ source.Reader = (*reader)(nil)

// setup is what decoders need.
type setup struct {
	opts        *Options
	path        string
	paths       *schema.Paths
	occurrences *occurrence.Counter
}

// newReader starts reading f, which it owns from then on if there is no error.
func newReader(ctx context.Context, u *unit, f *os.File, paths *schema.Paths) (*reader, error) {
	r := &reader{unit: u, file: f, release: func() {}}
	r.read.r = u.content(f)
	var text io.Reader = &r.read
	var err error
	if u.id.size > 0 {
		text, r.release, err = decompress(text)
	} else {
		err = checkEmpty(u.path)
	}
	if err != nil {
		return nil, r.explain(err)
	}
	r.setup = setup{opts: &u.s.opts, path: u.Name(), paths: paths, occurrences: occurrence.New(occurrence.Options{Dir: u.s.opts.TempDir})}
	r.ahead = newReadAhead(text, u.s.pool)
	r.text = newWindow(ctx, r.ahead)
	if err := r.begin(); err != nil {
		return nil, errors.Join(r.explain(err), r.stop())
	}
	return r, nil
}

// begin looks at the first bytes and, if a record is near enough, at the format.
func (r *reader) begin() error {
	r.text.more()
	if err := checkText(r.text.unread()); err != nil {
		return err
	}
	if n := bom(r.text.unread()); n > 0 {
		r.text.advance(n, 0)
	}
	var err error
	r.records, err = chooseRecords(r.text, r.setup)
	return err
}

// Next implements source.Reader. After an error it gives the same error.
func (r *reader) Next(ev *schema.Event) error {
	if r.err != nil {
		return r.err
	}
	err := r.records.next(r.text, ev)
	if err == nil {
		if start := r.setup.opts.LoadStart; start > 0 && ev.Reason == "" && ev.Timestamp > start {
			r.future++
		}
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = r.text.err
	}
	r.err = r.explain(err)
	if errors.Is(r.err, io.EOF) {
		if err := r.unit.check(r.file, r.Read()); err != nil {
			r.err = err
		}
	}
	return r.err
}

// explain completes an error of reading. A file that changed is the cause of any other error.
func (r *reader) explain(err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	if changed := r.unit.check(r.file, r.Read()); changed != nil {
		return changed
	}
	var format *FormatError
	var setting *SettingError
	switch {
	case errors.As(err, &format):
		format.Path, format.Offset = r.unit.Name(), r.Read()
		return format
	case errors.As(err, &setting):
		return err
	}
	return fmt.Errorf("read %s: %w", r.unit.Name(), withoutPath(err))
}

// Read implements source.Reader.
func (r *reader) Read() int64 { return r.read.n.Load() }

// Notes implements source.Reader.
func (r *reader) Notes() source.Notes {
	n := source.Notes{Future: r.future}
	n.AmbiguousHours, n.MissingHours = r.records.hours()
	if tz := r.setup.opts.Timezone; tz != nil {
		n.TimeZone = tz.String()
	}
	return n
}

// Close ends the read-ahead and closes the file. It may be called at any time, and twice.
func (r *reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.stop()
	if r.unit.spool == nil {
		err = errors.Join(err, r.file.Close())
	}
	r.file = nil
	r.err = errClosed
	return err
}

var errClosed = errors.New("the reader is closed")

// stop ends all but the file.
func (r *reader) stop() error {
	r.ahead.close()
	r.release()
	r.text.close()
	return r.setup.occurrences.Close()
}

// counter counts the bytes that were read.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
