package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

const root = "../.."

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeQueries runs what README offers to try, on the sample that it loads, and wants answers worth looking at.
func TestReadmeQueries(t *testing.T) {
	t.Parallel()
	text := readme(t)
	load := regexp.MustCompile(`(?m)^go run ./cmd/tapline (load .*)$`).FindStringSubmatch(text)
	psql := regexp.MustCompile(`(?s)-- -c "\n(.*?)"\n`).FindStringSubmatch(text)
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindStringSubmatch(text)
	if load == nil || psql == nil || block == nil {
		t.Fatal("README has no example any more: a load, a psql or the queries")
	}
	w := newWorld(t)
	args := strings.Fields(load[1])
	args[1] = filepath.Join(root, args[1])
	w.must(0, args...)
	queries := []string{psql[1]}
	for query := range strings.SplitSeq(strings.TrimSpace(block[1]), ";") {
		if strings.TrimSpace(query) != "" {
			queries = append(queries, query)
		}
	}
	if len(queries) < 4 {
		t.Errorf("%d queries", len(queries))
	}
	pool := pgtest.PoolAt(t, w.dsn+"&search_path=clevertap_prod")
	for _, query := range queries {
		rows := pgtest.Query(t, pool, query)
		if len(rows) < 2 {
			t.Errorf("%d rows of %s", len(rows), query)
		}
		for _, row := range rows {
			if row[0] == nil {
				t.Errorf("a row without a name, %v, of %s", row, query)
			}
		}
	}
}

// TestReadmeFlags wants every flag of load in README, and of what README says is a flag that it is one.
func TestReadmeFlags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flag := regexp.MustCompile(`--[a-z][a-z-]+`)
	text := regexp.MustCompile(`(?m)^ +run: gh .*$`).ReplaceAllString(readme(t), "") // these flags are gh's
	known := map[string]bool{}
	for _, command := range []string{
		"load", "status", "quarantine list", "quarantine replay", "loads undo", "source rename", "schema show", "schema diff", "schema export", "schema widen", "prune", "doctor", "roles", "bench",
		"migrate plan", "migrate generate", "migrate up", "migrate down", "migrate status", "migrate repair", "migrate lint", "migrate check",
		"pull", "verify", "demo clevertap",
		"serve", "worker", "source add", "source remove", "source keys create",
		"destination add", "destination status", "federate",
		"run", "jobs list", "jobs history", "alerts check", "alerts test", "config check", "config schema",
	} {
		help := w.must(0, append(strings.Fields(command), "--help")...).stdout
		for _, line := range regexp.MustCompile(`(?m)^ +(-., )?--[a-z-]+`).FindAllString(help, -1) {
			name := flag.FindString(line)
			known[name] = true
			if command == "load" && name != "--help" && !strings.Contains(text, "`"+name) {
				t.Errorf("README does not say what %s is", name)
			}
		}
	}
	for _, name := range flag.FindAllString(text, -1) {
		if !known[name] {
			t.Errorf("README names %s, which is no flag", name)
		}
	}
}

// TestReadmeTests wants every test and file that README names as proof.
func TestReadmeTests(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(readme(t), -1) {
		if !strings.Contains(tests.String(), "func "+name[1]+"(") {
			t.Errorf("README names %s, which is no test", name[1])
		}
	}
	for _, name := range regexp.MustCompile("`([a-z]+/[a-z_]+\\.go)`").FindAllStringSubmatch(readme(t), -1) {
		if _, err := os.Stat(filepath.Join(root, name[1])); err != nil {
			t.Errorf("README names %s: %v", name[1], err)
		}
	}
}
