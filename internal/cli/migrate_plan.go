package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/lint"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func (a *app) migratePlan() *cobra.Command {
	var f planFlags
	var sql bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "Say what would change in the schema, and with which SQL; change nothing",
		Long: `Say what would change in the schema, and with which SQL; change nothing, take no lock. With files in --dir that are not
applied yet, the plan is these files, what up would do. Else it is what the schema lacks, what generate would write.

` + lacksHelp + `

The exit code is 0 if nothing would change and 2 if something would.`,
		Example: `  tapline migrate plan --source CleverTap_Prod                      # what this release's catalogue adds
  tapline migrate plan --source CleverTap_Prod --dir migrations     # what is in a pull request
  tapline migrate plan --source CleverTap_Prod --waiting --sql
  tapline migrate plan --source CleverTap_Prod --events exports/ --json
  tapline migrate plan --source CleverTap_Prod --from clevertap     # the account's own events`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withMigrations(c.Context(), &f.migrateFlags, mayLack, func(m *migration) error {
				return a.plan(c.Context(), m, &f, sql)
			})
		},
	}
	f.flags(a, c)
	c.Flags().BoolVar(&sql, "sql", false, "print the SQL alone")
	return c
}

// planned is what plan found.
type planned struct {
	migrations.Proposal
	source admin.Source
	files  []migrations.File // of --dir, not applied yet: the plan is these
}

func (a *app) plan(ctx context.Context, m *migration, f *planFlags, sql bool) error {
	out := &planned{source: m.Source}
	var err error
	if out.files, err = m.unapplied(ctx); err != nil {
		return err
	}
	out.Schema = m.Schema
	if len(out.files) == 0 {
		if out.Proposal, err = a.propose(ctx, m, f, ""); err != nil {
			return err
		}
	} else if m.Migrator != nil {
		if out.Version, _, err = m.Version(ctx); err != nil {
			return err
		}
	}
	switch {
	case a.json:
		err = a.writeJSON(out.json())
	case sql:
		_, err = io.WriteString(a.stdout, out.sql())
	default:
		newPrinter(a.stdout, a.env).plan(out, m.flags(a, &f.migrateFlags), f.asked())
	}
	if err != nil || out.empty() {
		return err
	}
	return &exitError{code: exitFound}
}

// unapplied returns the files of --dir that are not applied, once it is sure that they can be.
func (m *migration) unapplied(ctx context.Context) ([]migrations.File, error) {
	if m.Migrator == nil || len(m.folder) == 0 {
		return m.folder, nil
	}
	if err := m.Verify(ctx, m.folder); err != nil {
		return nil, err
	}
	version, _, err := m.Version(ctx)
	return slices.DeleteFunc(slices.Clone(m.folder), func(f migrations.File) bool { return f.Version <= version }), err
}

// propose finds out what the schema lacks.
func (a *app) propose(ctx context.Context, m *migration, f *planFlags, title string) (migrations.Proposal, error) {
	d, err := a.lacks(ctx, m, f)
	if err != nil {
		return migrations.Proposal{}, err
	}
	if m.Migrator == nil {
		return migrations.ProposeNew(m.Nickname, m.Schema, d, title), nil
	}
	return m.Propose(ctx, m.Nickname, d, title)
}

func (o *planned) empty() bool { return len(o.files) == 0 && o.Empty() }

func (o *planned) sql() string {
	if len(o.files) == 0 {
		return o.SQL()
	}
	var b strings.Builder
	for i := range o.files {
		b.WriteString(o.files[i].Up)
	}
	return b.String()
}

// plan prints a plan. flags lead to the same source and folder, asked to the same plan of them.
func (p *printer) plan(o *planned, flags, asked string) {
	at := fmt.Sprintf("at version %d", o.Version)
	if o.Version == 0 {
		at = "not set up yet"
	}
	p.line(p.bold("Plan for schema "+o.Schema) + p.dim("  "+at))
	if o.empty() {
		p.line(p.green("✓") + " Nothing would change.")
		return
	}
	for _, files := range [][]migrations.File{o.files, o.Waiting} {
		for _, f := range files {
			p.effects(o.Schema, &f)
		}
	}
	p.diff(o)
	p.line()
	p.line(p.bold(o.count()))
	p.heading("Next")
	switch {
	case len(o.files)+len(o.Waiting) > 0:
		p.line("  " + p.cyan(programName()+" migrate up"+flags))
	case strings.Contains(flags, " --dir "):
		p.line("  " + p.cyan(programName()+" migrate generate"+flags+asked))
	default:
		p.line("  " + p.cyan(programName()+" migrate generate"+flags+" --dir migrations"+asked))
	}
}

