package cli

import (
	"os"
	"path/filepath"
	"strings"
)

// programName is how this program was started, for commands that are printed to be run next.
func programName() string { return programOf(os.Args[0]) }

func programOf(arg string) string {
	switch {
	case filepath.Base(arg) != "tapline":
		return "tapline" // part of another program, or of a test
	case strings.Contains(arg, "/go-build"):
		return "go run ./cmd/tapline" // go run builds into the folder of its cache, and leaves nothing to call again
	case strings.ContainsRune(arg, '/'):
		return shellWord(arg)
	}
	return "tapline"
}
