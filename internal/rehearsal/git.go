package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tapline/tapline/migrations"
)

// GitError says what git answered.
type GitError struct {
	Ref, Folder string
	Message     string
}

// Error says what was asked and what to do.
func (e *GitError) Error() string {
	return fmt.Sprintf("read folder %s as of %s: %s: give a commit, branch or tag that is in this clone (in CI fetch it first, as with fetch-depth: 0)",
		e.Folder, e.Ref, e.Message)
}

// ReadGit reads the migrations of a folder as they are in a commit of the repository that it is in. A folder that the
// commit does not have has none. The files come as git keeps them, before any filter.
func ReadGit(ctx context.Context, folder, ref string) (files []migrations.File, err error) {
	commit, err := git(ctx, folder, ref, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return nil, err
	}
	hash := strings.TrimSpace(string(commit))
	list, err := git(ctx, folder, ref, "ls-tree", "-z", hash, "./")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tapline-base-*")
	if err != nil {
		return nil, fmt.Errorf("make folder for the files of %s: %w", ref, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for entry := range strings.SplitSeq(string(list), "\x00") {
		mode, name, _ := strings.Cut(entry, "\t")
		if _, _, _, ok := migrations.ParseFileName(name); !ok || !strings.HasPrefix(mode, "100") || !filepath.IsLocal(name) {
			continue
		}
		text, err := git(ctx, folder, ref, "show", hash+":./"+name)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, fmt.Errorf("write file of %s: %w", ref, err)
		}
	}
	if files, err = migrations.ReadFolder(os.DirFS(dir)); err != nil {
		return nil, fmt.Errorf("folder %s as of %s: %w", folder, ref, err)
	}
	return files, nil
}

func git(ctx context.Context, folder, ref string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", folder}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	message := strings.TrimSpace(stderr.String())
	if message == "" {
		message = "no such commit"
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		message = err.Error() // git itself is missing
	}
	return nil, &GitError{Ref: ref, Folder: folder, Message: message}
}
