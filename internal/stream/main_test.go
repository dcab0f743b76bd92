package stream_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tapline/tapline/internal/stream"
)

// TestMain runs the tests, or, as the process of one of them, what that one wants.
func TestMain(m *testing.M) {
	if mode := os.Getenv("STREAM_TEST_PROCESS"); mode != "" {
		if err := processes[mode](); err != nil {
			fmt.Fprintln(os.Stderr, mode, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long anything may take before a test gives up; all of it takes seconds at most.
const patience = time.Minute

// open opens a broker that goes with the test.
func open(t *testing.T, o stream.Options) *stream.Broker {
	t.Helper()
	if o.Dir == "" && len(o.URLs) == 0 {
		o.Dir = t.TempDir()
	}
	if o.MinFree == 0 {
		o.MinFree = 1
	}
	b, err := stream.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// eventually waits until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// start starts this test binary as a process of the test, which ends with it, and returns its first line.
func start(t *testing.T, mode string, args []string, env ...string) string {
	t.Helper()
	line, _ := startEnding(t, mode, args, env...)
	return line
}

// startEnding is start of a process that may be ended before the test.
func startEnding(t *testing.T, mode string, args []string, env ...string) (line string, end func()) {
	t.Helper()
	args = append(args, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), "STREAM_TEST_PROCESS="+mode), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // the kernel closes it with this process
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = in.Close()
		_ = cmd.Wait() // how it ended does not matter
	})
	t.Cleanup(end)
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s says nothing: %v", mode, err)
	}
	return strings.TrimSpace(line), end
}

// untilInputEnds waits for the end of the standard input.
func untilInputEnds() { _, _ = bufio.NewReader(os.Stdin).ReadString(0) }
