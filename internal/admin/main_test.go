package admin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// event is one track call.
func event(id string) string {
	return `{"type":"track","event":"Purchase Made","messageId":"` + id + `","userId":"u1","timestamp":"2026-01-15T10:00:00Z"}`
}

// load loads lines as one file of the source Web.
func load(t *testing.T, pool *pgxpool.Pool, lines ...string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := loader.New(pool, loader.Config{Source: "Web"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	files, err := loader.Files([]string{path}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Load(t.Context(), files)
	return err
}

func mustLoad(t *testing.T, pool *pgxpool.Pool, lines ...string) {
	t.Helper()
	if err := load(t, pool, lines...); err != nil {
		t.Fatal(err)
	}
}

// newest returns the load that was made last.
func newest(t *testing.T, pool *pgxpool.Pool) admin.Load {
	t.Helper()
	loads, err := admin.Loads(t.Context(), pool, "web", 1)
	if err != nil || len(loads) != 1 {
		t.Fatalf("Loads = %v, %v", loads, err)
	}
	return loads[0]
}
