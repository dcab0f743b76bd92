package cli

import (
	"math"
	"runtime/debug"
)

const (
	// memoryLimit keeps the garbage collector's heap in bounds, so that the process stays below 200 MiB of memory.
	memoryLimit = 140 << 20
	// chunkMemory is how many bytes of heap a load works well with for each byte of --chunk-size. With less the collector
	// runs all the time: with chunks of 48 MiB in 140 MiB of heap a load took 1.6 times as long.
	chunkMemory = 6
)

// loadMemory is the limit in bytes for the heap of a load with chunks of the given size, 0 for the default size.
func loadMemory(chunkBytes int) int64 { return max(memoryLimit, chunkMemory*int64(chunkBytes)) }

// limitMemory sets a limit in bytes for the heap, unless somebody else has: GOMEMLIMIT, or a command around this one.
func (a *app) limitMemory(bytes int64) {
	if a.env("GOMEMLIMIT") == "" && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(bytes)
	}
}
