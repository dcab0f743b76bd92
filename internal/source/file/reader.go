package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"

	"github.com/tapline/tapline/internal/decode"
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
	// form is that of the last record.
	form() decode.Form
	// resume says how to read on where next has stopped.
	resume() resume
}

// resume returns the record layer for the text behind some other record. Nothing is detected again.
type resume func(setup) (records, error)

// part is the stretch of a file that a reader reads, and what the rest of the file must tell it.
type part struct {
	place
	border int64              // where the stretch begins, give or take a record: Read counts from here
	limit  int64              // a record that begins here or later is not read
	ids    decode.Occurrences // of records without an id
	bad    decode.Occurrences // of records that cannot be decoded; nil: left to the loader, which counts them by unit
}

// wholeFile is the part that is all of a file.
func wholeFile(ids decode.Occurrences) *part {
	return &part{place: place{line: 1}, limit: unlimited, ids: ids}
}

// unlimited is the limit of a part that goes to the end of its file.
const unlimited = math.MaxInt64

// reader reads a part of one file. The record layer is chosen at the first record, or earlier if the format is given.
type reader struct {
	unit    *unit
	part    *part
	file    *os.File
	read    counter
	release func() // of the decompressor
	ahead   *readAhead
	text    *window
	setup   setup
	records records
	owned   *occurrence.Counter // closed with the reader; may be nil
	future  int64
	err     error
}

var (
	_ source.Reader = (*reader)(nil)
	_ source.Former = (*reader)(nil)
)

// setup is what decoders need.
type setup struct {
	opts  *Options
	path  string
	paths *schema.Paths
	ids   decode.Occurrences
}

// newReader starts reading a part of f, which it owns from then on if there is no error. The part's counts stay the
// caller's.
func newReader(ctx context.Context, u *unit, p *part, f *os.File, paths *schema.Paths) (*reader, error) {
	r := &reader{unit: u, part: p, file: f, release: func() {}}
	r.read.r = u.content(f, p.offset)
	r.read.n.Store(p.offset - p.border)
	var text io.Reader = &r.read
	var err error
	switch {
	case p.offset > 0: // of a plain file
	case u.id.size > 0:
		text, r.release, err = decompress(text)
	default:
		err = checkEmpty(u.path)
	}
	if err != nil {
		return nil, r.explain(err)
	}
	r.setup = setup{opts: &u.s.opts, path: u.Name(), paths: paths, ids: p.ids}
	r.ahead = newReadAhead(text, u.s.pool)
	r.text = newWindow(ctx, r.ahead)
	r.text.offset, r.text.line = p.offset, p.line
	if err := r.begin(); err != nil {
		return nil, errors.Join(r.explain(err), r.stop())
	}
	r.text.limit = p.limit
	return r, nil
}

// begin looks at the first bytes and, if a record is near enough, at the format. Behind the start of the file there is
// nothing to look for.
func (r *reader) begin() (err error) {
	if r.part.resume != nil {
		r.records, err = r.part.resume(r.setup)
		return err
	}
	r.text.more()
	if err := checkText(r.text.unread()); err != nil {
		return err
	}
	if n := bom(r.text.unread()); n > 0 {
		r.text.advance(n, 0)
	}
	r.records, err = chooseRecords(r.text, r.setup)
	return err
}

// Next implements source.Reader. After an error it gives the same error.
func (r *reader) Next(ev *schema.Event) error {
	if r.err != nil {
		return r.err
	}
	err := r.records.next(r.text, ev)
	if err == nil && ev.Reason != "" && r.part.bad != nil {
		ev.Nth, err = r.part.bad.Next(ev.RawDigest())
	}
	if err == nil {
		if start := r.setup.opts.LoadStart; start > 0 && ev.Reason == "" && ev.Timestamp > start {
			r.future++
		}
		return nil
	}
	if errors.Is(err, io.EOF) && r.text.err != nil {
		err = r.text.err // nil if the text only reached the limit
	}
	r.err = r.explain(err)
	if errors.Is(r.err, io.EOF) {
		if err := r.unit.check(r.file, r.at()); err != nil {
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
	if changed := r.unit.check(r.file, r.at()); changed != nil {
		return changed
	}
	var format *FormatError
	var setting *SettingError
	switch {
	case errors.As(err, &format):
		format.Path, format.Offset = r.unit.Name(), r.at()
		return format
	case errors.As(err, &setting):
		return err
	}
	return fmt.Errorf("read %s: %w", r.unit.Name(), withoutPath(err))
}

// Form implements source.Former.
func (r *reader) Form() ([]byte, error) { return json.Marshal(r.records.form()) }

// Read implements source.Reader. What was read ahead of the next part is not counted.
func (r *reader) Read() int64 { return min(r.read.n.Load(), r.part.limit-r.part.border) }

// at is how many bytes of the file lie before the place up to which it was read.
func (r *reader) at() int64 { return r.part.border + r.read.n.Load() }

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
	err = errors.Join(err, r.unit.closeFile(r.file))
	if r.owned != nil {
		err = errors.Join(err, r.owned.Close())
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
	return nil
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
