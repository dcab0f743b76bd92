//go:build unix

package cli

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// freeSpace is how many bytes an ordinary account may still write where dir is.
func freeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // Bsize is 32 bits wide on macOS
}
