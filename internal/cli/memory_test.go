package cli

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestLoadMemory(t *testing.T) {
	for chunk, want := range map[int]int64{0: 140 << 20, 64 << 10: 140 << 20, 48 << 20: 288 << 20, 1 << 30: 6 << 30} {
		if got := loadMemory(chunk); got != want {
			t.Errorf("chunks of %d bytes have %d bytes of heap, want %d", chunk, got, want)
		}
	}
}

// The limit of whoever started the process stays, and so does that of a command around this one.
func TestLimitMemory(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	a := &app{environ: []string{"GOMEMLIMIT=1GiB"}}
	a.limitMemory(1 << 28)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("GOMEMLIMIT is set, but the limit is %d", got)
	}
	a.environ = nil
	a.limitMemory(1 << 28)
	a.limitMemory(1 << 29)
	if got := debug.SetMemoryLimit(-1); got != 1<<28 {
		t.Errorf("limit is %d, want that of the first", got)
	}
}
