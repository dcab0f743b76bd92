package cli

import (
	"io"
	"time"
)

// Bar is the progress bar of a terminal that is so wide.
func Bar(width int, unit string, bytes, total, units, all, rate int64, elapsed time.Duration) string {
	n := pulse{unit: unit, bytes: bytes, total: total, units: units, all: all, current: rate, elapsed: elapsed}
	return n.bar(&printer{w: io.Discard, width: width})
}

// Printable and Number open to the tests what every line of output goes through.
var (
	Printable = printable
	Number    = number[int64]
	Size      = size
	ShellWord = shellWord
)
