package rehearsal_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/rehearsal"
	"github.com/tapline/tapline/migrations"
)

// repository makes a repository with a folder of migrations, and returns the folder.
func repository(t *testing.T) (folder string, git func(args ...string), write func(name, text string)) {
	t.Helper()
	root := t.TempDir()
	folder = filepath.Join(root, "db", "migrations")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	git = func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", root, "-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write = func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	return folder, git, write
}

func TestReadGit(t *testing.T) {
	t.Parallel()
	folder, git, write := repository(t)
	write("../outside.txt", "x")
	git("add", "-A")
	git("commit", "-qm", "before the folder")
	git("tag", "none")
	write("000001_a.up.sql", "select 1;\n")
	write("000001_a.down.sql", "select 2;\n")
	write("notes.md", "x")
	git("add", "-A")
	git("commit", "-qm", "one")
	git("tag", "one")
	write("000001_a.up.sql", "select 3;\n")
	write("000002_b.up.sql", "select 4;\n")
	for ref, want := range map[string][]migrations.File{
		"one":  {{Version: 1, Name: "a", Up: "select 1;\n", Down: "select 2;\n"}},
		"HEAD": {{Version: 1, Name: "a", Up: "select 1;\n", Down: "select 2;\n"}},
		"none": {},
	} {
		got, err := rehearsal.ReadGit(t.Context(), folder, ref)
		if err != nil {
			t.Errorf("%s: %v", ref, err)
		}
		if got == nil {
			t.Errorf("%s: nil, which stands for no version before", ref)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", ref, diff)
		}
	}
	var refused *rehearsal.GitError
	for _, ref := range []string{"missing", "--output=/tmp/x", "one:db"} {
		if _, err := rehearsal.ReadGit(t.Context(), folder, ref); !errors.As(err, &refused) || refused.Ref != ref {
			t.Errorf("%s: %v, want *GitError", ref, err)
		}
	}
	if _, err := rehearsal.ReadGit(t.Context(), t.TempDir(), "HEAD"); !errors.As(err, &refused) {
		t.Errorf("outside of a repository: %v", err)
	}
}
