package localpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// postmaster is what a running server says of itself in its postmaster.pid.
type postmaster struct {
	pid   int
	ready bool
}

// readPostmaster reads postmaster.pid: the process number in line 1, the status in line 8.
func readPostmaster(dataDir string) (postmaster, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return postmaster{}, fmt.Errorf("read postmaster.pid: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return postmaster{}, fmt.Errorf("read postmaster.pid: %w", err)
	}
	if pid <= 0 {
		// To send a signal to such a number is to send it to a group of processes, or to all. Postgres writes its own
		// negated when it runs without a server, as pg_upgrade and people who repair a cluster make it.
		return postmaster{}, fmt.Errorf("read postmaster.pid: %d is no server", pid)
	}
	return postmaster{pid: pid, ready: len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"}, nil
}

// running reports whether the server runs. If it does not but left a postmaster.pid behind, that is returned too. A file
// with nothing to read in it counts as none: Postgres itself judges what that means.
func (c *Cluster) running() (postmaster, bool, error) {
	pm, err := readPostmaster(c.dataDir())
	if err == nil {
		return pm, alive(pm.pid) && serves(pm.pid, c.dataDir()), nil
	}
	if errors.Is(err, os.ErrPermission) {
		return postmaster{}, false, fmt.Errorf("%w: run as %s or as root", err, c.account.name)
	}
	return postmaster{}, false, nil
}
