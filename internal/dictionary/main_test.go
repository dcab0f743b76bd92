package dictionary_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/dictionary"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const sample = "../../testdata/sample/events.ndjson.gz"

// odd are events whose names would do harm in a description: to Jinja, to YAML, to Markdown and to CSV.
var odd = []string{
	`{"type":"track","event":"Odd {{ 1/0 }}","messageId":"o1","userId":"u1","timestamp":"2026-01-15T10:00:00Z",` +
		`"properties":{"{% raw %}":"a","x: \"y\"\n- z":"b","|<b>` + "`" + `":"c","=1+1":"d","n":1,"nested":{"a":1,"b":{"c":true}},"list":[1,2],"at":"2026-01-15T10:00:00Z"}}`,
	`{"type":"identify","userId":"u1","messageId":"i1","timestamp":"2026-01-15T10:00:00Z","traits":{"plan":"gold","address":{"city":"Pune"}},"context":{"app":{"version":"1"}}}`,
	`{"type":"page","userId":"u1","messageId":"p1","name":"Home","timestamp":"2026-01-15T10:00:00Z","properties":{"url":"/"}}`,
	`{"type":"group","userId":"u1","groupId":"g1","messageId":"g1","timestamp":"2026-01-15T10:00:00Z","traits":{"seats":5}}`,
	`{"type":"alias","userId":"u1","previousId":"a1","messageId":"l1","timestamp":"2026-01-15T10:00:00Z"}`,
}

// loaded returns a database with the sample and the odd events in schema clevertap_prod.
func loaded(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t)
	load(t, pool, sample, file(t, odd...))
	return pool
}

// small returns a database with one event of its own beside the catalogue's empty tables.
func small(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t)
	load(t, pool, file(t, `{"type":"track","event":"Signed Up","messageId":"s1","userId":"u1","timestamp":"2026-01-15T10:00:00Z",`+
		`"context":{"locale":"en"},"properties":{"Method":"email","Referred":true}}`))
	return pool
}

// file writes lines to a file.
func file(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, pool *pgxpool.Pool, paths ...string) {
	t.Helper()
	l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	files, err := loader.Files(paths, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load(t.Context(), files); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, pool *pgxpool.Pool) *dictionary.Schema {
	t.Helper()
	s, err := dictionary.Read(t.Context(), pool, "clevertap_prod")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func measured(t testing.TB, pool *pgxpool.Pool, exact bool) *dictionary.Schema {
	t.Helper()
	s := read(t, pool)
	if err := dictionary.Measure(t.Context(), pool, s, exact); err != nil {
		t.Fatal(err)
	}
	return s
}

func export(t testing.TB, s *dictionary.Schema, format string) []dictionary.File {
	t.Helper()
	files, err := dictionary.Export(s, format, dictionary.Freshness{Warn: 24 * time.Hour, Error: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
