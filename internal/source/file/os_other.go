//go:build !unix

package file

import (
	"errors"
	"io/fs"
	"os"
)

var errLink = errors.New("symbolic link")

// errUnsupported stands for two things that are missing here: an open that does not follow links, and inodes, by which a
// file is known again.
var errUnsupported = errors.New("reading files is not available on this system: use Linux or macOS, or a container")

func openPlain(string) (*os.File, error) { return nil, errUnsupported }

func inodeOf(fs.FileInfo) (dev, inode uint64) { return 0, 0 }
