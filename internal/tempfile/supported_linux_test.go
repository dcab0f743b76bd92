package tempfile_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// supported asks the file system itself whether it makes files without a name.
func supported(t *testing.T, dir string) bool {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_RDWR|unix.O_TMPFILE|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return false
	}
	if err := unix.Close(fd); err != nil {
		t.Error(err)
	}
	return true
}
