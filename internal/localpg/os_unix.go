//go:build linux || darwin || freebsd || netbsd || openbsd

package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// command prepares a program of the server: as its account, in a session of its own so that signals of our terminal do
// not reach it, and without the PG* variables that are meant for clients. LC_ALL keeps messages in English, and on
// macOS keeps the server from starting a thread, with which it would refuse to run.
func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = "/" // our own folder may be one that the account cannot enter
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PG") && !strings.HasPrefix(v, "LC_ALL=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if c.account.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.account.uid), Gid: uint32(c.account.gid)}
	}
	return cmd
}

// lock waits until no other process starts or stops this cluster.
func (c *Cluster) lock(ctx context.Context) (unlock func(), err error) {
	file := filepath.Join(c.home, "lock")
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock local Postgres: %w", err)
	}
	for err = c.own(file); err == nil; err = pause(ctx) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // which unlocks
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	return nil, fmt.Errorf("lock local Postgres: %w", errors.Join(err, f.Close()))
}

// owner returns who a file or folder belongs to, without following a symbolic link.
func owner(path string) (uid, gid int, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("read owner of %s: unknown to this system", path)
	}
	return int(st.Uid), int(st.Gid), nil
}

func send(pid int, sig syscall.Signal) error { return syscall.Kill(pid, sig) }

// alive reports whether a process runs. One that has ended but was not collected by its parent does not: the first
// process of a container often never does.
func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return true // no /proc here, or it ended just now: the next look tells
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// serves reports whether a running process is the server of dataDir and not one that has its old number now. Postgres's
// working folder is its data folder; where that cannot be read, its name has to do.
func serves(pid int, dataDir string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	if cwd, err := os.Readlink(filepath.Join(proc, "cwd")); err == nil {
		return cwd == resolve(dataDir)
	}
	if comm, err := os.ReadFile(filepath.Join(proc, "comm")); err == nil {
		return strings.TrimSpace(string(comm)) == "postgres"
	}
	comm, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || filepath.Base(strings.TrimSpace(string(comm))) == "postgres"
}
