package file

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

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

// reader reads a part of one text. The record layer is chosen at the first record, or earlier if the format is given.
type reader struct {
	in      *Input
	part    *part
	read    counter
	release func() // of the decompressor
	ahead   *readAhead
	text    *window
	setup   setup
	records records
	owned   *occurrence.Counter // closed with the reader; may be nil
	future  int64
	closed  bool
	err     error
}

var (
	_ source.Reader = (*reader)(nil)
	_ source.Former = (*reader)(nil)
)

// setup is what decoders need.
type setup struct {
	opts   *Options
	path   string // as errors have it
	format string
	event  string // of records that do not name theirs
	paths  *schema.Paths
	ids    decode.Occurrences
	start  schema.Micros // events after it are in the future; 0 if that is not known
}

func newSetup(in *Input, opts *Options, paths *schema.Paths, ids decode.Occurrences) setup {
	s := setup{opts: opts, path: in.Name, paths: paths, ids: ids, start: opts.LoadStart}
	if opts.Watch && s.start > 0 { // it may have begun long ago
		s.start = schema.Micros(time.Now().UnixMicro())
	}
	s.format, s.event = cmp.Or(opts.Format, in.Format), opts.Event
	if name, ok := ParseName(in.Path); ok && s.event == "" {
		s.event = name.Event
	}
	if _, _, ok := ParseSegmentLogs(in.Path); ok && s.format == "" {
		s.format = FormatSegment
	}
	return s
}

// newReader starts reading a part of the input, whose Body it owns from then on if there is no error. The part's counts
// stay the caller's. The error is errParquet if the input is no text but Parquet.
func newReader(ctx context.Context, in *Input, p *part, s setup, pool *sync.Pool) (*reader, error) {
	r := &reader{in: in, part: p, setup: s, release: func() {}}
	r.read.r = in.Body.From(p.offset)
	r.read.n.Store(p.offset - p.border)
	var text io.Reader = &r.read
	var err error
	switch {
	case p.offset > 0: // of a plain file
	case in.Size > 0:
		text, r.release, err = decompress(text)
	default:
		err = checkEmpty(in.Path)
	}
	if err != nil {
		return nil, in.explain(err, r.at())
	}
	r.ahead = newReadAhead(text, pool)
	r.text = newWindow(ctx, r.ahead)
	r.text.offset, r.text.line = p.offset, p.line
	switch err := r.begin(); {
	case errors.Is(err, errParquet):
		return nil, errors.Join(err, r.stop())
	case err != nil:
		return nil, errors.Join(in.explain(err, r.at()), r.stop())
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
	if isParquet(r.text.unread()) {
		return errParquet
	}
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
		if r.setup.isFuture(ev) {
			r.future++
		}
		return nil
	}
	if errors.Is(err, io.EOF) && r.text.err != nil {
		err = r.text.err // nil if the text only reached the limit
	}
	r.err = r.in.explain(err, r.at())
	if errors.Is(r.err, io.EOF) {
		if err := r.in.Body.Check(r.at()); err != nil {
			r.err = err
		}
	}
	return r.err
}

// isFuture reports whether an event is later than the load.
func (s *setup) isFuture(ev *schema.Event) bool {
	return s.start > 0 && ev.Reason == "" && ev.Timestamp > s.start
}

// Form implements source.Former.
func (r *reader) Form() ([]byte, error) { return json.Marshal(r.records.form()) }

// Read implements source.Reader. What was read ahead of the next part is not counted.
func (r *reader) Read() int64 { return min(r.read.n.Load(), r.part.limit-r.part.border) }

// at is how many bytes of the file lie before the place up to which it was read.
func (r *reader) at() int64 { return r.part.border + r.read.n.Load() }

// Notes implements source.Reader.
func (r *reader) Notes() source.Notes {
	ambiguous, missing := r.records.hours()
	return r.setup.notes(r.future, ambiguous, missing)
}

func (s *setup) notes(future, ambiguous, missing int64) source.Notes {
	n := source.Notes{Future: future, AmbiguousHours: ambiguous, MissingHours: missing}
	if tz := s.opts.Timezone; tz != nil {
		n.TimeZone = tz.String()
	}
	return n
}

// Close ends the read-ahead and closes the file. It may be called at any time, and twice.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	err := r.stop()
	err = errors.Join(err, r.in.Body.Close())
	if r.owned != nil {
		err = errors.Join(err, r.owned.Close())
	}
	r.closed = true
	r.err = errClosed
	return err
}

var errClosed = errors.New("the reader is closed")

// stop ends all but the file. A read that waits for a network is not waited for.
func (r *reader) stop() error {
	if i, ok := r.in.Body.(interface{ Interrupt() }); ok {
		i.Interrupt()
	}
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
