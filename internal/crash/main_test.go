// Package crash_test proves that every event is loaded exactly once and every file whole or not at all, whatever dies:
// it kills real loaders and real servers at chosen and at random points, and compares what is in the tables afterwards
// with what one undisturbed run leaves there. Builds that are broken on purpose prove that it would notice.
package crash_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/pgtest"
)

// seedVariable gives the seed of a run that is to be repeated.
const seedVariable = "TAPLINE_CRASH_SEED"

// shared is what all tests of the package use: building the loader takes seconds. It is package state because a test
// binary has no other place that all its tests can reach.
var shared struct {
	dir  string
	seed uint64

	mu       sync.Mutex
	binaries map[string]string // by build tags and package
	clean    map[string]state  // by the name of the input
	inputs   map[string][]string
}

func TestMain(m *testing.M) { pgtest.Main(suite{m}) }

// suite surrounds the tests with a folder of theirs.
type suite struct{ m *testing.M }

// Run implements the interface that pgtest.Main wants.
func (s suite) Run() int {
	dir, err := os.MkdirTemp("", "crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared.dir, shared.seed = dir, uint64(time.Now().UnixNano())
	shared.binaries, shared.clean, shared.inputs = map[string]string{}, map[string]state{}, map[string][]string{}
	if text := os.Getenv(seedVariable); text != "" {
		if shared.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			fmt.Fprintln(os.Stderr, "crash: read", seedVariable, err)
			return 1
		}
	}
	return s.m.Run()
}

// random returns this test's own random numbers and tells how to get the same again.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	t.Logf("%s=%d repeats the schedule", seedVariable, shared.seed)
	return rand.New(rand.NewPCG(shared.seed, 0))
}

// Builds of the loader. All have the failpoints.
const (
	sound        = "failpoint"
	brokenLedger = "failpoint,broken_ledger" // the ledger's row is written after the commit
	brokenUnits  = "failpoint,broken_units"  // units are not claimed
	brokenKey    = "failpoint,broken_key"    // tables without primary key
)

// build returns the path of crashload with these build tags.
func build(t *testing.T, tags string) string {
	t.Helper()
	return buildPackage(t, tags, "./crashload")
}

// buildPackage returns the path of a program with these build tags.
func buildPackage(t *testing.T, tags, pkg string) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if path, ok := shared.binaries[tags+" "+pkg]; ok {
		return path
	}
	path := filepath.Join(shared.dir, fmt.Sprintf("program%d", len(shared.binaries)))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", tags, "-o", path, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with %s: %v\n%s", tags, err, out)
	}
	shared.binaries[tags+" "+pkg] = path
	return path
}
