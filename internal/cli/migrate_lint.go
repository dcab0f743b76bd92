package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/lint"
	"github.com/tapline/tapline/migrations"
)

// lintFlags are those of migrate lint.
type lintFlags struct {
	failOn, format string
	from           uint
	options        lint.Options
	rules          bool
}

// Values of the flags of migrate lint.
const (
	failNever    = "never"
	formatText   = "text"
	formatGitHub = "github"
)

func failOns() []string {
	words := []string{failNever}
	for _, s := range lint.Severities() {
		words = append(words, string(s))
	}
	return words
}

func (a *app) migrateLint() *cobra.Command {
	var f lintFlags
	c := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Find in migrations what locks tables for long, loses data or fails in golang-migrate",
		Long: `Look at .sql files, or at the migrations in folders, whoever wrote them; without a PATH at those that are kept in the
source's schema. Each finding has its place, why it hurts, and what to write instead. Files beside the one that is named are
read too, to know what its tables look like, but only what is named is reported.

What is meant as it stands is said so, with a reason, before the statement or at the end of its line:
  -- tapline:lint-ignore drop-column nobody has read it since May
and for a whole file with tapline:lint-ignore-file. No database is needed for files. Exit code 2 if something was found that
is as bad as --fail-on.`,
		Example: `  tapline migrate lint migrations/
  tapline migrate lint migrations/000007_prices.up.sql --fail-on error
  tapline migrate lint migrations/ --format github
  tapline migrate lint --rules`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return a.lint(c.Context(), &f, args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"sql"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().StringVar(&f.failOn, "fail-on", string(lint.Warning), "exit with code 2 from this `SEVERITY` on: notice, warning, error; or never")
	c.Flags().StringVar(&f.format, "format", formatText, "`FORMAT` of the findings: text, or github for annotations in GitHub Actions")
	c.Flags().UintVar(&f.from, "from", 0, "report only migrations from number `N` on")
	c.Flags().BoolVar(&f.options.MultiStatement, "multi-statement", false, "the files run with golang-migrate's x-multi-statement")
	c.Flags().BoolVar(&f.rules, "rules", false, "list the rules and look at nothing")
	complete(c, "fail-on", failOns())
	complete(c, "format", []string{formatText, formatGitHub})
	return c
}

func (f *lintFlags) check(json bool) error {
	switch {
	case !slices.Contains(failOns(), f.failOn):
		return &config.Error{Setting: "--fail-on", Value: f.failOn, Problem: "unknown severity", Hint: "use " + config.AnyOf(failOns(), "")}
	case f.format != formatText && f.format != formatGitHub:
		return &config.Error{Setting: "--format", Value: f.format, Problem: "unknown format", Hint: "use text or github"}
	case f.format == formatGitHub && json:
		return &config.Error{Setting: "--format", Value: f.format, Problem: "contradicts --json", Hint: "leave one of them out"}
	}
	return nil
}

func (a *app) lint(ctx context.Context, f *lintFlags, paths []string) error {
	if err := f.check(a.json); err != nil {
		return err
	}
	if f.rules {
		return a.lintRules()
	}
	var inputs []lint.Input
	var err error
	if len(paths) > 0 {
		inputs, err = lintInputs(paths)
	} else {
		f.options.LockTimeout = true // that of whoever applied them: a Migrator
		inputs, err = a.keptInputs(ctx)
	}
	if err != nil {
		return err
	}
	for i := range inputs {
		version, _, _, ok := migrations.ParseFileName(filepath.Base(inputs[i].Path))
		inputs[i].Context = inputs[i].Context || ok && version < f.from
	}
	return a.linted(f, lint.Lint(inputs, f.options))
}

type lintJSON struct {
	lint.Report
	FailOn string `json:"fail_on"`
	Failed bool   `json:"failed"`
}

// linted prints a report and returns whether it is bad enough to fail.
func (a *app) linted(f *lintFlags, r lint.Report) error {
	failed := f.failOn != failNever && r.Worst(lint.Severity(f.failOn))
	switch p := newPrinter(a.stdout, a.env); {
	case a.json:
		if err := a.writeJSON(lintJSON{r, f.failOn, failed}); err != nil {
			return err
		}
	case f.format == formatGitHub:
		workspace := a.env("GITHUB_WORKSPACE")
		for i := range r.Findings {
			p.line(annotation(&r.Findings[i], workspace))
		}
	default:
		p.lintReport(&r)
	}
	if failed {
		return &exitError{code: exitFound}
	}
	return nil
}

// lintInputs reads files and folders, and as context the files beside a file.
func lintInputs(paths []string) ([]lint.Input, error) {
	named := map[string]bool{}
	var folders []string
	for _, path := range paths {
		path = filepath.Clean(path)
		info, err := os.Stat(path)
		if err != nil {
			return nil, &config.Error{Setting: "PATH", Value: path, Problem: pathProblem(err), Hint: "give a .sql file or a folder of migrations"}
		}
		dir := path
		if info.IsDir() {
			sql, err := filepath.Glob(filepath.Join(globSafe(path), "*.sql"))
			if err != nil || len(sql) == 0 {
				return nil, &config.Error{Setting: "PATH", Value: path, Problem: "no .sql file in this folder", Hint: "give the folder that has the migrations"}
			}
			for _, name := range sql {
				named[name] = true
			}
		} else {
			dir = filepath.Dir(path)
			named[path] = true
		}
		if !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	return lintFiles(folders, named)
}

func lintFiles(folders []string, named map[string]bool) ([]lint.Input, error) {
	var inputs []lint.Input
	for _, dir := range folders {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("read folder of migrations: %w", err)
		}
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			if entry.IsDir() || !named[path] && filepath.Ext(path) != ".sql" {
				continue
			}
			if _, _, _, migration := migrations.ParseFileName(entry.Name()); !named[path] && !migration {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("read migration: %w", err)
			}
			inputs = append(inputs, lint.Input{Path: filepath.ToSlash(path), Text: string(text), Context: !named[path]})
		}
	}
	return inputs, nil
}

