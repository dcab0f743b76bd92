package localpg_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q: %v", part, err)
		}
	}
}

func TestStartFailureShowsTheLog(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Settings["max_connections"] = "many"
	c := open(t, pgtest.NewDir(t), opts)
	wantError(t, c.Start(t.Context()), `invalid value for parameter "max_connections": "many"`, "server.log")
	if st := status(t, c); st.Running {
		t.Errorf("status %+v", st)
	}
}

func TestDataOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := pgtest.NewDir(t)
	c := open(t, dir, options())
	st := start(t, c)
	stop(t, c, localpg.Fast)
	if err := os.WriteFile(filepath.Join(st.DataDir, "PG_VERSION"), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Open(dir, options())
	wantError(t, err, st.DataDir, "made by Postgres 12", "--data-dir")
	var version *localpg.VersionError
	if !errors.As(err, &version) || version.Major != 12 || len(version.Installed) == 0 {
		t.Errorf("got %#v", err)
	}
}

func TestNotPostgresData(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.NewDir(t), options())
	if err := os.MkdirAll(filepath.Join(c.Home(), "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if uid, gid := c.Account(); os.Geteuid() == 0 {
		if err := os.Chown(c.Home(), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, c.Start(t.Context()), "holds no Postgres data", "--data-dir")
}

func TestClosedFolder(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(pgtest.NewDir(t), "closed")
	mode := os.FileMode(0o700) // root can enter, the server's account cannot
	if os.Geteuid() != 0 {
		mode = 0o500
	}
	if err := os.Mkdir(closed, mode); err != nil {
		t.Fatal(err)
	}
	c := open(t, filepath.Join(closed, "data"), options())
	wantError(t, c.Start(t.Context()), closed, "--data-dir")
	info, err := os.Stat(closed)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != mode {
		t.Errorf("start changed the mode of a folder it did not make to %#o", info.Mode().Perm())
	}
}

func TestShortSocketFolderOfSomebodyElse(t *testing.T) {
	t.Parallel()
	c := open(t, filepath.Join(pgtest.NewDir(t), strings.Repeat("long/", 30)), options())
	socket := localpg.SocketDir(c.Home(), uid(c))
	if err := os.Mkdir(socket, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(socket, 0o777); err != nil {
		t.Fatal(err)
	}
	want := "other accounts can enter it"
	if os.Geteuid() == 0 {
		want = "it belongs to"
		if err := os.Chown(socket, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, c.Start(t.Context()), socket, want)
}

func TestUnknownUser(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.User = "no-such-account"
	_, err := localpg.Open(pgtest.NewDir(t), opts)
	wantError(t, err, "no-such-account")
}
