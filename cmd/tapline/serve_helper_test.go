package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/pgtest"
)

// locked is a buffer that a process writes and a test reads.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serving is tapline serve, or worker, in a process of its own.
type serving struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    locked // stdout
	log    locked
	exited chan struct{}

	URL    string
	Admin  string
	Stream string `json:"stream_url"`
	NewKey struct {
		WriteKey string `json:"write_key"`
	} `json:"new_key"`
}

// launch starts it on free ports and waits until it says that it takes events.
func launch(t *testing.T, env []string, args ...string) *serving {
	t.Helper()
	s := begin(t, env, args...)
	until(t, "the process says where it listens", func() bool {
		return json.Unmarshal([]byte(s.out.String()), s) == nil || s.ended()
	})
	if s.ended() {
		t.Fatalf("it ended: %s%s", s.out.String(), s.log.String())
	}
	return s
}

// begin starts it without waiting.
func begin(t *testing.T, env []string, args ...string) *serving {
	t.Helper()
	s := &serving{t: t, exited: make(chan struct{})}
	args = append(args, "--admin-listen", "127.0.0.1:0", "--json", "--log-level", "info")
	if args[0] == "serve" {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	s.cmd = exec.Command("tapline", args...) //nolint:noctx // a test that ends early kills it below
	s.cmd.Env = append(noServer(os.Environ()), env...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // tests look at ProcessState
		close(s.exited)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.exited
		if t.Failed() {
			t.Logf("log of %v:\n%s", args, s.log.String())
		}
	})
	return s
}

func (s *serving) ended() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// stop sends SIGTERM and wants a clean end.
func (s *serving) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	s.wait(0)
}

func (s *serving) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *serving) wait(code int) {
	s.t.Helper()
	until(s.t, "the process ends", s.ended)
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d, want %d: %s", got, code, s.log.String())
	}
}

// post sends a body with a key and returns status and answer.
func (s *serving) post(key, path, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth(key, "")
	return do(s.t, http.DefaultClient, req)
}

func do(t *testing.T, client *http.Client, req *http.Request) (int, string) {
	t.Helper()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

const taken = `{"success":true}`

// send is post that has to be answered 200.
func (s *serving) send(key, path, body string) {
	s.t.Helper()
	if status, answer := s.post(key, path, body); status != http.StatusOK || answer != taken {
		s.t.Fatalf("%s: %d %s", path, status, answer)
	}
}

// get reads a page of the admin listener; "" if it does not answer any more.
func (s *serving) get(path string) (int, string) {
	res, err := http.Get(s.Admin + path) //nolint:noctx // on loopback, and ended with the process
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// metric is the value of a metric's line, by how it begins.
func (s *serving) metric(line string) string {
	_, text := s.get("/metrics")
	for l := range strings.SplitSeq(text, "\n") {
		if value, ok := strings.CutPrefix(l, line+" "); ok {
			return value
		}
	}
	return ""
}

// batch are n events in one body, the i-th with the id "<prefix><i>".
func batch(prefix string, n int) string {
	var b strings.Builder
	b.WriteString(`{"batch":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"track","messageId":"%s%d","event":"Purchase Made","userId":"u1","properties":{"amount":%d}}`, prefix, i, i)
	}
	b.WriteString(`]}`)
	return b.String()
}

// rows waits until a table has n rows, and wants as many different ids.
func rows(t *testing.T, dsn, table string, n int64) {
	t.Helper()
	pool := pgtest.PoolAt(t, dsn)
	count := func(what string) (got int64) {
		if pgtest.Value[bool](t, pool, "select to_regclass('"+table+"') is not null") {
			got = pgtest.Value[int64](t, pool, "select count("+what+") from "+table)
		}
		return got
	}
	until(t, fmt.Sprintf("%s has %d rows", table, n), func() bool { return count("*") >= n })
	if got, ids := count("*"), count("distinct id"); got != n || ids != n {
		t.Errorf("%s has %d rows and %d ids, want %d", table, got, ids, n)
	}
}

// folder is a place for the stream of a test.
func folder(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "data")
}

// patient has no time-outs of its own: tests wait for conditions.
var patient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
