package bench

import (
	"bytes"
	"os"
	"strconv"
)

// MaxRSS returns the largest resident size that this process has had, in bytes: VmHWM of /proc/self/status. It is 0
// where there is no such file. What wait4 reports of a child is of no use here: it counts the parent's pages too, from
// before the exec.
func MaxRSS() int64 { return maxRSSOf("self") }

// maxRSSOf is MaxRSS of a process that runs.
func maxRSSOf(pid string) int64 {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
