package tempfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// nameless makes a file that never had a name, or returns nil: some file systems, such as NFS, cannot, and for any other
// reason the way with a name has the better error.
func nameless(dir string) *os.File {
	f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE|unix.O_EXCL, 0o600)
	if err != nil {
		return nil
	}
	return f
}
