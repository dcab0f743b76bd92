//go:build !failpoint

// Package failpoint lets a test build kill the process at a named point. In ordinary builds its functions are empty
// and cost nothing.
package failpoint

// Hit marks a point. With the build tag failpoint and TAPLINE_FAILPOINT=name the process kills itself there by SIGKILL;
// with name:n at the n-th time it comes by.
func Hit(string) {}
