package loader_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// broken is a source with one unit of as many different records that nobody can read.
type broken struct {
	records int
	dir     string
}

func (b broken) Units(context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) { yield(b, nil) }
}

func (b broken) Key() string     { return "broken" }
func (b broken) Name() string    { return "broken" }
func (b broken) Size() int64     { return int64(b.records) }
func (b broken) TempDir() string { return b.dir }

func (b broken) Open(context.Context, *schema.Paths) (source.Reader, error) {
	return &brokenReader{left: b.records}, nil
}

type brokenReader struct{ left int }

func (r *brokenReader) Next(ev *schema.Event) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	*ev = schema.Event{Reason: schema.InvalidJSON, Raw: []byte(strconv.Itoa(r.left))}
	return nil
}

func (r *brokenReader) Read() int64         { return 0 }
func (r *brokenReader) Notes() source.Notes { return source.Notes{} }
func (r *brokenReader) Close() error        { return nil }

// The counts of repeated records go to the folder that was given with the source.
func TestCountsAreSpooledWhereToldTo(t *testing.T) {
	t.Parallel()
	// All of them are one chunk: none is copied before the counts no longer fit into memory.
	l, err := loader.New(pgtest.Pool(t), loader.Config{Source: "CleverTap_Prod", ChunkBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = l.Load(t.Context(), broken{occurrence.DefaultEntries + 2, filepath.Join(t.TempDir(), "none")})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load = %v, want the error of a folder that is not there", err)
	}
}
