package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
)

// completionTime is how long a shell may wait for the names of sources.
const completionTime = 2 * time.Second

// completion is what cobra asks for the words that can come next.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeFrom offers words of a database that can be reached now. It starts no server, and an error offers nothing. A
// word may be followed by a tab and a description.
func (a *app) completeFrom(words func(context.Context, *pgxpool.Pool) ([]string, error)) completion {
	return func(cmd *cobra.Command, args []string, prefix string) (out []string, _ cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		if a.configure(cmd) != nil {
			return nil, directive
		}
		s, err := a.runningServer(ctx)
		if err != nil {
			return nil, directive
		}
		pool, err := s.pool(ctx)
		if err != nil {
			return nil, directive
		}
		defer pool.Close()
		all, err := words(ctx, pool)
		if err != nil {
			return nil, directive
		}
		for _, word := range all {
			if strings.HasPrefix(word, prefix) {
				out = append(out, word)
			}
		}
		return out, directive
	}
}

// completeSource offers the nicknames of sources.
func (a *app) completeSource() completion {
	return a.completeFrom(func(ctx context.Context, pool *pgxpool.Pool) (names []string, _ error) {
		sources, err := admin.Sources(ctx, pool)
		for _, s := range sources {
			names = append(names, s.Nickname)
		}
		return names, err
	})
}

// completeLoad offers the newest loads that can be undone.
func (a *app) completeLoad() completion {
	return a.completeFrom(func(ctx context.Context, pool *pgxpool.Pool) (words []string, _ error) {
		source, err := admin.Find(ctx, pool, a.cfg.Source, a.cfg.Schema)
		if err != nil {
			return nil, err
		}
		loads, err := admin.Loads(ctx, pool, source.Schema, 20)
		for _, l := range loads {
			if l.Status == "finished" && l.Seq != nil {
				words = append(words, fmt.Sprintf("%d\t%s from %s", *l.Seq, plural(l.Rows, "row", "rows"), printable(l.Unit)))
			}
		}
		return words, err
	})
}

// completeReason offers the reasons that there are in quarantine.
func (a *app) completeReason() completion {
	return a.completeFrom(func(ctx context.Context, pool *pgxpool.Pool) (words []string, _ error) {
		source, err := admin.Find(ctx, pool, a.cfg.Source, a.cfg.Schema)
		if err != nil {
			return nil, err
		}
		reasons, err := admin.QuarantineReasons(ctx, pool, source.Schema)
		for _, r := range reasons {
			words = append(words, fmt.Sprintf("%s\t%s", r.Reason, plural(r.Count, "record", "records")))
		}
		return words, err
	})
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
