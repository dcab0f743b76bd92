package crash_test

import (
	"bufio"
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// nickname and schemaName are the source's.
const (
	nickname   = "Crash Test"
	schemaName = "crash_test"
)

// chunkBytes makes dozens of chunks of a file.
const chunkBytes = 192 << 10

// patience is how long anything may take before a test gives up; all of it takes seconds at most.
const patience = 2 * time.Minute

// lease is how long the units of a killed program stay its own.
const lease = 2 * time.Second

// job says how to run a loader.
type job struct {
	binary, dsn, failpoint string
	paths                  []string
	workers                int  // units loaded side by side; 0 is 1
	program                bool // binary is tapline itself, which does not tell what it opens
	group                  bool // small files share transactions
	share                  bool // with other programs
	down                   bool // it takes all migrations back instead
}

// args is the command line.
func (j job) args(dsn string) []string {
	chunk := strconv.Itoa(chunkBytes)
	if j.program {
		args := []string{"load", "--dsn", dsn, "--source", nickname, "--chunk-size", chunk, "--log-level", "info"}
		if j.share {
			args = append(args, "--share", "--lease", lease.String(), "--json")
		}
		return append(args, j.paths...)
	}
	if j.down {
		return []string{"-dsn", dsn, "-source", nickname, "-down"}
	}
	args := []string{"-dsn", dsn, "-source", nickname, "-chunk", chunk, "-attempts", "30", "-workers", strconv.Itoa(max(1, j.workers))}
	if j.group {
		args = append(args, "-group")
	}
	return append(args, j.paths...)
}

// process is a loader that runs.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	tag  string // its application_name in Postgres
	done chan struct{}
	next chan struct{} // a line came
	out  logBuffer     // its standard error

	mu               sync.Mutex
	opened, reported []string
	rows             string // as the loader reports them at its end
	said             strings.Builder
}

// start starts a loader. It is killed with the test at the latest.
func start(t *testing.T, j job) *process {
	t.Helper()
	u, err := url.Parse(j.dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, done: make(chan struct{}), next: make(chan struct{}, 1)}
	p.tag = "crashload-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	query := u.Query()
	query.Set("application_name", p.tag)
	u.RawQuery = query.Encode()
	p.cmd = exec.Command(j.binary, j.args(u.String())...)
	p.cmd.Env = append(os.Environ(), "TAPLINE_FAILPOINT="+j.failpoint)
	p.cmd.Stderr = &p.out
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatalf("start loader: %v", err)
	}
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.read(lines.Text())
		}
		_ = p.cmd.Wait() // how it ended is asked of ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // mostly it has ended already
		<-p.done
	})
	return p
}

func (p *process) read(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said.WriteString(line + "\n")
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "open":
		p.opened = append(p.opened, rest)
	case "reported":
		p.reported = append(p.reported, rest)
	case "done":
		p.rows = rest
	}
	select {
	case p.next <- struct{}{}:
	default:
	}
}

// open waits until the loader reads its n-th unit, and returns false if it ended before.
func (p *process) open(n int) bool {
	p.t.Helper()
	limit := time.After(patience)
	for {
		p.mu.Lock()
		units := distinct(p.opened)
		p.mu.Unlock()
		if len(units) >= n {
			return true
		}
		select {
		case <-p.next:
		case <-p.done:
			return false
		case <-limit:
			p.t.Fatalf("the loader opens no file\n%s", p.log())
		}
	}
}

// unreported are the units that were opened and of which the loader has not said that they are in.
func (p *process) unreported() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(distinct(p.opened), func(u string) bool {
		return slices.Contains(p.reported, u)
	})
}

// distinct are the names of units: one that starts again is opened again.
func distinct(units []string) []string { return slices.Compact(slices.Sorted(slices.Values(units))) }

func (p *process) log() string {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.out.text.String()
}

// total is how many rows the loader says it has loaded.
func (p *process) total() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rows
}

// logBuffer may be read while a process writes to it.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *logBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

// wait waits for the end of the process.
func (p *process) wait() {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // for the stacks of its goroutines
		<-p.done
		p.t.Fatalf("the loader does not end\n%s", p.log())
	}
}

// quarantined is the exit code of a program that has loaded everything and some of it into quarantine.
const quarantined = 3

// mustFinish waits for the end, which must be a success.
func (p *process) mustFinish() {
	p.t.Helper()
	p.wait()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 && code != quarantined {
		p.t.Fatalf("loader: %v\n%s", p.cmd.ProcessState, p.log())
	}
}

// killed waits for the end and reports whether that was by SIGKILL.
func (p *process) killed() bool {
	p.t.Helper()
	p.wait()
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// signal sends a signal; a process that has ended already does not mind.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }
