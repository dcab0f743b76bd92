package cli

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/source/blob"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/internal/source/input"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// input opens the files and objects that paths and URLs mean. pool is asked for the database when the ledger is to be
// asked; it may return nil, and so may be the function.
func (a *app) input(ctx context.Context, paths []string, valid config.Valid, f loadFlags, pool func() *pgxpool.Pool) (*input.Source, error) {
	stdin := a.stdin
	if slices.Contains(paths, "-") {
		stdin = interruptible(ctx, stdin)
	}
	files := a.cfg.Files
	o := input.Options{
		File: file.Options{
			Format: files.Format, Timezone: valid.Zone, Account: files.Account, Event: files.Event, UserIdentity: files.UserIdentity,
			UnitMaxBytes: valid.UnitMaxBytes, LoadStart: schema.Micros(time.Now().UnixMicro()), Stdin: stdin, TempDir: files.TempDir,
			Watch: f.watch > 0, PollInterval: f.watch, Logger: a.log,
		},
		Known: func(ctx context.Context, keys []string) (map[string]bool, error) {
			if pool == nil || pool() == nil {
				return nil, nil
			}
			return input.Known(pool(), valid.Schema)(ctx, keys)
		},
	}
	for _, bound := range []struct {
		flag, value string
		day         *time.Time
	}{{"--since", f.since, &o.Since}, {"--until", f.until, &o.Until}} {
		if bound.value == "" {
			continue
		}
		var err error
		if *bound.day, err = time.Parse(time.DateOnly, bound.value); err != nil {
			return nil, &config.Error{Setting: bound.flag, Value: bound.value, Problem: "no day", Hint: "write it as 2026-10-01"}
		}
	}
	return input.Open(ctx, paths, o)
}

// files is input for what is read without asking the ledger.
func (a *app) files(ctx context.Context, paths []string, valid config.Valid) (loader.Source, error) {
	return a.input(ctx, paths, valid, loadFlags{}, nil)
}

// withoutSecrets returns paths as they may be shown.
func withoutSecrets(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = blob.Redact(p)
	}
	return out
}
