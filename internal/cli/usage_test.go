package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/cli"
)

// TestMeant makes the mistakes that people make, and looks whether the answer tells them what to type.
func TestMeant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(1))
	for line, want := range map[string]string{
		"laod x":                    `unknown command "laod". Did you mean load?`,
		"help laod":                 `unknown command "laod". Did you mean load?`,
		"loads lst":                 `unknown command "lst" of tapline loads. Did you mean list?`,
		"completion zhs":            `unknown command "zhs" of tapline completion. Did you mean zsh?`,
		"frobnicate":                `unknown command "frobnicate"` + "\n",
		"load x --fromat segment":   "unknown flag: --fromat. Did you mean --format?",
		"load x --nothing-like-it":  "unknown flag: --nothing-like-it\n",
		"psql -c select":            "Arguments of psql itself go after --",
		"status Web":                `takes no arguments, and was given "Web"`,
		"loads undo":                "LOAD: not given: give the number",
		"loads undo 1 2":            `LOAD "2": one too many`,
		"quarantine show":           "ID: not given",
		"loads list --limit 0":      `--limit "0": too few`,
		"quarantine list --limit 0": `--limit "0": too few`,
		"load x -s W --watch -1s":   `--watch "-1s": no interval`,
		"load x -s W --lease 9s":    `--lease "9s": nothing is shared: add --share`,
		"bench --federate --serve":  "[federate serve] were all set",
	} {
		contains(t, w.must(64, strings.Fields(line)...).stderr, want)
	}
	contains(t, w.must(64, "load", "x", "-s", "W", "--share", "--lease", "9ms").stderr, `--lease "9ms": too short: use 1s or more`)
	contains(t, w.must(64, "load", "x", "-s", "W", "--watch", "1s", "--dry-run").stderr, "contradict each other")
	w.must(0, "load", path, "-s", "Web", "-q")
	contains(t, w.must(64, "load", path, "-s", "web").stderr, `belongs to source "Web": if that is the one, spell it so`)
	contains(t, w.must(64, "load", path, "-s", "Web", "--schema", "other").stderr, `source "Web" has schema web already`)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, args := range [][]string{{}, {"help"}, {"--help"}} {
		contains(t, w.must(0, args...).stdout, "tapline load events.ndjson.gz", "Load and look:")
	}
	for _, args := range [][]string{{"help", "loads", "undo"}, {"loads", "undo", "--help"}} {
		contains(t, w.must(0, args...).stdout, "tapline loads undo 7")
	}
	contains(t, w.must(0, "__complete", "help", "lo").stdout, "loads\t")
	contains(t, w.must(0, "load", "--help").stdout, "--exclude PATTERN", "--dsn DSN", "A PATTERN of --include and --exclude is")
}

// TestConnectError wants each fact once: pgx says it for every address, with and without TLS.
func TestConnectError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, err := pgconn.ParseConfig(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	tcp := fmt.Sprintf("127.0.0.1:%d/db", server.Port)
	for dsn, want := range map[string]string{
		"postgres://tapline:hunter2@" + tcp:    "postgres://tapline@" + tcp + `: password authentication failed for user "tapline" (SQLSTATE 28P01). Check user and password`,
		"postgres://me:hunter2@127.0.0.1:1/db": "connect to the Postgres of --dsn, postgres://me@127.0.0.1:1/db: dial tcp 127.0.0.1:1: connect: connection refused. Check host and port",
		"host=/no/such/folder user=me":         "/no/such/folder: dial unix /no/such/folder/.s.PGSQL.5432: connect: no such file or directory. Check host",
		w.dsn + "&dbname=missing_database":     `database "missing_database" does not exist (SQLSTATE 3D000). Create the database`,
	} {
		stderr := w.must(1, "status", "--dsn", dsn).stderr
		contains(t, stderr, want)
		if strings.Contains(stderr, "hunter2") || strings.Contains(stderr, "tls") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: got %s", dsn, stderr)
		}
	}
}

