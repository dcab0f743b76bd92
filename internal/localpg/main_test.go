package localpg_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// startFolder names the variable that makes the test binary a program that starts the cluster of a folder and ends.
const startFolder = "LOCALPG_TEST_START"

func TestMain(m *testing.M) {
	if dir := os.Getenv(startFolder); dir != "" {
		os.Exit(startAndLeave(dir))
	}
	pgtest.Main(m)
}

// startAndLeave prints the server's process number.
func startAndLeave(dir string) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := localpg.Open(dir, options())
	if err == nil {
		err = c.Start(ctx)
	}
	var st localpg.Status
	if err == nil {
		st, err = c.Status(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(st.PID)
	return 0
}

// options are small and fast; all durability settings are left alone, because tests here crash servers.
func options() localpg.Options {
	return localpg.Options{
		NoSync:   true,
		Settings: map[string]string{"shared_buffers": "16MB", "max_wal_size": "64MB", "max_connections": "20"},
	}
}

func open(t *testing.T, dir string, opts localpg.Options) *localpg.Cluster {
	t.Helper()
	c, err := localpg.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Stop(ctx, localpg.Immediate); err != nil {
			t.Error(err)
		}
		if socket := localpg.SocketDir(c.Home(), uid(c)); filepath.Dir(socket) == "/tmp" {
			os.RemoveAll(socket)
		}
	})
	return c
}

func uid(c *localpg.Cluster) int {
	uid, _ := c.Account()
	return uid
}

func start(t *testing.T, c *localpg.Cluster) localpg.Status {
	t.Helper()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := status(t, c)
	if !st.Running || st.PID == 0 {
		t.Fatalf("status after start: %+v", st)
	}
	return st
}

func status(t *testing.T, c *localpg.Cluster) localpg.Status {
	t.Helper()
	st, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func stop(t *testing.T, c *localpg.Cluster, mode localpg.Mode) {
	t.Helper()
	if err := c.Stop(t.Context(), mode); err != nil {
		t.Fatal(err)
	}
}

// query runs one statement on a connection of its own and returns its first value as text.
func query(t *testing.T, dsn, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := results[len(results)-1]
	if len(last.Rows) == 0 {
		return ""
	}
	return string(last.Rows[0][0])
}

// run runs a program, as the account unless that is ourselves, and returns what it printed.
func run(t *testing.T, as *syscall.Credential, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setpgid: true}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, &stderr)
	}
	return string(out)
}
