package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// Body is the bytes of one unit while it is read. A Body that is an io.ReaderAt, too, spares formats that are not read
// from front to back a copy in a temporary file. One whose reads may block has a method Interrupt() that ends them, and
// all later ones.
type Body interface {
	// From returns the bytes from an offset on, up to the size of the Input. Only the Reader returned last is read.
	From(offset int64) io.Reader
	// Check returns an error that names the unit if the bytes are no longer those that its key stands for. at is how many
	// have been read.
	Check(at int64) error
	// Close releases the bytes. Nothing is read meanwhile.
	Close() error
}

// Input is a unit's bytes and what is known of them before they are read.
type Input struct {
	// Name is the unit as errors call it.
	Name string
	// Path ends as the unit's own name does: that counts for an empty one, and may tell the event of its records.
	Path string
	// Format is the format if Options has none. Defaults to looking at the first record.
	Format string
	Size   int64 // bytes, before decompression
	Body   Body  // the Reader's from Open on
}

// Opener reads units that lie elsewhere than in files, by the same rules. It may be used by several goroutines.
type Opener struct {
	opts Options
	pool *sync.Pool
}

// NewOpener returns an Opener. Of o it heeds how records are read, and TempDir. The error names an unknown format.
func NewOpener(o Options) (*Opener, error) {
	if err := o.checkFormat(); err != nil {
		return nil, err
	}
	return &Opener{opts: o, pool: newBlockPool()}, nil
}

func newBlockPool() *sync.Pool { return &sync.Pool{New: func() any { return new(block) }} }

// Open starts reading a unit from its first record, as source.Unit says. The Body is closed with the Reader, or before an
// error is returned.
func (o *Opener) Open(ctx context.Context, in Input, paths *schema.Paths) (source.Reader, error) {
	return openWhole(ctx, in, &o.opts, o.pool, paths)
}

// openWhole opens a unit that is read from its first record to its last.
func openWhole(ctx context.Context, in Input, opts *Options, pool *sync.Pool, paths *schema.Paths) (source.Reader, error) {
	equal := occurrence.New(occurrence.Options{Dir: opts.TempDir})
	s := newSetup(&in, opts, paths, equal)
	r, err := newReader(ctx, &in, wholeFile(equal), s, pool)
	if err == nil {
		r.owned = equal
		return r, nil
	}
	if errors.Is(err, errParquet) {
		var t *tableReader
		if t, err = newTableReader(ctx, &in, s); err == nil {
			t.owned = equal
			return t, nil
		}
	}
	return nil, errors.Join(err, equal.Close(), in.Body.Close())
}

// explain completes an error of reading. Bytes that changed are the cause of any other error.
func (in *Input) explain(err error, at int64) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	if changed := in.Body.Check(at); changed != nil {
		return changed
	}
	var format *FormatError
	var setting *SettingError
	switch {
	case errors.As(err, &format):
		format.Path, format.Offset = in.Name, at
		return format
	case errors.As(err, &setting):
		return err
	}
	return fmt.Errorf("read %s: %w", in.Name, withoutPath(err))
}

// plainFile is the Body of a file: that of its unit, or of a range of it.
type plainFile struct {
	u *unit
	f *os.File
}

var _ io.ReaderAt = plainFile{}

// From implements Body. What is appended meanwhile is not read: Check tells.
func (p plainFile) From(offset int64) io.Reader {
	return io.NewSectionReader(p.f, offset, p.u.id.size-offset)
}

// ReadAt implements io.ReaderAt.
func (p plainFile) ReadAt(b []byte, off int64) (int, error) { return p.f.ReadAt(b, off) }

// Check implements Body. A file that was renamed or deleted meanwhile is what it was: its bytes are the same.
func (p plainFile) Check(at int64) error {
	if p.u.spool != nil {
		return nil
	}
	info, err := p.f.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", p.u.Name(), withoutPath(err))
	}
	if identify(info) != p.u.id {
		return p.u.changed(at)
	}
	return nil
}

// Close implements Body.
func (p plainFile) Close() error {
	if p.u.spool != nil {
		return nil
	}
	return p.f.Close()
}
