// Package tempfile makes temporary files without a name: nothing of them stays behind, however the process ends.
package tempfile

import (
	"errors"
	"fmt"
	"os"
)

// New returns an empty file for reading and writing in dir, or in the system's folder for temporary files if dir is
// empty. Its space is free again when it is closed, or when the process ends. Where the system or the file system can,
// the file never has a name. Elsewhere it has one that begins with prefix for a moment, and a kill within that moment
// leaves it, empty.
func New(dir, prefix string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if f := nameless(dir); f != nil {
		return f, nil
	}
	return unlinked(dir, prefix)
}

// unlinked makes a file and takes its name away.
func unlinked(dir, prefix string) (*os.File, error) {
	f, err := os.CreateTemp(dir, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("unlink temporary file: %w", err), f.Close())
	}
	return f, nil
}
