package cli

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
)

// completionTime is how long a shell may wait for the names of sources.
const completionTime = 2 * time.Second

// completeSource offers the sources of a database that can be reached now. It starts no server.
func (a *app) completeSource(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	s, err := a.runningServer(ctx)
	if err != nil {
		return nil, directive
	}
	pool, err := s.pool(ctx)
	if err != nil {
		return nil, directive
	}
	defer pool.Close()
	sources, err := admin.Sources(ctx, pool)
	if err != nil {
		return nil, directive
	}
	var names []string
	for _, s := range sources {
		if strings.HasPrefix(s.Nickname, prefix) {
			names = append(names, s.Nickname)
		}
	}
	return names, directive
}

// completeZone offers the names of the system's time zones.
func completeZone(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	const root = "/usr/share/zoneinfo"
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		name := filepath.ToSlash(path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "posix" || name == "right"):
			return fs.SkipDir
		case !d.IsDir() && strings.HasPrefix(name, prefix) && name[0] >= 'A' && name[0] <= 'Z' && !strings.Contains(name, "."):
			names = append(names, name)
		}
		return nil
	})
	if err != nil || len(names) == 0 {
		names = []string{"UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "Asia/Singapore"}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
