// Package door_test kills and stops the program that takes events over HTTP, and checks that what it has answered 200 is
// there once.
package door_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/pgtest"
)

// shared are the programs that the tests have built, by their tags.
var shared struct {
	mu       sync.Mutex
	dir      string
	binaries map[string]string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "door")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared.dir, shared.binaries = dir, map[string]string{}
	pgtest.Main(removing{m, dir})
}

// removing removes a folder after the tests.
type removing struct {
	m   *testing.M
	dir string
}

func (r removing) Run() int {
	code := r.m.Run()
	_ = os.RemoveAll(r.dir) // a folder for temporary files
	return code
}

// Builds: the sound one, and those that are broken on purpose.
const (
	sound        = "failpoint"
	brokenAck    = "failpoint,broken_ack"    // frames are acknowledged before they are committed
	brokenAnswer = "failpoint,broken_answer" // requests are answered before they are acknowledged
	brokenSync   = "failpoint,broken_sync"   // the streams' server syncs when it likes
)

// build returns the path of the program with these build tags.
func build(t *testing.T, tags string) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if path, ok := shared.binaries[tags]; ok {
		return path
	}
	path := filepath.Join(shared.dir, fmt.Sprintf("program%d", len(shared.binaries)))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", tags, "-o", path, "../../../cmd/tapline")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with %s: %v\n%s", tags, err, out)
	}
	shared.binaries[tags] = path
	return path
}

// patience is how long anything may take before a test gives up; all of it takes seconds at most.
const patience = 3 * time.Minute

// eventually waits until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	if err := within(t.Context(), patience, check); err != nil {
		t.Fatal(err)
	}
}

// within waits, but not for ever, until check returns nil, and else returns its last error.
func within(ctx context.Context, limit time.Duration, check func() error) (err error) {
	for end := time.Now().Add(limit); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if err = check(); err == nil {
			return nil
		}
	}
	return err
}
