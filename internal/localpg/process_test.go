package localpg_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// Two processes start the same new cluster at once and end. One server must come of it, and stay.
func TestConcurrentStartFromTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.NewDir(t), "data")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var pids [2]string
	var wg sync.WaitGroup
	for i := range pids {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), startFolder+"="+dir)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("start: %v: %s", err, out)
			}
			// What a Ctrl-C would reach: nobody may be left in the group of the process that started the server.
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("signal the starter's group: %v, want %v", err, syscall.ESRCH)
			}
			pids[i] = string(out)
		})
	}
	wg.Wait()
	c := open(t, dir, options())
	st := status(t, c)
	if !st.Running || pids[0] != pids[1] || pids[0] != strconv.Itoa(st.PID) {
		t.Fatalf("servers %q, status %+v: want one and the same", pids, st)
	}
	if got := query(t, c.DSN(localpg.Database), "select 1"); got != "1" {
		t.Errorf("select 1: %s", got)
	}
}

// The server is killed in the middle of somebody's long statement, whose process lives on.
func TestKilledWhileAtWork(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.NewDir(t), options())
	st := start(t, c)
	query(t, c.DSN(localpg.Database), "create table kept as select 42 as n")
	conn, err := pgx.Connect(t.Context(), c.DSN(localpg.Database))
	if err != nil {
		t.Fatal(err)
	}
	busy := make(chan error, 1)
	go func() {
		// One that works: a process that sleeps or waits notices the end of its server.
		_, err := conn.Exec(context.Background(), "select count(*) from generate_series(1, 1000000000000)")
		busy <- errors.Join(err, conn.Close(context.Background()))
	}()
	active := "select count(*) from pg_stat_activity where state = 'active' and pid = " + strconv.Itoa(int(conn.PgConn().PID()))
	for query(t, c.DSN(localpg.Database), active) != "1" {
		time.Sleep(time.Millisecond)
	}
	if err := syscall.Kill(st.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for status(t, c).Running {
		time.Sleep(time.Millisecond)
	}
	start(t, c)
	if err := <-busy; err == nil {
		t.Error("the statement of before the kill has ended well")
	}
	if got := query(t, c.DSN(localpg.Database), "select n from kept"); got != "42" {
		t.Errorf("kept is %q, want 42", got)
	}
}

// The server is killed, and its number in postmaster.pid belongs to another process of the same account, as after a
// reboot or in a new container.
func TestStalePostmasterPID(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.NewDir(t), options())
	st := start(t, c)
	query(t, c.DSN(localpg.Database), "create table kept as select 42 as n")
	file := filepath.Join(st.DataDir, "postmaster.pid")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, c, localpg.Immediate)

	cmd := exec.CommandContext(t.Context(), "cat")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(c)}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(stdin.Close(), cmd.Wait()) }()
	_, rest, _ := strings.Cut(string(text), "\n")
	stale := strconv.Itoa(cmd.Process.Pid) + "\n" + rest
	if err := os.WriteFile(file, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		uid, gid := c.Account()
		if err := os.Chown(file, uid, gid); err != nil {
			t.Fatal(err)
		}
	}

	if st := status(t, c); st.Running {
		t.Errorf("status takes process %d for the server", st.PID)
	}
	stop(t, c, localpg.Immediate)
	if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("stop ended the wrong process: %v", err)
	}
	start(t, c)
	if got := query(t, c.DSN(localpg.Database), "select n from kept"); got != "42" {
		t.Errorf("kept is %q, want 42", got)
	}
}

// A number in postmaster.pid that is not positive stands for a group of processes, or for all of them, when a signal is sent
// to it. Postgres writes one when it runs without a server.
func TestPostmasterPIDThatIsNoProcess(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.NewDir(t), options())
	st := start(t, c)
	stop(t, c, localpg.Fast)
	cmd := exec.CommandContext(t.Context(), "cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(st.DataDir, "postmaster.pid")
	for _, pid := range []int{0, -1, -cmd.Process.Pid} {
		if err := os.WriteFile(file, []byte(strconv.Itoa(pid)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if st := status(t, c); st.Running {
			t.Errorf("status takes process %d for the server", pid)
		}
	}
	stop(t, c, localpg.Immediate) // as the file is now, of the group of cat
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(stdin.Close(), cmd.Wait()); err != nil {
		t.Errorf("stop ended another process: %v", err)
	}
}

// credential is the account of the server for a process, nil if that is our own.
func credential(c *localpg.Cluster) *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid := c.Account()
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// As root the tests above run the server as another account; here an ordinary account does it all by itself. A program
// in the folder of "go test" is out of its reach, so it gets a copy.
func TestOrdinaryAccount(t *testing.T) {
	t.Parallel()
	dir := pgtest.NewDir(t)
	self := copySelf(t, dir)
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	var as *syscall.Credential
	if os.Geteuid() == 0 {
		const nobody = 65534
		as = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(home, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	pid := run(t, as, []string{startFolder + "=" + home}, self)
	c := open(t, home, options())
	st := status(t, c)
	if !st.Running || strconv.Itoa(st.PID) != pid {
		t.Fatalf("status %+v, want pid %s", st, pid)
	}
	if as == nil {
		return
	}
	// Root meets the cluster of an ordinary account: it can use it, and everything stays theirs.
	stop(t, c, localpg.Fast)
	start(t, c)
	query(t, c.DSN(localpg.Database), "select 1")
	stop(t, c, localpg.Fast)
	if again := run(t, as, []string{startFolder + "=" + home}, self); again == pid || again == "" {
		t.Errorf("start as nobody after root: pid %q", again)
	}
}

func copySelf(t *testing.T, dir string) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "localpg.test")
	pgtest.WriteProgram(t, name, content)
	return name
}
