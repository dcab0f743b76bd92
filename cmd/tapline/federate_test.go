package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
)

// sinkMain is the program "tapline-test-sink": a destination in a process of its own.
func sinkMain() {
	s := &sink.Sink{Key: os.Getenv("SINK_KEY")}
	if err := s.Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// destination is a sink that runs.
type destination struct {
	t   *testing.T
	url string
}

func newDestination(t *testing.T, key string) *destination {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tapline-test-sink")
	cmd.Env = append(os.Environ(), "SINK_KEY="+key)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return &destination{t, strings.TrimSpace(line)}
}

// ask sends a request that the sink has beside the Tracking API.
func (d *destination) ask(method, path string) string {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: %d, %v", path, answer.StatusCode, err)
	}
	return string(text)
}

// TestFederateKilled forwards with the program to a destination in another process, kills it with SIGKILL while requests are
// on their way, and then with SIGTERM; the next one goes on, and in the end the destination has each row once.
func TestFederateKilled(t *testing.T) {
	t.Parallel()
	const key = "kEy-4711-secret"
	d := newDestination(t, key)
	dsn := pgtest.DSN(t)
	pool := pgtest.PoolAt(t, dsn)
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(purchases(25_000)), 0o644); err != nil {
		t.Fatal(err)
	}
	tapline := func(args ...string) *process {
		t.Helper()
		p := start(t, "tapline", []string{"DATABASE_URL=" + dsn, "KEY=" + key}, args...)
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	must := func(code int, args ...string) *process {
		t.Helper()
		p := tapline(args...)
		if got := p.wait(t); got != code {
			t.Fatalf("tapline %v: exit code %d, want %d\n%s\n%s", args, got, code, p.stdout.String(), p.stderr.String())
		}
		if strings.Contains(p.stdout.String()+p.stderr.String(), key) {
			t.Errorf("tapline %v tells the key", args)
		}
		return p
	}
	must(0, "load", path, "--source", "Web", "--quiet")
	must(0, "destination", "add", "segment", "--source", "Web", "--endpoint", d.url, "--write-key-env", "KEY", "--allow-http", "--allow-private")
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		d.ask(http.MethodPost, "/hold?after=22") // more than a part, so that the cursor has moved, but for the first time
		p := tapline("federate", "--once")
		until(t, "requests are on their way", func() bool { return d.ask(http.MethodGet, "/held") != "0" })
		if err := p.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		code := p.wait(t)
		if signal == syscall.SIGTERM && (code != 1 || !strings.Contains(p.stderr.String(), "interrupted: ")) {
			t.Errorf("after SIGTERM: exit code %d, %s", code, p.stderr.String())
		}
		d.ask(http.MethodPost, "/release")
		at := pgtest.Value[int64](t, pool, "select part_rows from tapline.cursors")
		if at == 0 || at == 25_000 {
			t.Errorf("after %v the cursor is at %d rows", signal, at)
		}
		// The lease of a killed process ends by itself; the test does not wait for that.
		pgtest.Exec(t, pool, "update tapline.cursors set lease_until = now()")
	}
	must(0, "federate", "--once")
	var want []string
	for i := range 25_000 {
		want = append(want, federate.MessageID("Web", "purchase_made", fmt.Sprint("p", i)))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, strings.Split(d.ask(http.MethodGet, "/ids"), "\n")); diff != "" {
		t.Errorf("at the destination (-want +got):\n%.2000s", diff)
	}
	var kept, again, wrong int
	if _, err := fmt.Sscan(d.ask(http.MethodGet, "/kept"), &kept, &again, &wrong); err != nil || wrong != 0 {
		t.Errorf("kept %d, again %d, wrong %d, %v", kept, again, wrong, err)
	}
	var status struct {
		Destinations []struct {
			Delivered int64
			Pending   struct{ Rows int64 }
		}
	}
	if err := json.Unmarshal([]byte(must(0, "destination", "status", "--json").stdout.String()), &status); err != nil {
		t.Fatal(err)
	}
	if len(status.Destinations) != 1 || status.Destinations[0].Delivered != 25_000 || status.Destinations[0].Pending.Rows != 0 {
		t.Errorf("status %+v", status)
	}
}

// TestBenchFederate runs the benchmark with few rows: what it prints is there, and it leaves nothing behind.
func TestBenchFederate(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	p := start(t, "tapline", []string{"DATABASE_URL=" + dsn}, "bench", "--federate", "--events", "3000", "--json")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	var r struct {
		Rows, Loads int64
		Rate        float64 `json:"rows_per_second"`
		MaxRSS      int64   `json:"max_rss_bytes"`
		Looked      float64 `json:"rows_looked_at_per_row"`
	}
	if err := json.Unmarshal([]byte(p.stdout.String()), &r); err != nil || r.Rows != 3000 || r.Loads != 500 || r.Rate <= 0 || r.MaxRSS <= 0 || r.Looked < 1 {
		t.Errorf("%s: %+v, %v", p.stdout.String(), r, err)
	}
	pool := pgtest.PoolAt(t, dsn)
	if left := pgtest.Value[int64](t, pool, `select (select count(*) from tapline.destinations) + (select count(*) from tapline.sources)
		+ (select count(*) from pg_namespace where nspname = 'bench_federate')`); left != 0 {
		t.Errorf("%d things are left", left)
	}
}
