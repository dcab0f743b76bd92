//go:build !unix

package stream

import (
	"errors"
	"os"
)

func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }

func lockFile(*os.File) error { return errors.ErrUnsupported }
