package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Mode is how to stop a server.
type Mode string

// Fast disconnects clients and rolls their transactions back; Smart waits for clients to go; Immediate ends the server
// like a crash, so that the next start recovers from the log.
const (
	Fast      Mode = "fast"
	Smart     Mode = "smart"
	Immediate Mode = "immediate"
)

func (m Mode) signal() (syscall.Signal, error) {
	switch m {
	case Fast:
		return syscall.SIGINT, nil
	case Smart:
		return syscall.SIGTERM, nil
	case Immediate:
		return syscall.SIGQUIT, nil
	}
	return 0, fmt.Errorf("stop Postgres: unknown mode %q, not fast, smart or immediate", m)
}

// Stop ends the server and waits until it has ended. A server that does not run is no error.
func (c *Cluster) Stop(ctx context.Context, mode Mode) error {
	sig, err := mode.signal()
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.home); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	pm, running, err := c.running()
	if err != nil || !running {
		return err
	}
	if err := send(pm.pid, sig); err != nil {
		return fmt.Errorf("stop Postgres: %w", err)
	}
	for alive(pm.pid) {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("stop Postgres: it is still stopping: %w", err)
		}
	}
	return nil
}
