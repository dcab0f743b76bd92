package localpg_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

func TestNoBinaries(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	opts := options()
	opts.Search = &localpg.Search{Path: empty, Patterns: []string{filepath.Join(empty, "*/bin")}}
	_, err := localpg.Open(pgtest.NewDir(t), opts)
	wantError(t, err, "initdb", "PATH ("+empty+")", empty+"/*/bin", "install", "DSN")
	var missing *localpg.NotFoundError
	if !errors.As(err, &missing) {
		t.Errorf("error is a %T", err)
	}
}

// installed is a folder of programs that say they are of that version.
func installed(t *testing.T, dir, version string, programs ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
	for _, name := range programs {
		pgtest.WriteProgram(t, filepath.Join(dir, name), []byte(script))
	}
}

func TestFindOrder(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	server := []string{"initdb", "pg_ctl", "postgres"}
	all := append([]string{"psql"}, server...)
	installed(t, at("9/bin"), "9.6.24", all...)
	installed(t, at("12/bin"), "12.22", all...)
	installed(t, at("15/bin"), "15.14 (Debian 15.14-0+deb12u1)", all...)
	installed(t, at("19/bin"), "19beta1", all...)
	installed(t, at("20/bin"), "20.1", server...)
	installed(t, at("21/bin"), "21.1", "postgres", "psql")
	installed(t, at("client"), "20.1", "psql")
	if err := os.Mkdir(at("links"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("15/bin/initdb"), at("links/initdb")); err != nil {
		t.Fatal(err)
	}
	pattern := []string{at("*/bin")}
	for name, test := range map[string]struct {
		search localpg.Search
		want   localpg.Binaries
	}{
		"newest complete one": {
			localpg.Search{Patterns: pattern},
			localpg.Binaries{Dir: at("19/bin"), Major: 19, Version: "19beta1", Psql: at("19/bin/psql")},
		},
		"path first, link to one program": {
			localpg.Search{Path: at("client") + ":" + at("links"), Patterns: pattern},
			localpg.Binaries{Dir: at("15/bin"), Major: 15, Version: "15.14", Psql: at("15/bin/psql")},
		},
		"too old in path": {
			localpg.Search{Path: at("12/bin"), Patterns: pattern},
			localpg.Binaries{Dir: at("19/bin"), Major: 19, Version: "19beta1", Psql: at("19/bin/psql")},
		},
		"psql elsewhere": {
			localpg.Search{Path: at("client"), Patterns: []string{at("20/bin")}},
			localpg.Binaries{Dir: at("20/bin"), Major: 20, Version: "20.1", Psql: at("client/psql")},
		},
		"no psql": {
			localpg.Search{Patterns: []string{at("20/bin")}},
			localpg.Binaries{Dir: at("20/bin"), Major: 20, Version: "20.1"},
		},
	} {
		got, err := test.search.Find()
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, test.want)
		}
	}
	_, err = (&localpg.Search{Patterns: []string{at("9/bin"), at("12/bin")}}).Find()
	wantError(t, err, "version 13 or newer", at("9/bin")+" has version 9.6.24", at("12/bin")+" has version 12.22")
}

func TestInstallCommand(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]string{
		"PRETTY_NAME=\"Debian\"\nID=debian\n":       "apt-get install postgresql",
		"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n": "apt-get install postgresql",
		"ID=\"rocky\"\nID_LIKE=\"rhel centos\"\n":   "dnf install postgresql-server",
		"ID=alpine": "apk add postgresql postgresql-client",
		"":          "apt-get install postgresql, dnf install postgresql-server, or brew install postgresql@17",
	} {
		if got := localpg.InstallFor([]byte(release)); got != want {
			t.Errorf("%q: got %q, want %q", release, got, want)
		}
	}
}
