//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package localpg

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
)

// On other systems Open returns errUnsupported, so that none of the rest is reached.
var errUnsupported = errors.New("a local Postgres is not available on this system: give the DSN of a Postgres")

func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...)
}

func (c *Cluster) lock(context.Context) (func(), error) { return nil, errUnsupported }
func owner(string) (uid, gid int, err error)            { return 0, 0, errUnsupported }
func send(int, syscall.Signal) error                    { return errUnsupported }
func alive(int) bool                                    { return false }
func serves(int, string) bool                           { return false }
