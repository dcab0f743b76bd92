package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gocloud.dev/blob"

	"github.com/tapline/tapline/internal/source/file"
)

// body is an object that is read as it is loaded.
type body struct {
	u      *unit
	ctx    context.Context //nolint:containedctx // of the reader that owns the body: io.Reader has none
	cancel context.CancelFunc
	open   *stream
}

var _ file.Body = (*body)(nil)

func newBody(ctx context.Context, u *unit) *body {
	b := &body{u: u}
	b.ctx, b.cancel = context.WithCancel(ctx)
	return b
}

// From implements file.Body.
func (b *body) From(offset int64) io.Reader {
	if b.open != nil {
		b.open.cancel()
		b.open.end()
	}
	b.open = &stream{b: b, at: offset}
	b.open.ctx, b.open.cancel = context.WithCancel(b.ctx)
	return b.open
}

// Interrupt ends a read that waits for the store.
func (b *body) Interrupt() {
	if b.open != nil {
		b.open.cancel()
	}
}

// Check implements file.Body. A read that asks for a version needs none.
func (b *body) Check(at int64) error {
	if b.open != nil && b.open.changed.Load() {
		return b.u.changed(at, errChanged)
	}
	return b.u.recheck(b.ctx, at)
}

// Close implements file.Body.
func (b *body) Close() error {
	b.cancel()
	if b.open != nil {
		b.open.end()
	}
	return nil
}

// stream reads an object from an offset on, over as many connections as it takes.
type stream struct {
	b       *body
	ctx     context.Context //nolint:containedctx // see body
	cancel  context.CancelFunc
	at      int64
	conn    *blob.Reader
	stop    context.CancelFunc // of conn
	tries   int                // in a row that brought nothing
	pause   func() time.Duration
	changed atomic.Bool
	failed  error
}

// Read implements io.Reader. It gives io.EOF when all bytes that were listed have come; an object that holds more or
// fewer is not the one that was listed.
func (s *stream) Read(p []byte) (int, error) {
	for s.failed == nil {
		if s.at >= s.b.u.size {
			return 0, io.EOF
		}
		n, err := s.try(p[:min(int64(len(p)), s.b.u.size-s.at)])
		s.at += int64(n)
		if n > 0 && s.at == s.b.u.size && s.more() {
			n, err = 0, errMore
		}
		if n > 0 {
			s.tries, s.pause = 0, nil
			return n, nil
		}
		if err != nil {
			s.failed = s.again(err)
		}
	}
	return 0, s.failed
}

// try reads from the connection, or makes one.
func (s *stream) try(p []byte) (int, error) {
	if s.conn == nil {
		if err := s.connect(); err != nil {
			return 0, err
		}
	}
	late := time.AfterFunc(s.b.u.s.opts.Stall, s.stop)
	n, err := s.conn.Read(p)
	late.Stop()
	if n == 0 && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the size is known: it was cut
	}
	return n, err
}

// errMore says that what came is not what is stored.
var errMore = errors.New("the store sent more bytes than the object has: is it decompressed on the way?")

// more reports whether anything follows the object's last byte.
func (s *stream) more() bool {
	var one [1]byte
	late := time.AfterFunc(s.b.u.s.opts.Stall, s.stop)
	defer late.Stop()
	n, _ := s.conn.Read(one[:]) // a fault behind the last byte is none
	return n > 0
}

// connect asks for the rest of the object, if it is still the version that was listed.
func (s *stream) connect() error {
	u := s.b.u
	ctx, stop := context.WithCancel(s.ctx)
	late := time.AfterFunc(u.s.opts.Stall, stop)
	defer late.Stop()
	asked := ctx
	if bare := u.bucket.store.bare; bare != nil {
		asked = bare(ctx)
	}
	conn, err := u.bucket.NewRangeReader(asked, u.object, s.at, -1, &blob.ReaderOptions{BeforeRead: u.bucket.store.pin(u.object, u.version)})
	if err != nil {
		stop()
		return err
	}
	if got := u.bucket.store.got(conn); conn.Size() != u.size || got != "" && got != u.version {
		stop()
		return errors.Join(errChanged, conn.Close())
	}
	s.conn, s.stop = conn, stop
	return nil
}

// again decides after an error whether the read goes on: it returns nil after a pause, or why not.
func (s *stream) again(err error) error {
	u := s.b.u
	s.end()
	switch {
	case s.ctx.Err() != nil:
		return u.bucket.explain(s.ctx, opRead, u.Name(), s.ctx.Err())
	case u.bucket.gone(err):
		s.changed.Store(true)
		return u.changed(s.at, errChanged)
	}
	if s.tries++; s.tries >= u.s.opts.Tries || !u.bucket.passes(err, false) {
		return u.bucket.explain(s.ctx, opRead, u.Name(), err)
	}
	u.s.opts.File.Logger.WarnContext(s.ctx, "reading goes on after a fault", slog.String("object", u.Name()),
		slog.Int64("offset", s.at), slog.Int("try", s.tries), slog.String("cause", clean(err)))
	if s.pause == nil {
		s.pause = u.s.pauses().NextBackOff
	}
	if err := sleep(s.ctx, s.pause()); err != nil {
		return u.bucket.explain(s.ctx, opRead, u.Name(), err)
	}
	return nil
}

// end gives the connection up.
func (s *stream) end() {
	if s.conn == nil {
		return
	}
	s.stop()
	_ = s.conn.Close() // of a read that is over: nothing is lost
	s.conn = nil
}

// memory is an object that was fetched whole.
type memory struct {
	u    *unit
	held *held
	ctx  context.Context //nolint:containedctx // of the reader that owns the body
	once sync.Once
}

var (
	_ file.Body   = (*memory)(nil)
	_ io.ReaderAt = (*memory)(nil)
)

// From implements file.Body.
func (m *memory) From(offset int64) io.Reader { return bytes.NewReader(m.held.data[offset:]) }

// ReadAt implements io.ReaderAt.
func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.held.data).ReadAt(p, off)
}

// Check implements file.Body.
func (m *memory) Check(at int64) error {
	return m.u.recheck(m.ctx, at)
}

// Close implements file.Body.
func (m *memory) Close() error {
	m.once.Do(func() { m.u.s.cache.release(m.held) })
	return nil
}
