//go:build unix

package file

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// errLink says that there is a symbolic link where a file was.
var errLink = errors.New("symbolic link")

// openPlain opens a file for reading. It does not follow a link and does not wait for the other end of a pipe.
func openPlain(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, errLink
	}
	return f, err
}

// inodeOf is where the file is stored, whatever it is called.
func inodeOf(info fs.FileInfo) (dev, inode uint64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(st.Dev), st.Ino //nolint:unconvert // Dev is 32 bits wide on macOS
}
