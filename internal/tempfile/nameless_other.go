//go:build !linux

package tempfile

import "os"

// nameless needs O_TMPFILE, which Linux alone has.
func nameless(string) *os.File { return nil }
