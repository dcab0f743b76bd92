package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tapline/tapline/internal/tempfile"
)

// spool is the standard input, complete, in a temporary file without a name: a unit must be readable again, and its key
// is the digest of all of it.
type spool struct {
	file   *os.File
	size   int64
	digest [sha256.Size]byte
}

// stdinUnit reads the standard input to its end the first time.
func (s *Source) stdinUnit(ctx context.Context) (*unit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spool == nil {
		sp, err := newSpool(ctx, s.opts.Stdin, s.opts.TempDir)
		if err != nil {
			return nil, fmt.Errorf("spool standard input: %w", err)
		}
		s.spool = sp
	}
	return &unit{s: s, path: "stdin", id: identity{size: s.spool.size}, spool: s.spool}, nil
}

func newSpool(ctx context.Context, r io.Reader, dir string) (*spool, error) {
	f, err := tempfile.New(dir, "tapline-stdin-")
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(f, h)}, contextReader{ctx, r}, make([]byte, 256<<10))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	sp := &spool{file: f, size: n}
	h.Sum(sp.digest[:0])
	return sp, nil
}

// contextReader ends with its context, between two reads.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
