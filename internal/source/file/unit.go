package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"unicode/utf8"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// identity is what makes a file the same bytes as before (rule 33).
type identity struct {
	dev, inode  uint64
	size, mtime int64 // bytes, nanoseconds
}

func identify(info fs.FileInfo) identity {
	id := identity{size: info.Size(), mtime: info.ModTime().UnixNano()}
	id.dev, id.inode = inodeOf(info)
	return id
}

// unit is one file. With a spool it is the standard input.
type unit struct {
	s     *Source
	path  string
	id    identity
	spool *spool
}

// Key implements source.Unit.
func (u *unit) Key() string {
	if u.spool != nil {
		return fmt.Sprintf("stdin:%x", u.spool.digest)
	}
	return fmt.Sprintf("file:%s:%d:%d:%d", printable(u.path), u.id.inode, u.id.size, u.id.mtime)
}

// Name implements source.Unit.
func (u *unit) Name() string {
	if u.spool != nil {
		return "stdin"
	}
	return printable(u.path)
}

// Size implements source.Unit.
func (u *unit) Size() int64 { return u.id.size }

// TempDir is where temporary files are made on behalf of the unit.
func (u *unit) TempDir() string { return u.s.opts.TempDir }

// Open implements source.Unit.
func (u *unit) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	in, err := u.input()
	if err != nil {
		return nil, err
	}
	return openWhole(ctx, in, &u.s.opts, u.s.pool, paths)
}

// input opens the unit's file.
func (u *unit) input() (Input, error) {
	f, err := u.file()
	if err != nil {
		return Input{}, err
	}
	return Input{Name: u.Name(), Path: u.path, Size: u.id.size, Body: plainFile{u, f}}, nil
}

// file opens the unit's file. Between the listing and now somebody may have put a link or a pipe in its place, or in
// that of a folder above it: openPlain neither follows nor hangs, and a file of another device, inode, size or time is
// not this unit.
func (u *unit) file() (*os.File, error) {
	if u.spool != nil {
		return u.spool.file, nil
	}
	f, err := openPlain(u.path)
	if errors.Is(err, errLink) {
		return nil, &NotRegularError{Path: u.path, Mode: fs.ModeSymlink}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", u.Name(), withoutPath(err))
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("open %s: %w", u.Name(), withoutPath(err))
	case !info.Mode().IsRegular():
		err = &NotRegularError{Path: u.path, Mode: info.Mode()}
	case identify(info) != u.id:
		err = u.changed(0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (u *unit) changed(offset int64) error {
	return &FormatError{
		Path: u.Name(), Reason: ChangedWhileRead, Offset: offset, Err: errChanged,
		Hint: "load it again when it is complete",
	}
}

var errChanged = errors.New("the file changed while being read")

// printable returns path as text that Postgres and terminals can hold: quoted if it is not clean UTF-8.
func printable(path string) string {
	if !utf8.ValidString(path) {
		return strconv.Quote(path)
	}
	for _, r := range path {
		if r < ' ' || r == 0x7f {
			return strconv.Quote(path)
		}
	}
	return path
}