// TestLookingMakesNothing: only what loads makes a private Postgres.
func TestLookingMakesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, line := range []string{"status", "psql", "loads list", "quarantine list", "prune --loads-older-than 1d"} {
		r := w.runWith("", nil, append(strings.Fields(line), "--data-dir", w.dir+"/data")...)
		r.want(t, 64, line)
		contains(t, r.stderr, "no private Postgres in "+w.dir+"/data", "tapline load or tapline postgres start")
	}
	if _, err := os.Stat(w.dir + "/data"); !os.IsNotExist(err) {
		t.Errorf("the data folder was made: %v", err)
	}
}

func TestNothingToLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := w.dir + "/empty"
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	r := w.must(0, "load", empty, "-s", "Web")
	contains(t, r.stdout, "! Nothing to load: no file in "+empty)
	if strings.Contains(r.stdout, "Next") {
		t.Errorf("there is nothing to look at: %s", r.stdout)
	}
	r = w.must(1, "load", w.file("notes.txt", "Dear all\n"), "-s", "Web")
	contains(t, r.stdout, "✗ Loaded nothing into schema web", "name the format with --format (the formats are segment", "put right what failed")
}

func TestPatternsThatMatchNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(3)+identify)
	r := w.must(0, "load", path, "-s", "Web", "--include", "Purchse*", "--dry-run")
	contains(t, r.stdout, `! --include "Purchse*" matches nothing in these files`)
	if strings.Contains(r.stdout, "count as loaded") {
		t.Errorf("a dry run loads nothing: %s", r.stdout)
	}
	r = w.must(0, "load", path, "-s", "Web", "--include", "Purchse*")
	contains(t, r.stdout, `! --include "Purchse*" matches nothing`, "every event was filtered out, and the files count as loaded", "tapline loads undo")
	w.must(0, "loads", "undo", "1", "--yes")
	var got loaded
	w.json(0, &got, "load", path, "-s", "Web", "--include", "Purchase*", "--exclude", "*.email", "--exclude", "*.emial")
	if got.Counts.Loaded != 3 || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], `--exclude "*.emial" matches nothing`) {
		t.Errorf("got %+v", got)
	}
	// Of a file that is not read again nothing can be said.
	contains(t, w.must(0, "load", path, "-s", "Web", "--include", "Purchse*").stdout, "Nothing new")
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"--help"}, {"completion", "bash"}} {
		var stderr bytes.Buffer
		code := cli.Run(t.Context(), args, strings.NewReader(""), full{}, &stderr, []string{"DATABASE_URL=" + w.dsn})
		if code != 1 || !strings.HasPrefix(stderr.String(), "tapline: ") || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%v: exit code %d, stderr %s", args, code, stderr.String())
		}
	}
}

func TestCompletionOfIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(3, "load", w.file("a.ndjson", purchases(2)+badLine), "-s", "Web", "-q")
	contains(t, w.must(0, "__complete", "loads", "undo", "").stdout, "1\t2 rows from")
	contains(t, w.must(0, "__complete", "quarantine", "list", "--reason", "inv").stdout, "invalid_json\t1 record")
	contains(t, w.must(0, "__complete", "status", "").stdout, ":4\n") // no files
	contains(t, w.must(0, "__complete", "load", "").stdout, ":0\n")   // files
}

func TestGridFits(t *testing.T) {
	t.Parallel()
	rows := [][]string{
		{strings.Repeat("a", 54) + "_22d9fe36", "1,234,567", "not valid JSON, and more to say about it"},
		{strings.Repeat("a", 54) + "_6964bd10", "89", ""},
	}
	header := []string{"~TABLE", ">ROWS", "<DETAIL"}
	got := cli.Grid(60, header, rows...)
	want := `  TABLE                        ROWS  DETAIL
  ─────────────────────────────────────────────────────────
  aaaaaaaaaaaa…_22d9fe36  1,234,567  not valid JSON, and m…
  aaaaaaaaaaaa…_6964bd10         89
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := cli.Grid(200, header, rows...); strings.Contains(got, "…") {
		t.Errorf("shortened where there is room:\n%s", got)
	}
}

func TestProgramOf(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{
		"tapline": "tapline", "./tapline": "./tapline", "/opt/my tools/tapline": "'/opt/my tools/tapline'",
		"/tmp/go-build123/b001/exe/tapline": "go run ./cmd/tapline", "/tmp/cli.test": "tapline",
	} {
		if got := cli.ProgramOf(arg); got != want {
			t.Errorf("%s: got %s, want %s", arg, got, want)
		}
	}
}
