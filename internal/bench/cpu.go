package bench

import (
	"bytes"
	"os"
	"strconv"
)

// ticks is how many of /proc's units of CPU time a second has, on every Linux that Go runs on.
const ticks = 100

// processCPU is the CPU time of this process in seconds; 0 where /proc does not tell.
func processCPU() float64 { return cpuOf("self") }

// cpuOf is processCPU of another process.
func cpuOf(pid string) float64 {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // the name before may hold spaces
	fields := bytes.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, err := strconv.ParseFloat(string(fields[11]), 64)
	if err != nil {
		return 0
	}
	system, err := strconv.ParseFloat(string(fields[12]), 64)
	if err != nil {
		return 0
	}
	return (user + system) / ticks
}
