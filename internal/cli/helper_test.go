package cli_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/cli"
	"github.com/tapline/tapline/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is a database and a folder of one test.
type world struct {
	t   *testing.T
	dsn string
	dir string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, dsn: pgtest.DSN(t), dir: t.TempDir()}
}

// result is what a command line came to.
type result struct {
	code           int
	stdout, stderr string
}

// run runs a command line with the test's database in DATABASE_URL.
func (w *world) run(args ...string) result {
	w.t.Helper()
	return w.runWith("", []string{"DATABASE_URL=" + w.dsn}, args...)
}

func (w *world) runWith(stdin string, env []string, args ...string) result {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(w.t.Context(), args, strings.NewReader(stdin), &stdout, &stderr, env)
	return result{code, stdout.String(), stderr.String()}
}

// must runs a command line that has to end with that code.
func (w *world) must(code int, args ...string) result {
	w.t.Helper()
	r := w.run(args...)
	r.want(w.t, code, args...)
	return r
}

func (r result) want(t *testing.T, code int, args ...string) {
	t.Helper()
	if r.code != code {
		t.Fatalf("tapline %s: exit code %d, want %d\nstdout: %s\nstderr: %s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
}

// json runs a command line with --json and decodes its one document into v.
func (w *world) json(code int, v any, args ...string) {
	w.t.Helper()
	r := w.must(code, append(args, "--json")...)
	d := json.NewDecoder(strings.NewReader(r.stdout))
	if err := d.Decode(v); err != nil {
		w.t.Fatalf("decode %q: %v", r.stdout, err)
	}
	if d.More() {
		w.t.Errorf("more than one document: %s", r.stdout)
	}
}

// file writes a file and returns its path.
func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

// purchases are n good events.
func purchases(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type":"track","messageId":"p%d","event":"Purchase Made","userId":"u%d","timestamp":"2026-01-15T10:00:00Z","properties":{"amount":%d,"email":"u%d@example.com"}}`+"\n", i, i%7, i, i)
	}
	return b.String()
}

const (
	badLine  = `{"type":"track","messageId":"bad"` + "\n"
	identify = `{"type":"identify","messageId":"i1","userId":"u1","timestamp":"2026-01-15T10:00:00Z","traits":{"plan":"gold"}}` + "\n"
	mismatch = `{"type":"track","messageId":"m1","event":"Purchase Made","userId":"u1","timestamp":"2026-01-15T10:00:00Z","properties":{"amount":"a lot"}}` + "\n"
)

func gzipped(t *testing.T, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
