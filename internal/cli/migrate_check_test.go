package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

type lintFinding struct {
	File         string `json:"file"`
	Line, Column int
	Rule         string
	Severity     string
	Why, Fix     string
}

type linted struct {
	Files, Ignored int
	Findings       []lintFinding
	FailOn         string `json:"fail_on"`
	Failed         bool
}

// generated writes a folder of migrations as tapline migrate generate does, and returns it.
func (w *world) generated() string {
	w.t.Helper()
	dir := filepath.Join(w.dir, "migrations")
	w.must(0, "migrate", "generate", "--source", "Shop", "--dir", dir)
	return dir
}

// add writes a migration into a folder.
func (w *world) add(dir, name, up, down string) {
	w.t.Helper()
	for ext, text := range map[string]string{".up.sql": up, ".down.sql": down} {
		if err := os.WriteFile(filepath.Join(dir, name+ext), []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
}

const (
	harmful   = "set local lock_timeout = '1s';\nalter table \"shop\".\"app_launched\"\n  drop column \"ct_source\";\n"
	notRecord = "select 1;\n"
)

func TestMigrateLint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.generated()
	var ours int // what the program's own files have to say about the control schema
	clean := w.must(0, "migrate", "lint", dir).stdout
	if _, err := fmt.Sscanf(clean, "✓ Nothing found in 2 files (%d ignored, with reasons).", &ours); err != nil || ours == 0 {
		t.Fatalf("got %q, %v", clean, err)
	}
	w.add(dir, "000002_less", harmful, notRecord)
	r := w.must(2, "migrate", "lint", dir)
	contains(t, r.stdout, "000002_less.up.sql:3:3: error drop-column", "are gone", "→ ", "1 error, 1 warning in 4 files")
	var got linted
	w.json(2, &got, "migrate", "lint", filepath.Join(dir, "000002_less.up.sql"), "--fail-on", "error")
	rules := []string{}
	for _, f := range got.Findings {
		rules = append(rules, f.Rule)
	}
	if !slices.Equal(rules, []string{"drop-column", "down-incomplete"}) || got.Files != 1 || !got.Failed || got.FailOn != "error" || got.Findings[0].Line != 3 {
		t.Errorf("got %+v", got)
	}
	w.must(0, "migrate", "lint", dir, "--fail-on", "never")
	w.must(0, "migrate", "lint", filepath.Join(dir, "000001_baseline.up.sql"))
	w.must(0, "migrate", "lint", dir, "--from", "3")
	w.must(2, "migrate", "lint", dir, "--from", "2", "--multi-statement")
	w.add(dir, "000002_less", strings.Replace(harmful, "\n", "\n-- tapline:lint-ignore drop-column,down-incomplete nobody reads it\n", 1), notRecord)
	contains(t, w.must(0, "migrate", "lint", dir).stdout, fmt.Sprintf("(%d ignored, with reasons)", ours+2))
}

func TestMigrateLintForGitHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.generated()
	w.add(dir, "000002_less", harmful, notRecord)
	r := w.runWith("", []string{"GITHUB_WORKSPACE=" + w.dir}, "migrate", "lint", dir, "--format", "github")
	r.want(t, 2)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %s", r.stdout)
	}
	contains(t, lines[0], "::error file=migrations/000002_less.up.sql,line=3,col=3,title=tapline lint%3A drop-column::the values of shop.app_launched.ct_source are gone", "%0A")
	contains(t, lines[1], "::warning file=migrations/000002_less.up.sql,line=")
}

func TestMigrateLintUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := t.TempDir()
	for line, want := range map[string]string{
		"migrate lint " + empty:                                                                 "no .sql file in this folder",
		"migrate lint " + empty + "/missing":                                                    "no such file or folder",
		"migrate lint " + empty + " --fail-on bad":                                              `--fail-on "bad": unknown severity`,
		"migrate lint " + empty + " --format xml":                                               `--format "xml": unknown format`,
		"migrate check --source Shop":                                                           "--dir: not given",
		"migrate check --source Shop --dir " + empty:                                            "no migrations in this folder",
		"migrate check --source Shop --dir " + empty + "/missing":                               "no such folder",
		"migrate check --dir " + empty:                                                          "--source: no source",
		"migrate check --source Shop --dir " + empty + " --base-dir " + empty + " --base-ref x": "contradicts --base-dir",
	} {
		contains(t, w.must(64, strings.Fields(line)...).stderr, want)
	}
	var rules []struct{ Rule, Severity, About string }
	w.json(0, &rules, "migrate", "lint", "--rules")
	text := w.must(0, "migrate", "lint", "--rules").stdout
	for _, r := range rules {
		contains(t, text, r.Rule)
	}
	if len(rules) < 30 {
		t.Errorf("%d rules", len(rules))
	}
}