// effects prints what a file does.
func (p *printer) effects(schemaName string, f *migrations.File) {
	p.heading(fmt.Sprintf("Migration %d %s", f.Version, printable(f.Name)))
	if f.Version == 1 && strings.Contains(f.Up, "_migration_files") {
		p.line("  " + p.green("+") + " Tapline's own tables and those of the event catalogue")
		return
	}
	n := 0
	made := map[string]bool{}
	for _, e := range lint.Effects(f.Up) {
		if e.Op == "create table" {
			made[e.Table] = true
		}
		if e.Op == "create view" && e.Table == schema.TableTracks || e.Op == "create index" && made[e.Table] {
			continue
		}
		n++
		p.line("  " + p.effect(schemaName, &e))
	}
	if n == 0 {
		p.line("  " + p.dim("no table and no column changes"))
	}
}

func (p *printer) effect(schemaName string, e *lint.Effect) string {
	object := printable(e.Table)
	if e.Schema != "" && e.Schema != schemaName {
		object = printable(e.Schema) + "." + object
	}
	if e.Name != "" {
		object += "." + printable(e.Name)
	}
	if e.Type != "" {
		object += " " + e.Type
	}
	if e.Columns > 0 {
		object += p.dim("  " + plural(e.Columns, "column", "columns"))
	}
	kind, what, _ := strings.Cut(e.Op, " ")
	switch kind {
	case "create", "add":
		return p.green("+") + " " + what + " " + object
	case "drop", "truncate":
		return p.red("-") + " " + strings.TrimSpace(what+" "+object)
	}
	return p.yellow("~") + " " + e.Op + " " + object
}

// diff prints what the schema lacks, a line for each table.
func (p *printer) diff(o *planned) {
	d := &o.Diff
	if d.Empty() && !o.Tracks {
		if o.Catalogue {
			p.line("  " + p.yellow("~") + " it is noted that the schema has this release's catalogue")
		}
		return
	}
	p.line()
	own := map[string]bool{}
	if o.Version == 0 {
		for _, t := range schema.BaselineTables() {
			own[t.Name] = true
		}
		p.line("  " + p.green("+") + fmt.Sprintf(" migration 1: Tapline's own tables, and the %d of the event catalogue", len(own)))
	}
	for i := range d.Tables {
		if t := &d.Tables[i]; !own[t.Name] {
			p.line("  " + p.green("+") + " table " + printable(t.Name) + p.dim("  "+plural(len(t.Columns), "column", "columns")+": "+columnList(t.Columns)))
		}
	}
	for _, c := range d.Columns {
		p.line("  " + p.green("+") + " " + printable(c.Table) + "." + printable(c.Column.Name) + " " + c.Column.Type.String())
	}
	for _, w := range d.Widen {
		p.line("  " + p.yellow("~") + " " + printable(w.Table) + "." + printable(w.Column) + " " + w.From.String() + " -> " + w.To.String() + p.dim("  the table is written anew"))
	}
	if o.Tracks && o.Version > 0 {
		p.line("  " + p.yellow("~") + " view tracks")
	}
}

// columnList are the columns that are not in every table.
func columnList(columns []schema.Column) string {
	standard := map[string]bool{}
	for _, c := range schema.StandardColumns() {
		standard[c.Name] = true
	}
	var words []string
	for _, c := range columns {
		if !standard[c.Name] {
			words = append(words, printable(c.Name)+" "+c.Type.String())
		}
	}
	if len(words) == 0 {
		return "the standard ones"
	}
	return shorten(strings.Join(words, ", "), 200)
}

// count is the plan in one line.
func (o *planned) count() string {
	if n := len(o.files); n > 0 {
		return plural(n, "migration of the folder is to be applied", "migrations of the folder are to be applied")
	}
	parts := []string{
		plural(len(o.Diff.Tables), "table", "tables") + " to create",
		plural(len(o.Diff.Columns), "column", "columns") + " to add",
		plural(len(o.Diff.Widen), "column", "columns") + " to widen",
	}
	if n := len(o.Waiting); n > 0 {
		parts = append(parts, plural(n, "kept migration waits", "kept migrations wait"))
	}
	return strings.Join(parts, ", ")
}
