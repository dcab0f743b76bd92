package migrations

import (
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/golang-migrate/migrate/v4/source"
)

// fileSource serves files that are in memory already to golang-migrate: it reads ahead in a goroutine of its own, and
// there is one connection only. The files are in order of their numbers.
type fileSource []File

var _ source.Driver = fileSource(nil)

// Open is golang-migrate's way to make a source from a URL; this one has none.
func (s fileSource) Open(string) (source.Driver, error) { return s, nil }

// Close does nothing.
func (s fileSource) Close() error { return nil }

// First returns the lowest number.
func (s fileSource) First() (uint, error) { return s.at(0, "first") }

// Prev returns the number before version.
func (s fileSource) Prev(version uint) (uint, error) {
	i, found := s.find(version)
	if !found {
		return 0, notFound("prev")
	}
	return s.at(i-1, "prev")
}

// Next returns the number after version.
func (s fileSource) Next(version uint) (uint, error) {
	i, found := s.find(version)
	if !found {
		return 0, notFound("next")
	}
	return s.at(i+1, "next")
}

// ReadUp returns the text that applies version.
func (s fileSource) ReadUp(version uint) (io.ReadCloser, string, error) {
	return s.read(version, func(f *File) string { return f.Up })
}

// ReadDown returns the text that takes version back.
func (s fileSource) ReadDown(version uint) (io.ReadCloser, string, error) {
	return s.read(version, func(f *File) string { return f.Down })
}

func (s fileSource) read(version uint, text func(*File) string) (io.ReadCloser, string, error) {
	i, found := s.find(version)
	if !found {
		return nil, "", notFound("read")
	}
	return io.NopCloser(strings.NewReader(text(&s[i]))), s[i].Name, nil
}

func (s fileSource) find(version uint) (int, bool) {
	return slices.BinarySearchFunc(s, version, func(f File, v uint) int { return int(f.Version) - int(v) })
}

func (s fileSource) at(i int, op string) (uint, error) {
	if i < 0 || i >= len(s) {
		return 0, notFound(op)
	}
	return s[i].Version, nil
}

func notFound(op string) error { return &fs.PathError{Op: op, Path: "migration", Err: fs.ErrNotExist} }
