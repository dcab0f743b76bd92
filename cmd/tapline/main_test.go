package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// testscript.Main makes this test binary the programs "tapline" and "tapline-test-sink" in PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tapline": main, "tapline-test-sink": sinkMain})
}

// noServer takes the variables that name a server out of an environment.
func noServer(environ []string) []string {
	var out []string
	for _, entry := range environ {
		if !strings.HasPrefix(entry, "PG") && !strings.HasPrefix(entry, "DATABASE_URL=") {
			out = append(out, entry)
		}
	}
	return out
}

// TestScripts runs the program as people do: a process, with a private Postgres of its own in a folder with a space.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Vars = noServer(env.Vars)
			env.Setenv("DATA", filepath.Join(pgtest.NewDir(t), "my data"))
			return nil
		},
	})
}

// purchases are n events, the i-th with the id "p<i>".
func purchases(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`{"type":"track","messageId":"p` + strconv.Itoa(i) + `","event":"Purchase Made","userId":"u1","timestamp":"2026-01-15T10:00:00Z","properties":{"amount":5}}` + "\n")
	}
	return b.String()
}

// process is the program at work.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr strings.Builder
}

func start(t *testing.T, program string, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), program, args...)}
	p.cmd.Env = append(noServer(os.Environ()), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	return p
}

// wait returns the exit code.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// until polls, because nothing tells a test that a session of Postgres begins to wait.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 12_000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited two minutes until %s", what)
}

// TestInterrupt sends a Ctrl-C while the second file is being copied: its COPY waits for a row that somebody else has
// inserted and not committed.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn := server.DSN(localpg.Database)
	pool := pgtest.PoolAt(t, dsn)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.ndjson": strings.ReplaceAll(purchases(10), `"messageId":"p`, `"messageId":"q`), "b.ndjson": purchases(20_000),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"DATABASE_URL=" + dsn}
	p := start(t, "tapline", env, "load", filepath.Join(dir, "a.ndjson"), "-s", "Web")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }() // a pool waits for its connections
	pgtest.Exec(t, tx, "insert into web.purchase_made (id) values ('p500')")

	p = start(t, "tapline", env, "load", dir, "-s", "Web")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the COPY waits for the row", func() bool {
		return pgtest.Value[int64](t, pool, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' "+
			"and query like '%; copy %' and pid <> pg_backend_pid()") > 0
	})
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(t); code != 1 || !strings.Contains(p.stderr.String(), "interrupted: the open file was rolled back") {
		t.Errorf("exit code %d, stderr: %s", code, p.stderr.String())
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	const count = "select count(*) from web.purchase_made"
	if n := pgtest.Value[int64](t, pool, count); n != 10 {
		t.Errorf("%d rows after the interrupt, want the 10 of the first file", n)
	}
	p = start(t, "tapline", env, "load", dir, "-s", "Web")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(t); code != 0 || !strings.Contains(p.stdout.String(), "1 file skipped") {
		t.Errorf("exit code %d: %s", code, p.stdout.String())
	}
	if n := pgtest.Value[int64](t, pool, count); n != 20_010 {
		t.Errorf("%d rows in the end", n)
	}
}

// TestOrdinaryAccount runs the program with a private Postgres as somebody who is not root.
func TestOrdinaryAccount(t *testing.T) {
	t.Parallel()
	dir := pgtest.NewDir(t)
	program := "tapline"
	home := filepath.Join(dir, "a home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, "events.ndjson")
	if err := os.WriteFile(file, []byte(purchases(30)), 0o644); err != nil {
		t.Fatal(err)
	}
	var credential *syscall.Credential
	if os.Geteuid() == 0 {
		const nobody = 65534
		credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		program = filepath.Join(dir, "tapline")
		copyProgram(t, program)
		for _, path := range []string{home, file} {
			if err := os.Chown(path, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	run := func(args ...string) string {
		p := start(t, program, []string{"HOME=" + home, "XDG_DATA_HOME="}, args...)
		p.cmd.Dir = home
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if code := p.wait(t); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, p.stderr.String())
		}
		return p.stdout.String()
	}
	if out := run("load", "events.ndjson", "-s", "Web"); !strings.Contains(out, "Loaded 30 events") {
		t.Errorf("load: %s", out)
	}
	if out := run("postgres", "status"); !strings.Contains(out, "is running") || !strings.Contains(out, home+"/.local/share/tapline") {
		t.Errorf("status: %s", out)
	}
	if out := run("psql", "-s", "Web", "--", "-Atc", "select count(*) from purchase_made"); strings.TrimSpace(out) != "30" {
		t.Errorf("psql: %s", out)
	}
	run("postgres", "stop")
}

// copyProgram copies the program to where other accounts can run it.
func copyProgram(t *testing.T, to string) {
	t.Helper()
	from, err := exec.LookPath("tapline")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.WriteProgram(t, to, content)
}
