package cli

import (
	"io"
	"strings"
	"time"
)

// Bar is the progress bar of a terminal that is so wide.
func Bar(width int, unit string, bytes, total, units, all, rate int64, elapsed time.Duration) string {
	n := pulse{unit: unit, bytes: bytes, total: total, units: units, all: all, current: rate, elapsed: elapsed}
	return n.bar(&printer{w: io.Discard, width: width})
}

// Grid is a table of those columns on a terminal that is so wide.
func Grid(width int, header []string, rows ...[]string) string {
	var b strings.Builder
	(&printer{w: &b, width: width}).print(&grid{header: header, rows: rows})
	return b.String()
}

// Printable and Number open to the tests what every line of output goes through.
var (
	Printable = printable
	Number    = number[int64]
	Size      = size
	ShellWord = shellWord
	ProgramOf = programOf
)
