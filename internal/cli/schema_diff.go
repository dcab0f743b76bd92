package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/dictionary"
	"github.com/tapline/tapline/migrations"
)

// schemaDiff are the flags of tapline schema diff.
type schemaDiff struct {
	dir      string
	all, sql bool
}

func (a *app) schemaDiffCommand() *cobra.Command {
	var d schemaDiff
	c := &cobra.Command{
		Use:   "diff",
		Short: "Compare the database with what it should be, and say how to repair it",
		Long: `Compare the tables of a source with what they should be: the event catalogue, what recorded migrations made of it and,
with --dir, the migrations of a folder. Each difference comes with the SQL or the command that repairs it. Tables that
were there before Tapline are as they are; indexes, views and tables of analysts are no drift, and --all lists them. Grants
are not looked at.

Exit code 2 if there is drift.`,
		Example: `  tapline schema diff --source CleverTap_Prod
  tapline schema diff --source CleverTap_Prod --dir migrations
  tapline schema diff --source CleverTap_Prod --sql > repair.sql`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withSchema(c.Context(), func(pool *pgxpool.Pool, s *dictionary.Schema) error {
				return a.schemaDiff(c.Context(), pool, s, d)
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().StringVar(&d.dir, "dir", "", "`FOLDER` of migrations that the database should have, too")
	c.Flags().BoolVar(&d.all, "all", false, "also list what is there and is no drift: others' tables, columns and indexes")
	c.Flags().BoolVar(&d.sql, "sql", false, "print nothing but the SQL that repairs it, for psql")
	must(c.MarkFlagDirname("dir"))
	return c
}

type schemaDiffJSON struct {
	Schema string `json:"schema"`
	Drift  bool   `json:"drift"`
	// Unchecked says what could not be compared, and why.
	Unchecked []string             `json:"unchecked"`
	Findings  []dictionary.Finding `json:"findings"`
}

func (a *app) schemaDiff(ctx context.Context, pool *pgxpool.Pool, s *dictionary.Schema, d schemaDiff) error {
	if !s.Ready() {
		return usage(fmt.Errorf("schema %s has none of Tapline's own tables: load something into it first, which takes over the tables that are there", s.Name))
	}
	out := schemaDiffJSON{Schema: s.Name, Unchecked: []string{}, Findings: list(dictionary.Diff(s, d.all))}
	tracks, checked, err := dictionary.CheckTracks(ctx, pool, s)
	if err != nil {
		return err
	}
	if !checked {
		out.Unchecked = append(out.Unchecked, "the view tracks: the role may not make temporary views here")
	}
	out.Findings = append(out.Findings, tracks...)
	more, err := a.migrationFindings(ctx, pool, s.Name, d.dir)
	if err != nil {
		return err
	}
	out.Findings = append(a.withoutConfigured(out.Findings), more...)
	for _, f := range out.Findings {
		out.Drift = out.Drift || f.Kind.Drift()
	}
	switch {
	case a.json:
		err = a.writeJSON(out)
	case d.sql:
		newPrinter(a.stdout, a.env).repairs(out.Findings)
	default:
		newPrinter(a.stdout, a.env).schemaDiff(&out)
	}
	if err == nil && out.Drift {
		return &exitError{code: exitFound}
	}
	return err
}

// migrationFindings looks for what the configuration and a folder have, and the database lacks.
func (a *app) migrationFindings(ctx context.Context, pool *pgxpool.Pool, schemaName, dir string) ([]dictionary.Finding, error) {
	indexes := a.indexes()
	if dir == "" && len(indexes) == 0 {
		return nil, nil
	}
	m, err := migrations.Open(ctx, pool.Config().ConnConfig, schemaName, migrations.Options{})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	up := programName() + " migrate up --schema " + shellWord(schemaName)
	found, err := indexFindings(ctx, m, indexes, up)
	if err != nil || dir == "" {
		return found, err
	}
	more, err := folderFindings(ctx, m, dir, up+" --dir "+shellWord(dir))
	return append(found, more...), err
}

func indexFindings(ctx context.Context, m *migrations.Migrator, indexes []migrations.Index, up string) ([]dictionary.Finding, error) {
	results, err := m.CheckIndexes(ctx, indexes)
	if err != nil {
		return nil, err
	}
	var found []dictionary.Finding
	for _, r := range results {
		if r.Status == migrations.IndexMissing {
			found = append(found, dictionary.Finding{
				Kind: dictionary.MissingIndex, Table: r.Table, Index: r.Name, Command: up,
				Problem: "the configuration has an index on " + strings.Join(r.Columns, ", ") + "; the database does not",
			})
		}
	}
	return found, nil
}

// withoutConfigured leaves out what would be somebody else's index if the configuration did not have it.
func (a *app) withoutConfigured(findings []dictionary.Finding) []dictionary.Finding {
	ours := map[string]bool{}
	for _, x := range a.indexes() {
		ours[migrations.IndexName(x)] = true
	}
	return slices.DeleteFunc(findings, func(f dictionary.Finding) bool { return f.Kind == dictionary.ExtraIndex && ours[f.Index] })
}

// folderFindings compares the migrations of a folder with those that are applied.
func folderFindings(ctx context.Context, m *migrations.Migrator, dir, up string) ([]dictionary.Finding, error) {
	files, err := migrations.ReadFolder(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	kept, err := m.Files(ctx)
	if err != nil {
		return nil, err
	}
	var found []dictionary.Finding
	for _, err := range flatten(m.Verify(ctx, files)) {
		found = append(found, dictionary.Finding{Kind: dictionary.Migrations, Problem: oneLine(err)})
	}
	applied := map[uint]bool{}
	for i := range kept {
		applied[kept[i].Version] = kept[i].Applied()
	}
	for i := range files {
		if f := &files[i]; !applied[f.Version] {
			found = append(found, dictionary.Finding{
				Kind: dictionary.Migrations, Problem: fmt.Sprintf("migration %d %s of %s is not applied", f.Version, f.Name, dir), Command: up,
			})
		}
	}
	return found, nil
}

// flatten returns the errors that are joined in one.
func flatten(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var out []error
		for _, err := range joined.Unwrap() {
			out = append(out, flatten(err)...)
		}
		return out
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func (p *printer) schemaDiff(out *schemaDiffJSON) {
	drift, others := 0, 0
	for _, f := range out.Findings {
		p.finding(&f)
		if f.Kind.Drift() {
			drift++
		} else {
			others++
		}
	}
	for _, text := range out.Unchecked {
		p.line(p.yellow("? not checked") + "  " + text)
	}
	if len(out.Findings)+len(out.Unchecked) > 0 {
		p.line()
	}
	switch {
	case drift > 0:
		p.line("Schema " + out.Schema + " has drifted: " + plural(drift, "difference", "differences") + ".")
	default:
		p.line("Schema " + out.Schema + " is as it should be.")
	}
	if others > 0 {
		p.line(p.dim(plural(others, "thing", "things") + " of others are no drift."))
	}
}

func (p *printer) finding(f *dictionary.Finding) {
	place := printable(f.Table)
	if f.Column != "" {
		place += "." + printable(f.Column)
	}
	if f.Index != "" && f.Column == "" {
		place += " " + printable(f.Index)
	}
	mark := p.red("✗ ")
	if !f.Kind.Drift() {
		mark = p.dim("· ")
	}
	word := strings.ReplaceAll(string(f.Kind), "_", " ")
	p.line(mark + p.bold(strings.TrimSpace(word+"  "+place)) + "  " + printable(f.Problem))
	p.repair("", f.Repair)
	if f.Command != "" {
		p.line("    " + p.cyan(f.Command))
	}
	p.repair("or: ", f.Or)
}

// maxRepairLines is how much of a statement is shown: a table of 500 columns has a thousand lines.
const maxRepairLines = 8

func (p *printer) repair(prefix, statement string) {
	if statement == "" {
		return
	}
	lines := strings.Split(strings.TrimRight(statement, "\n"), "\n")
	for i, line := range lines {
		if len(lines) > maxRepairLines+1 {
			line = shorten(line, 100)
		}
		if i == maxRepairLines && len(lines) > maxRepairLines+1 {
			p.line("    " + p.dim(fmt.Sprintf("… %s: --sql prints all", plural(len(lines)-i, "line more", "lines more"))))
			return
		}
		p.line("    " + p.cyan(prefix+strings.ReplaceAll(line, "\t", "  ")))
		prefix = ""
	}
}

// repairs writes a script of the repairs. Each table's locks are waited for no longer than loads can stand.
func (p *printer) repairs(findings []dictionary.Finding) {
	p.line("set lock_timeout = '5s';")
	for _, f := range findings {
		if f.Repair == "" && f.Command == "" {
			continue
		}
		p.line()
		p.line("-- " + string(f.Kind) + " " + strings.TrimSpace(printable(f.Table)+" "+printable(f.Column)) + ": " + printable(f.Problem))
		if f.Command != "" {
			p.line("-- " + f.Command)
		}
		if f.Or != "" {
			p.line("-- or: " + strings.ReplaceAll(strings.TrimSpace(f.Or), "\n", "\n-- "))
		}
		p.line(strings.TrimRight(f.Repair, "\n"))
	}
}
