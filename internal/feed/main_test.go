package feed_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

// TestMain runs the tests, or, as the process of one of them, what that one wants.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FEED_TEST_PROCESS"); mode != "" {
		if err := processes[mode](); err != nil {
			fmt.Fprintln(os.Stderr, mode, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	pgtest.Main(m)
}
