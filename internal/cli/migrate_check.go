package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/rehearsal"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
)

// checkFlags are those of migrate check.
type checkFlags struct{ dir, baseDir, baseRef string }

func (a *app) migrateCheck() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Try a folder of migrations in throwaway databases: up, down, up again, from the version before",
		Long: `Try the migrations of --dir before anybody merges them, in databases that are made for it and dropped again: they apply to
an empty database; what they make is the catalogue and what _columns records, with comments and the view tracks; the schema
keeps the texts of the files; each down file takes back what its up file did; they apply again; they apply to the version
before, with rows in its tables, and go back to it; golang-migrate alone comes to the same. The version before is the folder
--base-dir, or this folder as of the commit --base-ref.

Databases that exist are not touched. The role has to be one that may create databases. Exit code 2 if something was found.

` + databaseHelp,
		Example: `  tapline migrate check --source CleverTap_Prod --dir migrations
  tapline migrate check --source CleverTap_Prod --dir migrations --base-ref origin/main
  tapline migrate check --source CleverTap_Prod --dir migrations --dsn postgres://ci@localhost:5432/postgres --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.checkMigrations(c.Context(), &f) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().StringVar(&f.dir, "dir", "", "`FOLDER` of the migrations")
	c.Flags().StringVar(&f.baseDir, "base-dir", "", "`FOLDER` with the migrations of the version before")
	c.Flags().StringVar(&f.baseRef, "base-ref", "", "`COMMIT`, branch or tag that has the version before in the same folder")
	must(c.MarkFlagDirname("dir"))
	must(c.MarkFlagDirname("base-dir"))
	return c
}

type checkJSON struct {
	Source string            `json:"source"`
	Schema string            `json:"schema"`
	Files  int               `json:"files"`
	Passed bool              `json:"passed"`
	Checks []rehearsal.Check `json:"checks"`
}

func (a *app) checkMigrations(ctx context.Context, f *checkFlags) error {
	plan, err := a.checkPlan(ctx, f)
	if err != nil {
		return err
	}
	if plan.Config, err = a.scratchServer(ctx); err != nil {
		return err
	}
	checks, err := rehearsal.Run(ctx, plan)
	if err != nil {
		return err
	}
	out := checkJSON{Source: plan.Nickname, Schema: plan.Schema, Files: len(plan.Files), Passed: true, Checks: checks}
	for _, c := range checks {
		out.Passed = out.Passed && !c.Failed()
	}
	if a.json {
		err = a.writeJSON(out)
	} else {
		newPrinter(a.stdout, a.env).rehearsed(&out)
	}
	if err == nil && !out.Passed {
		return &exitError{code: exitFound}
	}
	return err
}

// checkPlan reads what is to be tried. No server is needed for that.
func (a *app) checkPlan(ctx context.Context, f *checkFlags) (p rehearsal.Plan, err error) {
	switch {
	case f.dir == "":
		return p, &config.Error{Setting: "--dir", Problem: "not given", Hint: "give the folder of the migrations"}
	case f.baseDir != "" && f.baseRef != "":
		return p, &config.Error{Setting: "--base-ref", Value: f.baseRef, Problem: "contradicts --base-dir", Hint: "leave one of them out"}
	}
	source, err := a.newSource()
	if err != nil {
		return p, err
	}
	p = rehearsal.Plan{Nickname: source.Nickname, Schema: source.Schema, Logger: a.log}
	p.Files, p.Problem = migrations.ReadFolder(os.DirFS(f.dir))
	switch {
	case p.Files == nil && p.Problem != nil:
		return p, folderError("--dir", f.dir, p.Problem)
	case len(p.Files) == 0 && p.Problem == nil:
		return p, &config.Error{Setting: "--dir", Value: f.dir, Problem: "no migrations in this folder", Hint: "write them with tapline migrate generate"}
	}
	switch {
	case f.baseDir != "":
		if p.Base, err = migrations.ReadFolder(os.DirFS(f.baseDir)); err != nil {
			return p, folderError("--base-dir", f.baseDir, err)
		}
	case f.baseRef != "":
		if p.Base, err = rehearsal.ReadGit(ctx, f.dir, f.baseRef); err != nil {
			return p, usage(err)
		}
	}
	return p, nil
}

func folderError(flag, dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &config.Error{Setting: flag, Value: dir, Problem: "no such folder", Hint: "give the folder of the migrations"}
	}
	return fmt.Errorf("folder %s: %w", dir, err)
}

// scratchServer finds the server on which databases may be made.
func (a *app) scratchServer(ctx context.Context) (*pgxpool.Config, error) {
	s, err := a.server(ctx, true)
	if err != nil {
		return nil, err
	}
	pool, err := s.pool(ctx)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := loader.Check(ctx, pool); err != nil {
		return nil, err
	}
	return pool.Config(), nil
}

func (p *printer) rehearsed(out *checkJSON) {
	failed := 0
	for i := range out.Checks {
		c := &out.Checks[i]
		mark, about := p.green("✓"), c.About
		switch {
		case c.Skipped != "":
			mark, about = p.dim("–"), about+p.dim(" (not tried: "+c.Skipped+")")
		case !c.Passed:
			mark = p.red("✗")
			failed++
		}
		p.linef("%s %-15s %s", mark, c.Name, about)
		for _, d := range c.Differences {
			p.line("    " + printable(d))
		}
	}
	p.line()
	files := plural(out.Files, "migration", "migrations")
	if failed > 0 {
		p.line(p.bold(plural(failed, "check", "checks") + " of " + files + " for schema " + out.Schema + " failed"))
		return
	}
	p.line(p.green("✓") + " " + p.bold(files+" for schema "+out.Schema+" passed"))
}
