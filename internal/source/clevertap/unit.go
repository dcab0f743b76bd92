package clevertap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// unit is a window that has been read.
type unit struct {
	s      *Source
	window Window
	began  time.Time
	spool  *spool
	opened sync.Once
	ended  sync.Once
}

var _ source.Unit = (*unit)(nil)

// Key implements source.Unit.
func (u *unit) Key() string { return u.window.Key(u.s.opts.Client.Account()) }

// Name implements source.Unit.
func (u *unit) Name() string { return u.window.Name() }

// Size implements source.Unit.
func (u *unit) Size() int64 { return u.spool.size() }

// Kind says that the window may be read again.
func (u *unit) Kind() string { return source.KindWindow }

// Again says that the window is to be read, whatever the ledger has: only such windows are asked for.
func (u *unit) Again() bool { return true }

// Window is the window that the unit is.
func (u *unit) Window() Window { return u.window }

// Began is when CleverTap was first asked for the window: what comes there after it may be missing in it.
func (u *unit) Began() time.Time { return u.began }

// Release says that the unit has come to its end, and gives back the space on disk. The unit cannot be opened after it. Without
// it, the space is free when nobody has the unit any more.
func (u *unit) Release() {
	u.ended.Do(func() {
		u.waitsNoMore()
		_ = u.spool.close() // it has no name and nothing in it is wanted
		u.s.gate.end(u.window.Day)
	})
}

// waitsNoMore makes room for windows that are not read yet.
func (u *unit) waitsNoMore() {
	u.opened.Do(func() { u.s.gate.free(u.Size()) })
}

// TempDir is where temporary files are made on behalf of the unit.
func (u *unit) TempDir() string { return u.s.opts.TempDir }

// Open implements source.Unit.
func (u *unit) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	u.waitsNoMore()
	r := &reader{ctx: ctx, unit: u, twins: occurrence.New(occurrence.Options{Dir: u.s.opts.TempDir})}
	r.spool = u.spool.reader(&r.read)
	var err error
	o := &u.s.opts
	r.dec, err = decode.New(decode.Options{
		Kind: decode.CleverTap, Paths: paths, Occurrences: r.twins, Location: o.Location, Account: o.Client.Account(),
		EventName: u.window.Event, Within: true, UserIdentity: o.UserIdentity,
	})
	if err != nil {
		return nil, errors.Join(&WindowError{Window: u.window, Err: err}, r.twins.Close())
	}
	return r, nil
}

// reader reads the records of a window.
type reader struct {
	ctx    context.Context //nolint:containedctx // of the unit's attempt; Next has none
	unit   *unit
	spool  *spoolReader
	dec    *decode.Decoder
	twins  *occurrence.Counter // of the page
	read   atomic.Int64
	entry  entry
	page   int64
	line   int64
	large  bool // the last record was over the limit
	future int64
	err    error
}

var (
	_ source.Reader = (*reader)(nil)
	_ source.Former = (*reader)(nil)
)

// Next implements source.Reader. After an error it gives the same error.
func (r *reader) Next(ev *schema.Event) error {
	if r.err == nil {
		r.err = r.next(ev)
	}
	return r.err
}

func (r *reader) next(ev *schema.Event) error {
	for {
		err := r.spool.next(&r.entry)
		switch {
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return io.EOF
		case err != nil:
			return &WindowError{Window: r.unit.window, Err: err}
		case r.entry.frame == framePage:
			r.page++
			// Equal records of one page are twins; of two pages, they are one record that the API gave twice (rule 25).
			if err := r.twins.Close(); err != nil {
				return &WindowError{Window: r.unit.window, Err: err}
			}
			continue
		}
		r.line++
		if r.large = r.entry.frame == frameLarge; r.large {
			decode.TooLarge(ev, decode.Redact(r.entry.raw), r.entry.size, r.entry.digest)
		} else if !r.dec.Line(r.entry.raw, ev) {
			continue // it cannot be: a record is neither blank nor an empty batch
		}
		ev.Line, ev.Offset = r.line, 0
		if err := r.dec.Err(); err != nil {
			return &WindowError{Window: r.unit.window, Err: err}
		}
		if ev.Reason == "" && r.unit.s.opts.Start > 0 && ev.Timestamp > r.unit.s.opts.Start {
			r.future++
		}
		return nil
	}
}

// Form implements source.Former.
func (r *reader) Form() ([]byte, error) {
	if r.large {
		return nil, nil
	}
	form, err := json.Marshal(r.dec.Form())
	if err != nil {
		return nil, fmt.Errorf("describe record: %w", err)
	}
	return form, nil
}

// Read implements source.Reader.
func (r *reader) Read() int64 { return r.read.Load() }

// Notes implements source.Reader.
func (r *reader) Notes() source.Notes {
	n := source.Notes{Future: r.future, TimeZone: r.unit.s.opts.Location.String()}
	n.AmbiguousHours, n.MissingHours = r.dec.Hours()
	return n
}

// Close implements source.Reader.
func (r *reader) Close() error { return r.twins.Close() }
