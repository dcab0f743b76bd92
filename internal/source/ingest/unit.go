package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/schema"
)

// Unit is a frame as a unit of the loader.
type Unit struct {
	frame *stream.Frame
	more  bool
}

var _ source.Unit = (*Unit)(nil)

// NewUnit returns the unit of a frame. more says that another one of the same source follows at once.
func NewUnit(f *stream.Frame, more bool) *Unit { return &Unit{f, more} }

// Frame is what the unit was made of.
func (u *Unit) Frame() *stream.Frame { return u.frame }

// Key is the frame's place in the stream, and its own id: should a server that has lost its last frames give their numbers to
// others, these are not taken for those.
func (u *Unit) Key() string { return u.frame.Key + ":" + idOf(u.frame.Data) }

// Name implements source.Unit.
func (u *Unit) Name() string { return u.frame.Name }

// Size implements source.Unit.
func (u *Unit) Size() int64 { return int64(len(u.frame.Data)) }

// Kind says that it is a frame.
func (u *Unit) Kind() string { return source.KindFrame }

// More says whether another unit follows at once.
func (u *Unit) More() bool { return u.more }

// Open implements source.Unit. A frame that is damaged is one record that cannot be loaded, so that it neither vanishes nor
// holds up others; one of a later release is an error.
func (u *Unit) Open(_ context.Context, paths *schema.Paths) (source.Reader, error) {
	f, err := parse(u.frame.Data)
	if err == nil {
		return newReader(f, paths)
	}
	var later *VersionError
	if errors.As(err, &later) {
		err = fmt.Errorf("read %s: %w", u.Name(), err)
		return nil, err
	}
	return damaged(u.frame.Data, err), nil
}

func newReader(f *frame, paths *schema.Paths) (*reader, error) {
	r := &reader{frame: f}
	copy(r.salt[:], f.id)
	var err error
	r.dec, err = decode.New(decode.Options{
		Kind: decode.Segment, Paths: paths, Occurrences: &r.twins, Digest: r.digest, FoldEvent: schema.FoldEvent,
	})
	return r, err
}

// damaged is the reader of a frame of which nothing can be trusted.
func damaged(frame []byte, why error) *reader { return &reader{damaged: frame, why: why} }

// reader reads the records of a frame.
type reader struct {
	frame  *frame
	dec    *decode.Decoder
	inside bool // the request may have more records
	at     stored
	read   atomic.Int64
	twins  twins
	salt   [idSize]byte
	last   [sha256.Size]byte // what the last id was made of

	damaged []byte // the frame, if nothing of it can be read
	why     error
}

var (
	_ source.Reader = (*reader)(nil)
	_ source.Former = (*reader)(nil)
)

// Next implements source.Reader. A record's line is the number of its request in the frame, its offset where the body of
// that begins.
func (r *reader) Next(ev *schema.Event) error {
	if r.frame == nil {
		return r.whole(ev)
	}
	ok := r.inside && r.dec.Next(ev)
	for !ok {
		at, more, err := r.frame.next()
		if err != nil {
			return err
		}
		if !more {
			return io.EOF
		}
		r.at = at
		r.read.Store(at.offset + int64(len(at.body)))
		r.dec.Arrive(at.received, at.call)
		ok = r.dec.Line(at.body, ev)
		r.inside = ok
	}
	ev.Line, ev.Offset = r.frame.n, r.at.offset
	if ev.Twin > 0 && ev.Reason == "" {
		ev.RawHash = r.last // so that a replay from quarantine makes the same id
	}
	return r.dec.Err()
}

// whole is the one record that a damaged frame becomes.
func (r *reader) whole(ev *schema.Event) error {
	if r.damaged == nil {
		return io.EOF
	}
	decode.Unreadable(ev, r.damaged, "a frame of the stream is damaged: "+r.why.Error())
	r.read.Store(int64(len(r.damaged)))
	ev.Line, r.damaged = 1, nil
	return nil
}

// digest is what the id of a record is made of that has none. At this door what is sent twice has happened twice, as at
// Segment's: two requests that are equal to the byte are in different frames, or are twins in one. Who wants a repetition to
// add nothing gives events a messageId.
func (r *reader) digest(raw []byte) [sha256.Size]byte {
	var salted [sha256.Size + idSize]byte
	digest := decode.Digest(raw)
	copy(salted[:], digest[:])
	copy(salted[len(digest):], r.salt[:])
	r.last = sha256.Sum256(salted[:])
	return r.last
}

// Form implements source.Former.
func (r *reader) Form() ([]byte, error) {
	if r.dec == nil {
		return nil, nil
	}
	return json.Marshal(r.dec.Form())
}

// Read implements source.Reader.
func (r *reader) Read() int64 { return r.read.Load() }

// Notes implements source.Reader.
func (r *reader) Notes() source.Notes { return source.Notes{} }

// Close implements source.Reader.
func (r *reader) Close() error { return nil }

// twins counts the equal records of a frame, which is small enough for that.
type twins struct{ n map[[sha256.Size]byte]uint64 }

// Next implements decode.Occurrences.
func (t *twins) Next(digest [sha256.Size]byte) (uint64, error) {
	if t.n == nil {
		t.n = map[[sha256.Size]byte]uint64{}
	}
	t.n[digest]++
	return t.n[digest], nil
}
