package pgtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// Dir is a folder for servers. When it is removed, or when this process ends in whatever way, the servers in it are ended
// like in a crash and the folder is deleted.
type Dir struct {
	Path  string
	stdin io.Closer
	guard *exec.Cmd
}

// guardScript waits until its input ends, which the kernel sees to even if this process is killed. Process numbers are
// read only then, so servers may come and go meanwhile; one that is no longer a postgres is left alone. It waits up to 10
// seconds for the servers, since what they still write would keep the folder from being deleted.
const guardScript = `cat >/dev/null
for pid in $(find "$0" -name postmaster.pid -exec head -n 1 {} \;); do
	if [ ! -e /proc/self ] || [ "$(cat "/proc/$pid/comm")" = postgres ]; then kill -QUIT "$pid"; fi
done
n=0
while [ $n -lt 200 ] && [ -n "$(find "$0" -name postmaster.pid)" ]; do sleep 0.05; n=$((n+1)); done
rm -rf "$0" || { sleep 1; rm -rf "$0"; }`

// newDir makes a Dir. Its path is short, because those of unix sockets are limited, and every account can pass it: the
// server of root runs as another one. $TMPDIR often is neither.
func newDir() (*Dir, error) {
	path, err := os.MkdirTemp("/tmp", fmt.Sprintf("pgtest-%d-", os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	d := &Dir{Path: path, guard: exec.Command("/bin/sh", "-c", guardScript, path)}
	d.guard.SysProcAttr = ownSession() // a Ctrl-C must reach us first
	d.guard.Dir = "/"
	if d.stdin, err = d.guard.StdinPipe(); err == nil {
		err = d.guard.Start()
	}
	if err == nil {
		err = os.Chmod(path, 0o755)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make folder: %w", err), os.RemoveAll(path))
	}
	return d, nil
}

// NewDir makes a Dir that goes with the test, and returns its path.
func NewDir(t testing.TB) string {
	t.Helper()
	d, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Remove(); err != nil {
			t.Error(err)
		}
	})
	return d.Path
}

// Remove ends the servers in the folder, waits for that, and deletes it.
func (d *Dir) Remove() error {
	if err := errors.Join(d.stdin.Close(), d.guard.Wait()); err != nil {
		return fmt.Errorf("remove %s: %w", d.Path, err)
	}
	return nil
}
