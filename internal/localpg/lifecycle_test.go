package localpg_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

func TestLifecycle(t *testing.T) {
	t.Parallel()
	c := open(t, filepath.Join(pgtest.NewDir(t), "new", "data"), options())
	if st := status(t, c); st.Running || st.Port != 0 || st.DSN != "" {
		t.Errorf("before the first start: %+v", st)
	}
	stop(t, c, localpg.Fast) // nothing to stop is no error

	first := start(t, c)
	query(t, c.DSN(localpg.Database), "create table kept as select 42 as n")
	if again := start(t, c); again.PID != first.PID {
		t.Errorf("second start: pid %d, want %d", again.PID, first.PID)
	}

	for _, mode := range []localpg.Mode{localpg.Fast, localpg.Immediate, localpg.Smart} {
		stop(t, c, mode)
		if st := status(t, c); st.Running || st.PID != 0 {
			t.Errorf("after stop %s: %+v", mode, st)
		}
		if syscall.Kill(first.PID, 0) == nil && !zombie(first.PID) {
			t.Errorf("stop %s: process %d is still there", mode, first.PID)
		}
		stop(t, c, mode)
		next := start(t, c)
		if next.PID == first.PID || next.Port != first.Port {
			t.Errorf("start after %s: pid %d and port %d, want another than %d and port %d", mode, next.PID, next.Port,
				first.PID, first.Port)
		}
		if got := query(t, c.DSN(localpg.Database), "select n from kept"); got != "42" {
			t.Errorf("after %s: kept is %q, want 42", mode, got)
		}
	}
	if err := c.Stop(t.Context(), "later"); err == nil {
		t.Error("stop later: no error")
	}
}

func zombie(pid int) bool {
	stat, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return strings.Contains(string(stat), ") Z")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.NewDir(t), options())
	start(t, c)
	dsn := c.DSN(localpg.Database)
	for name, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "127.0.0.1",
		"max_connections": "20", "server_encoding": "UTF8", "wal_compression": "pglz",
	} {
		if got := query(t, dsn, "show "+name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"port", "unix_socket_directories", "data_directory"} {
		if _, err := localpg.Open(pgtest.NewDir(t), localpg.Options{Settings: map[string]string{name: "1"}}); err == nil {
			t.Errorf("setting %s: no error", name)
		}
	}
}

func TestPathsThatNeedCare(t *testing.T) {
	t.Parallel()
	for name, folder := range map[string]string{
		"space":   "with a space/and 'quotes'",
		"shell":   "$HOME `id` \"x\"; & 100%+?#",
		"comma":   "a,b",
		"unicode": "donn\u00e9es",
		"long":    strings.Repeat("long/", 30),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, filepath.Join(pgtest.NewDir(t), folder), options())
			start(t, c)
			tcp, err := c.TCPDSN(localpg.Database)
			if err != nil {
				t.Fatal(err)
			}
			for _, dsn := range []string{c.DSN(localpg.Database), tcp} {
				if got := query(t, dsn, "select current_database()"); got != localpg.Database {
					t.Errorf("pgx %s: database %q, want %q", dsn, got, localpg.Database)
				}
				out := run(t, nil, nil, c.Psql(), "-XAtc", "select current_user", dsn)
				if got := strings.TrimSpace(out); got != localpg.Role {
					t.Errorf("psql %s: user %q, want %q", dsn, got, localpg.Role)
				}
			}
		})
	}
}

func TestLoopbackAsksForThePassword(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.NewDir(t), options())
	st := start(t, c)
	for _, userinfo := range []string{"tapline", "tapline:wrong"} {
		dsn := "postgres://" + userinfo + "@127.0.0.1:" + strconv.Itoa(st.Port) + "/tapline?sslmode=disable"
		conn, err := pgx.Connect(t.Context(), dsn)
		if err == nil {
			conn.Close(t.Context())
			t.Errorf("connected as %s", userinfo)
			continue
		}
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "28P01" {
			t.Errorf("connect as %s: %v, want SQLSTATE 28P01", userinfo, err)
		}
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "socket": 0o700, "data": 0o700, "password": 0o600} {
		info, err := os.Stat(filepath.Join(c.Home(), name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s is %#o, want %#o", name, got, want)
		}
	}
}

func TestPortTakenBySomebodyElse(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.NewDir(t), options())
	first := start(t, c)
	stop(t, c, localpg.Fast)
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(first.Port)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	next := start(t, c)
	if next.Port == first.Port {
		t.Errorf("port is still %d", next.Port)
	}
	tcp, err := c.TCPDSN(localpg.Database)
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, tcp, "show port"); got != strconv.Itoa(next.Port) {
		t.Errorf("server's port is %s, status says %d", got, next.Port)
	}
}