// TestMigrateLintOfTheSchema looks at what loads have made.
func TestMigrateLintOfTheSchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	half := strings.ReplaceAll(mismatch, `"a lot"`, `0.5`)
	w.must(0, "load", w.file("a.ndjson", purchases(2)), "--source", "Shop", "-q")
	w.must(0, "load", w.file("b.ndjson", half), "--source", "Shop", "-q")
	var got linted
	w.json(0, &got, "migrate", "lint", "--source", "Shop")
	if got.Files != 6 || len(got.Findings) > 0 || got.Ignored == 0 { // number 3 widens amount
		t.Errorf("got %+v", got)
	}
}

type checked struct {
	Schema string
	Files  int
	Passed bool
	Checks []struct {
		Check       string
		Passed      bool
		Skipped     string
		Differences []string
	}
}

func TestMigrateCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.generated()
	contains(t, w.must(0, "migrate", "check", "--source", "Shop", "--dir", dir).stdout, "✓ 1 migration for schema shop passed", "not tried: no version before was given")
	base := t.TempDir()
	if err := os.CopyFS(base, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	w.must(0, "load", w.file("a.ndjson", purchases(2)), "--source", "Shop", "-q")
	w.must(0, "migrate", "generate", "--source", "Shop", "--dir", dir)
	var got checked
	w.json(0, &got, "migrate", "check", "--source", "Shop", "--dir", dir, "--base-dir", base)
	if !got.Passed || got.Files != 2 || len(got.Checks) != 8 {
		t.Errorf("got %+v", got)
	}
	for _, c := range got.Checks {
		if !c.Passed {
			t.Errorf("%s: %s %v", c.Check, c.Skipped, c.Differences)
		}
	}
	w.add(dir, "000003_less", harmful, notRecord)
	r := w.must(2, "migrate", "check", "--source", "Shop", "--dir", dir)
	contains(t, r.stdout, "✗ result", "missing_column app_launched.ct_source", "✗ down", "after the down file of migration 3 less: missing: column ct_source of shop.app_launched")
}

func TestMigrateCheckAgainstACommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.generated()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", "-A")
	git("commit", "-qm", "baseline")
	up := filepath.Join(dir, "000001_baseline.up.sql")
	text, err := os.ReadFile(up)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(up, append(text, "\nselect 2;\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	r := w.run("migrate", "check", "--source", "Shop", "--dir", dir, "--base-ref", "HEAD", "--json")
	r.want(t, 2)
	var got checked
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err)
	}
	for _, c := range got.Checks {
		if edited := strings.Contains(strings.Join(c.Differences, ""), "was edited after it was applied"); edited != (c.Check == "base") {
			t.Errorf("%s: %v", c.Check, c.Differences)
		}
	}
	contains(t, w.must(64, "migrate", "check", "--source", "Shop", "--dir", dir, "--base-ref", "missing").stderr, "as of missing: no such commit")
}

// TestMigrateCheckWithoutAServer makes the private Postgres, as CI does where nothing else is.
func TestMigrateCheckWithoutAServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.generated()
	data := filepath.Join(pgtest.NewDir(t), "data")
	defer func() { w.runWith("", nil, "postgres", "stop", "--data-dir", data).want(t, 0, "postgres stop") }()
	r := w.runWith("", nil, "migrate", "check", "--source", "Shop", "--dir", dir, "--data-dir", data)
	r.want(t, 0, "migrate check")
	contains(t, r.stdout, "passed")
	var status struct{ DSN string }
	r = w.runWith("", nil, "postgres", "status", "--json", "--data-dir", data)
	if err := json.Unmarshal([]byte(r.stdout), &status); err != nil {
		t.Fatal(err)
	}
	pool := pgtest.PoolAt(t, status.DSN)
	defer pool.Close() // before the server ends
	got := pgtest.Value[string](t, pool, `select string_agg(name, ' ') from (select datname as name from pg_database where datname like 'tapline%'
		union all select nspname from pg_namespace where nspname in ('shop', 'tapline')) as there`)
	if got != "tapline" {
		t.Errorf("databases and schemas afterwards: %s", got)
	}
}
