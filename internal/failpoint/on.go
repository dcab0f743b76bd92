//go:build failpoint

// Package failpoint lets a test build kill the process at a named point.
package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var hits atomic.Int64

// Hit kills the process if it is at the point that TAPLINE_FAILPOINT names, for the n-th time if that ends in :n.
func Hit(name string) {
	want, count, _ := strings.Cut(os.Getenv("TAPLINE_FAILPOINT"), ":")
	if want != name {
		return
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		n = 1
	}
	if hits.Add(1) == n {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}
