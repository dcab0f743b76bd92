// Package file reads events from files, folders, globs and the standard input: gzip, zstd or plain; JSON lines or CSV;
// Segment's calls or CleverTap's exports. A unit is a file, or a range of a large plain one (ranges.go).
//
// One unit in flight holds three blocks of 1 MiB, what its decompressor needs, and no line longer than 512,000 bytes,
// whatever the file holds.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"weak"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// The names of formats, as Options.Format has them.
const (
	FormatSegment      = "segment"
	FormatCleverTap    = "clevertap"
	FormatSegmentCSV   = "segment-csv"
	FormatCleverTapCSV = "clevertap-csv"
	// FormatCleverTapParquet is CleverTap's export as Parquet, in any of its shapes.
	FormatCleverTapParquet = "clevertap-parquet"
)

// Formats are the names of all formats.
func Formats() []string {
	return []string{FormatSegment, FormatCleverTap, FormatSegmentCSV, FormatCleverTapCSV, FormatCleverTapParquet}
}

func (o *Options) checkFormat() error {
	if o.Format == "" || slices.Contains(Formats(), o.Format) {
		return nil
	}
	return fmt.Errorf("unknown format %q: use one of %s", o.Format, strings.Join(Formats(), ", "))
}

// Options say how to read.
type Options struct {
	// Format is the format of all files. Defaults to looking at the first record of each.
	Format string
	// Timezone is the CleverTap project's, Account its id. Both are required as soon as a file is of CleverTap's format.
	Timezone *time.Location
	Account  string
	// Event is the event of records that do not name theirs.
	Event string
	// UserIdentity says what becomes the user_id of CleverTap's records: identity, email, phone or clevertap_id.
	// Defaults to identity.
	UserIdentity string
	// LoadStart is the received_at of records that have none. Events after it count as future.
	LoadStart schema.Micros

	// UnitMaxBytes is the size up to which a plain file, or the standard input, is one unit. A larger one is divided into
	// ranges of equal size, each a unit. Defaults to DefaultUnitMaxBytes.
	UnitMaxBytes int64
	// Stdin is what the path - means. Defaults to the process's standard input.
	Stdin io.Reader
	// TempDir is where the standard input is spooled, occurrences spill and those of ranges are kept. Defaults to the
	// system's.
	TempDir string

	// Watch makes Units go on for ever: it lists the paths again each PollInterval, and a file is yielded once two
	// listings in a row found it unchanged, and again whenever it has changed since.
	Watch bool
	// PollInterval is the time between two listings of Watch. Defaults to two seconds.
	PollInterval time.Duration
	// Logger gets what is skipped. Defaults to none.
	Logger *slog.Logger
}

// Source is a source.Source over paths.
type Source struct {
	opts  Options
	paths []target
	pool  *sync.Pool

	ctx    context.Context //nolint:containedctx // of the scans: from New to Close
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	spool *spool
	scans []weak.Pointer[scan]
}

var _ source.Source = (*Source)(nil)

// target is a path as given.
type target struct {
	path string // absolute
	glob bool
}

// New returns a Source over paths: files, folders (all files below that are not hidden), globs, and - for the standard
// input. The error names a path that does not exist or a format that is unknown. Close the Source after use.
func New(paths []string, o Options) (*Source, error) {
	if err := o.checkFormat(); err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, errors.New("no paths given: give files, folders or - for the standard input")
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.UnitMaxBytes <= 0 {
		o.UnitMaxBytes = DefaultUnitMaxBytes
	}
	if o.PollInterval <= 0 {
		o.PollInterval = 2 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Source{opts: o, pool: newBlockPool()}
	for _, p := range paths {
		t, err := newTarget(p, o.Watch)
		if err != nil {
			return nil, err
		}
		s.paths = append(s.paths, t)
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s, nil
}

func newTarget(path string, watch bool) (target, error) {
	if path == "-" {
		if watch {
			return target{}, errors.New("the standard input cannot be watched: leave out - or the watching")
		}
		return target{path: path}, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return target{}, fmt.Errorf("find %s: %w", printable(path), err)
	}
	_, err = os.Lstat(abs)
	if err == nil {
		return target{path: abs}, nil
	}
	if !strings.ContainsAny(path, "*?[") || !errors.Is(err, os.ErrNotExist) {
		return target{}, fmt.Errorf("find %s: %w", printable(path), withoutPath(err))
	}
	found, err := filepath.Glob(abs)
	if err != nil {
		return target{}, fmt.Errorf("find %s: %w", printable(path), err)
	}
	if len(found) == 0 && !watch {
		return target{}, fmt.Errorf("find %s: no file matches", printable(path))
	}
	return target{path: abs, glob: true}, nil
}

// withoutPath returns the cause of an error whose path is named already. An error that says more than that, as of a
// temporary file, stays as it is.
func withoutPath(err error) error {
	var p *os.PathError
	if errors.As(err, &p) && p.Error() == err.Error() {
		return p.Err
	}
	return err
}

// Units yields the files in the order of the paths, those of a folder or glob sorted by name, the ranges of a large plain
// file in their order. A path that is named twice is yielded once. With Watch it ends with ctx only.
func (s *Source) Units(ctx context.Context) iter.Seq2[source.Unit, error] {
	if s.opts.Watch {
		return s.watch(ctx)
	}
	return func(yield func(source.Unit, error) bool) {
		for u, err := range s.list(ctx) {
			if err != nil {
				if !yield(nil, err) {
					return
				}
			} else if !s.units(ctx, u, yield) {
				return
			}
		}
	}
}

// Close ends scans of large files and releases the temporary files: of the scans, and the spooled standard input. Units
// that came from them cannot be opened any more.
func (s *Source) Close() error {
	s.cancel(errSourceClosed)
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, w := range s.scans {
		if sc := w.Value(); sc != nil {
			err = errors.Join(err, sc.close())
		}
	}
	s.scans = nil
	if s.spool != nil {
		err = errors.Join(err, s.spool.file.Close())
		s.spool = nil
	}
	return err
}
