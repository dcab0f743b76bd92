package door_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
)

const nickname = "Door Test"

// bench is one database, one folder of data and whatever program runs on them.
type bench struct {
	t        *testing.T
	binary   string
	dsn, dir string
	key      string // shown by the first program
	traced   string // where strace writes what the program does; empty without strace
	env      []string
	args     []string
}

// program is one that runs.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	done chan struct{}
	log  logBuffer
}

// logBuffer may be written to by a process while it is read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start starts the program and waits until it takes events, or has ended: then it has no url.
func (b *bench) start(env ...string) *program {
	b.t.Helper()
	p := &program{t: b.t, done: make(chan struct{})}
	command := []string{
		b.binary, "serve", "--source", nickname, "--dsn", b.dsn, "--data-dir", b.dir, "--listen", "127.0.0.1:0",
		"--admin-listen", "off", "--load-every", "100ms", "--json",
	}
	command = append(command, b.args...)
	if b.traced != "" {
		command = append([]string{"strace", "-f", "-y", "-s", "32", "-o", b.traced, "-e", "trace=fsync,fdatasync,write,writev"}, command...)
	}
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Env = append(append(os.Environ(), b.env...), env...)
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	ready := make(chan struct{})
	go func() {
		defer close(p.done)
		var said struct {
			URL string `json:"url"`
			New *struct {
				Key string `json:"write_key"`
			} `json:"new_key"`
		}
		_ = json.NewDecoder(out).Decode(&said) // a program that ended says nothing
		if said.New != nil {
			b.key = said.New.Key
		}
		p.url = said.URL
		close(ready)
		_, _ = io.Copy(io.Discard, out)
		_ = p.cmd.Wait() // how it ended is asked of ProcessState
	}()
	b.t.Cleanup(func() {
		p.kill()
		if b.t.Failed() {
			b.t.Logf("log of the program:\n%s", p.log.String())
		}
	})
	<-ready
	return p
}

// mustStart is start of a program that has to take events.
func (b *bench) mustStart() *program {
	b.t.Helper()
	p := b.start()
	if p.url == "" {
		<-p.done
		b.t.Fatalf("the program ended:\n%s", p.log.String())
	}
	return p
}

// kill ends it as kill -9 does.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// stop asks it to end, and checks that it does so in order.
func (p *program) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("the program ended with code %d:\n%s", code, p.log.String())
	}
}
