package localpg

import (
	"io"
	"os"
	"strings"
)

// size is the size of a file in bytes; 0 if there is none.
func size(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// readFrom returns the end of a file from an offset, at most its last 16 KiB; what cannot be read is left out, because
// it is only an addition to another error.
func readFrom(file string, offset int64) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // nothing was written
	if last := size(file) - 16<<10; last > offset {
		offset = last
	}
	text, _ := io.ReadAll(io.NewSectionReader(f, offset, 16<<10))
	return string(text)
}

// lastLines returns the last n lines of text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
