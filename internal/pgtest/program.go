package pgtest

import (
	"os"
	"syscall"
	"testing"
)

// WriteProgram writes an executable file. While it is open for writing nothing is forked: a child that another test starts
// meanwhile would hold the open file until its exec, and Linux refuses to start a file that somebody has open for writing.
func WriteProgram(t testing.TB, path string, content []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, content, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}