// globSafe makes a folder's name stand for itself in a pattern.
func globSafe(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

func pathProblem(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "no such file or folder"
	}
	return err.Error()
}

// keptInputs returns the migrations that are kept in the source's schema.
func (a *app) keptInputs(ctx context.Context) (inputs []lint.Input, err error) {
	err = a.withSource(ctx, func(pool *pgxpool.Pool, s admin.Source) error {
		m, err := migrations.Open(ctx, pool.Config().ConnConfig, s.Schema, migrations.Options{Logger: a.log})
		if err != nil {
			return err
		}
		defer m.Close()
		files, err := m.Files(ctx)
		if err != nil {
			return err
		}
		for i := range files {
			inputs = append(inputs, keptInput(s.Schema, &files[i])...)
		}
		return nil
	})
	return inputs, err
}

// keptInput returns the two files of a migration; those whose texts are not kept are known by their place only.
func keptInput(schemaName string, f *migrations.File) []lint.Input {
	base := fmt.Sprintf("%s/%06d_%s", schemaName, f.Version, f.Name)
	return []lint.Input{
		{Path: base + ".up.sql", Text: f.Up, Context: f.Up == ""}, {Path: base + ".down.sql", Text: f.Down, Context: f.Down == ""},
	}
}

func (p *printer) lintReport(r *lint.Report) {
	counts := map[lint.Severity]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		counts[f.Severity]++
		mark := p.dim(string(f.Severity))
		switch f.Severity {
		case lint.Error:
			mark = p.red(string(f.Severity))
		case lint.Warning:
			mark = p.yellow(string(f.Severity))
		}
		p.line(p.bold(fmt.Sprintf("%s:%d:%d", printable(f.File), f.Line, f.Column)), ": ", mark, " ", f.Rule)
		p.line("    " + printable(f.Why))
		p.line("    " + p.cyan("→ "+printable(f.Fix)))
	}
	ignored := ""
	if r.Ignored > 0 {
		ignored = fmt.Sprintf(" (%d ignored, with reasons)", r.Ignored)
	}
	if len(r.Findings) == 0 {
		p.line(p.green("✓") + " Nothing found in " + plural(r.Files, "file", "files") + ignored + ".")
		return
	}
	var parts []string
	for _, s := range lint.Severities() {
		if n := counts[s]; n > 0 {
			parts = append(parts, plural(n, string(s), string(s)+"s"))
		}
	}
	p.line()
	p.line(p.bold(strings.Join(parts, ", ")) + " in " + plural(r.Files, "file", "files") + ignored)
}

func (a *app) lintRules() error {
	if a.json {
		return a.writeJSON(lint.Rules())
	}
	p := newPrinter(a.stdout, a.env)
	g := &grid{header: []string{"RULE", "SEVERITY", "<WHAT IT FINDS"}}
	for _, r := range lint.Rules() {
		g.add(r.ID, string(r.Severity), r.About)
	}
	p.print(g)
	return nil
}

// annotation is a finding as a workflow command of GitHub Actions, which shows it beside the line in the pull request.
// Paths are those of the repository.
func annotation(f *lint.Finding, workspace string) string {
	path := f.File
	if abs, err := filepath.Abs(path); err == nil && workspace != "" {
		if rel, err := filepath.Rel(workspace, abs); err == nil && filepath.IsLocal(rel) {
			path = filepath.ToSlash(rel)
		}
	}
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	return fmt.Sprintf("::%s file=%s,line=%d,col=%d,title=%s::%s", f.Severity, property.Replace(path), f.Line, f.Column,
		property.Replace("tapline lint: "+f.Rule), data.Replace(f.Why+"\n"+f.Fix))
}
