package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// programPath is where the program is: in a test that empties PATH nobody would find it.
func programPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("tapline")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs the program, or another one, to its end.
func run(t *testing.T, stdin, program string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := start(t, program, env, args...)
	p.cmd.Stdin = strings.NewReader(stdin)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	code = p.wait(t)
	return code, p.stdout.String(), p.stderr.String()
}

// TestNoPostgres runs the program where neither a server is named nor Postgres installed: it says how to install it and
// that there is another way, and leaves nothing behind.
func TestNoPostgres(t *testing.T) {
	t.Parallel()
	program, dir := programPath(t), t.TempDir()
	file := filepath.Join(dir, "events.ndjson")
	if err := os.WriteFile(file, []byte(purchases(3)), 0o644); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	env := []string{"PATH=", "HOME=" + dir, "XDG_DATA_HOME=", localpg.SearchVariable + "=" + filepath.Join(dir, "nothing", "*")}
	for want, args := range map[int][]string{
		1: {"load", file, "-s", "Web", "--data-dir", data},
		2: {"doctor", "--data-dir", data},
	} {
		code, stdout, stderr := run(t, "", program, env, args...)
		text := stdout + stderr
		if code != want {
			t.Errorf("%s: exit code %d, want %d: %s", args[0], code, want, text)
		}
		// By what the machine is: apt-get install, dnf install, apk add, pacman -S, zypper install, brew install.
		for _, say := range []string{"no Postgres 13 or newer on this machine", "Install it: ", " postgresql", "--dsn or DATABASE_URL"} {
			if !strings.Contains(text, say) {
				t.Errorf("%s does not say %q: %s", args[0], say, text)
			}
		}
		if strings.Contains(text, "panic") || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%s: %s", args[0], text)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data folder is there: %v", err)
	}
	// The other way out.
	dsn := pgtest.NewServer(t, nil).DSN(localpg.Database)
	code, stdout, stderr := run(t, "", program, append(env, "DATABASE_URL="+dsn), "load", file, "-s", "Web")
	if code != 0 || !strings.Contains(stdout, "Loaded 3 events") {
		t.Errorf("with a DSN: exit code %d: %s%s", code, stdout, stderr)
	}
}

// limited runs the program in a shell in which no process can write files larger than so many KiB: what a full disk
// does to a file, where tests may not mount a small one.
func limited(t *testing.T, kib int, stdin string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	// POSIX counts blocks of 512 bytes.
	script := fmt.Sprintf(`ulimit -f %d && exec "$0" "$@"`, 2*kib)
	return run(t, stdin, "/bin/sh", append(env, "POSIXLY_CORRECT=1"), append([]string{"-c", script, programPath(t)}, args...)...)
}

// TestSpoolFull: the standard input does not fit into the temporary folder.
func TestSpoolFull(t *testing.T) {
	t.Parallel()
	dsn := pgtest.NewServer(t, nil).DSN(localpg.Database)
	env, temp := []string{"DATABASE_URL=" + dsn}, t.TempDir()
	args := []string{"load", "-", "-s", "Web", "--temp-dir", temp}
	code, stdout, stderr := limited(t, 100, purchases(10_000), env, args...)
	text := stdout + stderr
	if code != 1 || !strings.Contains(text, "spool standard input: write "+temp) || !strings.Contains(text, "file too large") {
		t.Errorf("exit code %d: %s", code, text)
	}
	pool := pgtest.PoolAt(t, dsn)
	if pgtest.Value[bool](t, pool, "select to_regclass('web.purchase_made') is not null") {
		t.Error("the table of what was not loaded is there")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
	if code, stdout, stderr := run(t, purchases(10_000), programPath(t), env, args...); code != 0 || !strings.Contains(stdout, "Loaded 10,000 events") {
		t.Errorf("with room: exit code %d: %s%s", code, stdout, stderr)
	}
}

// TestServerFull: the private Postgres cannot make its files any longer while a file is loaded. Nothing of the file is
// visible, what was there before is, and with room it loads.
func TestServerFull(t *testing.T) {
	t.Parallel()
	dir := pgtest.NewDir(t)
	data, few, many := filepath.Join(dir, "data"), filepath.Join(dir, "few.ndjson"), filepath.Join(dir, "many.ndjson")
	// Long texts, yet too short for Postgres to compress: 45 MiB in one table.
	large := strings.ReplaceAll(purchases(30_000), `"amount":5`, `"note":"`+strings.Repeat("0123456789", 150)+`"`)
	for name, content := range map[string]string{
		few: strings.ReplaceAll(purchases(10), `"messageId":"p`, `"messageId":"q`), many: large,
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stop := func() {
		if code, stdout, stderr := run(t, "", programPath(t), nil, "postgres", "stop", "--data-dir", data); code != 0 {
			t.Errorf("stop: exit code %d: %s%s", code, stdout, stderr)
		}
	}
	defer stop()
	const room = 32 << 10 // KiB: two segments of the write-ahead log
	if code, stdout, stderr := limited(t, room, "", nil, "load", few, "-s", "Web", "--data-dir", data); code != 0 {
		t.Fatalf("first load: exit code %d: %s%s", code, stdout, stderr)
	}
	load := []string{"load", many, "-s", "Web", "--data-dir", data}
	code, stdout, stderr := run(t, "", programPath(t), nil, load...)
	if code != 1 || !strings.Contains(stdout+stderr, "could not extend file") || !strings.Contains(stdout+stderr, many) {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	count := []string{"psql", "-s", "Web", "--data-dir", data, "--", "-Atc", "select count(*) from purchase_made"}
	if _, stdout, stderr := run(t, "", programPath(t), nil, count...); strings.TrimSpace(stdout) != "10" {
		t.Errorf("rows after the failure: %s%s", stdout, stderr)
	}
	stop()
	if code, stdout, stderr := run(t, "", programPath(t), nil, load...); code != 0 || !strings.Contains(stdout, "Loaded 30,000 events") {
		t.Errorf("with room: exit code %d: %s%s", code, stdout, stderr)
	}
	if _, stdout, stderr := run(t, "", programPath(t), nil, count...); strings.TrimSpace(stdout) != "30010" {
		t.Errorf("rows in the end: %s%s", stdout, stderr)
	}
}
