package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/lint"
	"github.com/tapline/tapline/migrations"
)

func (a *app) migrateDown() *cobra.Command {
	var f migrateFlags
	var confirm, all bool
	check, count := steps("N", 1)
	c := &cobra.Command{
		Use:   "down [N]",
		Short: "Take the last migration back, or the last N of them",
		Long: `Take the last migration back, or the last N of them, the last one first. What their tables and columns hold is lost: it is
said what that is, and then asked; where nobody can be asked, --confirm is needed. The events are still in the files that
they were loaded from, and nowhere else.

The texts are those that are kept in the schema; --dir has those of migrations that golang-migrate's own command applied.`,
		Example: `  tapline migrate down --source CleverTap_Prod              # says what would be lost, and asks
  tapline migrate down 2 --source CleverTap_Prod --dir migrations --confirm`,
		Args: func(c *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return &config.Error{Setting: "--all", Problem: "a number and --all", Hint: "give one of them"}
			}
			return check(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMigrations(c.Context(), &f, mustExist, func(m *migration) error {
				n := count(args)
				if all {
					n = migrations.All
				}
				return a.down(c.Context(), m, &f, n, confirm)
			})
		},
	}
	f.flags(a, c, true)
	c.Flags().BoolVar(&confirm, "confirm", false, "do not ask")
	c.Flags().BoolVar(&all, "all", false, "take every migration back: nothing of the source is left but its empty schema")
	return c
}

type downJSON struct {
	admin.Source
	Confirmed bool         `json:"confirmed"` // false: nothing was changed
	Steps     []stepJSON   `json:"migrations"`
	Lost      []admin.Loss `json:"lost"`
}

func (a *app) down(ctx context.Context, m *migration, f *migrateFlags, n int, confirm bool) error {
	back, lost, err := m.losses(ctx, n)
	if err != nil {
		return err
	}
	if len(back) == 0 {
		return a.told(ctx, m, told{nothing: "Nothing to take back"}, nil)
	}
	if !confirm {
		if err := a.confirmDown(m, f, back, lost); err != nil {
			return err
		}
	}
	done, err := m.DownFolder(ctx, m.folder, len(back), back[0].Version)
	if a.json && err == nil {
		out := downJSON{Source: m.Source, Confirmed: true, Steps: []stepJSON{}, Lost: lost}
		for _, s := range done {
			out.Steps = append(out.Steps, stepJSON{s.Version, s.Name, s.Took.Seconds()})
		}
		return a.writeJSON(out)
	}
	return a.told(ctx, m, told{done: done, verb: "Took back", nothing: "Nothing to take back"}, err)
}

// losses returns the migrations that would be taken back, the last one first, and what would be lost.
func (m *migration) losses(ctx context.Context, n int) (back []migrations.File, lost []admin.Loss, err error) {
	files, err := m.Files(ctx)
	if err != nil {
		return nil, nil, err
	}
	texts := map[uint]string{}
	for _, f := range m.folder {
		texts[f.Version] = f.Down
	}
	var effects []lint.Effect
	for i := len(files) - 1; i >= 0 && len(back) < n; i-- {
		f := files[i]
		if !f.Applied() {
			continue
		}
		if f.Down == "" {
			f.Down = texts[f.Version]
		}
		if f.Down == "" {
			return nil, nil, &migrations.NoTextError{Version: f.Version, Name: f.Name}
		}
		back = append(back, f)
		effects = append(effects, lint.Effects(f.Down)...)
	}
	lost, err = admin.CountLosses(ctx, m.pool, m.Schema, dropped(m.Schema, effects))
	return back, lost, err
}

// dropped returns the tables and columns that SQL drops in a schema, each once; not the columns of tables that go.
func dropped(schemaName string, effects []lint.Effect) []admin.Loss {
	var losses []admin.Loss
	seen := map[[2]string]bool{}
	for _, op := range []string{"drop table", "truncate", "drop column"} { // tables first
		for _, e := range effects {
			key := [2]string{e.Table, e.Name}
			if e.Op != op || e.Schema != schemaName && e.Schema != "" || seen[key] || seen[[2]string{e.Table, ""}] {
				continue
			}
			seen[key] = true
			losses = append(losses, admin.Loss{Table: e.Table, Column: e.Name})
		}
	}
	return losses
}

// confirmDown says what is lost and asks.
func (a *app) confirmDown(m *migration, f *migrateFlags, back []migrations.File, lost []admin.Loss) error {
	names := make([]string, len(back))
	for i := range back {
		names[i] = fmt.Sprintf("%d %s", back[i].Version, printable(back[i].Name))
	}
	if a.json {
		out := downJSON{Source: m.Source, Steps: []stepJSON{}, Lost: lost}
		for _, b := range back {
			out.Steps = append(out.Steps, stepJSON{Version: b.Version, Name: b.Name})
		}
		if err := a.writeJSON(out); err != nil {
			return err
		}
		return &exitError{code: exitUsage}
	}
	p := newPrinter(a.stderr, a.env)
	p.line(p.bold("To be taken back from " + m.Schema + ": " + strings.Join(names, ", ")))
	p.losses(lost)
	if err := a.confirm("Take " + plural(len(back), "migration", "migrations") + " back?"); err != nil {
		var e *exitError
		if errors.As(err, &e) && e.code == exitUsage {
			return usage(errors.New("nothing was changed, and nobody can be asked here: add --confirm to do it"))
		}
		return err
	}
	return nil
}

func (p *printer) losses(lost []admin.Loss) {
	if len(lost) == 0 {
		p.line("  No table and no column is dropped.")
		return
	}
	var rows, empty int64
	g := &grid{header: []string{"~TABLE", "COLUMN", ">ROWS LOST"}}
	for _, l := range lost {
		if l.Rows == 0 && l.Exact {
			empty++
			continue
		}
		rows += l.Rows
		what := about(l.Rows, l.Exact)
		if l.Column != "" {
			what = about(l.Rows, l.Exact) + " values"
		}
		g.add(printable(l.Table), printable(l.Column), what)
	}
	if len(g.rows) > 0 {
		p.print(g)
	}
	if empty > 0 {
		p.line("  " + plural(empty, "table or column that is dropped is empty", "tables and columns that are dropped are empty"))
	}
	if rows > 0 {
		p.line("  " + p.red("This is lost for good") + ": what it holds is then only in the files that were loaded.")
	}
}
