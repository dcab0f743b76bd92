package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/tapline/tapline/internal/pgtest"
)

// ciChapter is README's chapter about migrations: the commands to type, and the workflow.
func ciChapter(t *testing.T) (commands, workflow string) {
	t.Helper()
	_, chapter, found := strings.Cut(readme(t), "\n## Migrations in CI\n")
	if !found {
		t.Fatal("README has no chapter about migrations")
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	sh := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(chapter)
	yml := regexp.MustCompile("(?s)```yaml\n(.*?\n)```\n").FindStringSubmatch(chapter)
	if sh == nil || yml == nil {
		t.Fatal("the chapter has no commands or no workflow")
	}
	return sh[1], yml[1]
}

// TestReadmeMigrations types what the chapter says.
func TestReadmeMigrations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	commands, _ := ciChapter(t)
	dir := filepath.Join(w.dir, "migrations")
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(commands), "\n") {
		line, _, _ = strings.Cut(line, " #")
		args := strings.Fields(line)[1:]
		code := 0
		for i, arg := range args {
			switch {
			case arg == "migrations":
				args[i] = dir
			case strings.HasPrefix(arg, "testdata/"):
				args[i] = filepath.Join(root, arg)
			case arg == "plan":
				code = 2
			case arg == "load":
				code = 3 // some of it waits in quarantine
			}
		}
		w.must(code, args...)
		n++
	}
	if n < 8 {
		t.Errorf("%d commands", n)
	}
	if n := w.value(`select count(*) from clevertap_test._quarantine where reason = 'unknown_table' and replayed_at is null`); n != 0 {
		t.Errorf("%d records wait for a table after all of it", n)
	}
}

// workflow is what the test knows of GitHub's format.
type workflow struct {
	Jobs map[string]struct {
		Env   map[string]string
		Steps []struct {
			Name, Uses, Run string
			Env             map[string]string
		}
	}
}

// TestReadmeWorkflow runs the steps of the workflow as GitHub does, in a checkout with a new migration: those of the pull
// request, then those after the merge. Installing and gh are GitHub's.
func TestReadmeWorkflow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, text := ciChapter(t)
	var flow workflow
	if err := yaml.UnmarshalWithOptions([]byte(text), &flow); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(w.dir, "bin")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "tapline"), root+"/cmd/tapline").CombinedOutput(); err != nil {
		t.Fatalf("build tapline: %v\n%s", err, out)
	}
	repo := filepath.Join(w.dir, "repo")
	dir := filepath.Join(repo, "migrations")
	summary := filepath.Join(w.dir, "summary.md")
	data := pgtest.NewDir(t) // of the private Postgres that check uses on GitHub's machines
	shell := func(script string, env ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", script)
		cmd.Dir = repo
		cmd.Env = append([]string{
			"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + w.dir, "XDG_DATA_HOME=" + data, "GITHUB_STEP_SUMMARY=" + summary,
			"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com",
		}, env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	job := func(name string, want int) {
		t.Helper()
		ran := 0
		for _, step := range flow.Jobs[name].Steps {
			if step.Run == "" || step.Name == "Install" || step.Name == "Comment" {
				continue
			}
			env := []string{"DATABASE_URL="}
			for _, values := range []map[string]string{flow.Jobs[name].Env, step.Env} {
				if values["DATABASE_URL"] != "" {
					env = []string{"DATABASE_URL=" + w.dsn}
				}
			}
			shell(strings.ReplaceAll(step.Run, "${{ github.base_ref }}", "main"), env...)
			ran++
		}
		if ran != want {
			t.Errorf("job %s has %d steps of its own, want %d", name, ran, want)
		}
	}
	if err := os.Mkdir(repo, 0o755); err != nil {
		t.Fatal(err)
	}
	source := []string{"--source", "CleverTap_Prod"}
	w.must(0, append([]string{"migrate", "generate", "--dir", dir}, source...)...)
	w.must(0, append([]string{"migrate", "up", "--dir", dir}, source...)...)
	w.must(3, append([]string{"load", w.file("events.ndjson", purchases(3)), "--evolve", "managed"}, source...)...)
	shell("git init -q -b main && git add . && git commit -qm base && git update-ref refs/remotes/origin/main HEAD && git switch -qc change")
	w.must(0, append([]string{"migrate", "generate", "--dir", dir, "--waiting"}, source...)...)
	shell("git add . && git commit -qm change")

	job("review", 3)
	plan, err := os.ReadFile(summary)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(plan), "```", "Migration 2 create_purchase_made", "+ table purchase_made")
	if n := w.value(`select count(*) from information_schema.tables where table_name = 'purchase_made'`); n != 0 {
		t.Fatal("the review changed the database")
	}
	job("apply", 2)
	if n := w.value(`select count(*) from clevertap_prod.purchase_made`); n != 3 {
		t.Errorf("%d purchases after the merge, want 3", n)
	}
}
