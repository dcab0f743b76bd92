package localpg

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// endLeftBehind ends the processes that a killed server has left at work on its data: as long as one of them lives, Postgres
// refuses to start. They cannot commit anything any more, and end by themselves only when their statement does.
func (c *Cluster) endLeftBehind(ctx context.Context) error {
	for _, pid := range leftBehind(c.dataDir()) {
		c.log.WarnContext(ctx, "ending a process that a killed Postgres has left behind", "pid", pid)
		// An error says that it has just ended, or that Postgres will complain of it.
		_ = send(pid, syscall.SIGTERM)
	}
	for {
		left := leftBehind(c.dataDir())
		if len(left) == 0 {
			return nil
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("start Postgres: it was killed, and its processes %v are still at work in %s: %w", left, c.dataDir(), err)
		}
	}
}

// leftBehind returns the running processes of Postgres whose working folder is dataDir; none where there is no /proc. The
// caller knows that no server runs there.
func leftBehind(dataDir string) (pids []int) {
	programs, _ := filepath.Glob("/proc/[0-9]*/comm") // its one error is a bad pattern
	for _, file := range programs {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || !alive(pid) {
			continue
		}
		comm, err := os.ReadFile(file)
		cwd, cwdErr := os.Readlink(filepath.Join(filepath.Dir(file), "cwd"))
		if err == nil && cwdErr == nil && strings.TrimSpace(string(comm)) == "postgres" && cwd == resolve(dataDir) {
			pids = append(pids, pid)
		}
	}
	return pids
}
