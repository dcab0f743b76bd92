package localpg_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

func TestUserDataDir(t *testing.T) {
	t.Parallel()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for xdg, want := range map[string]string{
		"/data":    "/data/tapline",
		"":         filepath.Join(home, ".local/share/tapline"),
		"relative": filepath.Join(home, ".local/share/tapline"),
	} {
		if got, err := localpg.UserDataDir(xdg); err != nil || got != want {
			t.Errorf("XDG_DATA_HOME=%q: got %q, %v; want %q", xdg, got, err, want)
		}
	}
}

func TestDefaultDataDirCanBeReached(t *testing.T) {
	dir := pgtest.NewDir(t)
	t.Setenv("XDG_DATA_HOME", dir)
	if got, err := localpg.DefaultDataDir(); err != nil || got != filepath.Join(dir, "tapline") {
		t.Errorf("got %q, %v; want it below %s", got, err, dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "tapline")
	if os.Geteuid() == 0 {
		want = "/var/lib/tapline"
	}
	if got, err := localpg.DefaultDataDir(); err != nil || got != want {
		t.Errorf("closed folder: got %q, %v; want %q", got, err, want)
	}
}

func TestBlockedBy(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(pgtest.NewDir(t))
	if err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.MkdirAll(filepath.Join(closed, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(closed, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	const other = 54321
	for _, test := range []struct {
		uid  int
		path string
		want string
	}{
		{other, dir, ""},
		{other, filepath.Join(dir, "not", "there"), ""},
		{other, closed, closed},
		{other, filepath.Join(closed, "in", "deep", "er"), closed},
		{other, filepath.Join(dir, "link", "new"), closed},
		{os.Geteuid(), filepath.Join(closed, "in"), ""},
	} {
		if got := localpg.BlockedBy(test.uid, other, test.path); got != test.want {
			t.Errorf("uid %d, %s: blocked by %q, want %q", test.uid, test.path, got, test.want)
		}
	}
}
