//go:build !linux

package tempfile_test

import "testing"

func supported(*testing.T, string) bool { return false }
