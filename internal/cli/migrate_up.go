package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/migrations"
)

func (a *app) migrateUp() *cobra.Command {
	var f migrateFlags
	check, count := steps("N", migrations.All)
	c := &cobra.Command{
		Use:   "up [N]",
		Short: "Apply the migrations that wait, or the next N of them",
		Long: `Apply the migrations that wait, or the next N of them: those of --dir, which is first compared with what is applied, or,
without a folder, those that are kept in the schema and what this release's catalogue adds. Each file is one transaction.

Nothing waits for a table's lock longer than --lock-timeout at a time, so that readers of the table go on; it is tried
again until --wait is over. Another migrator of the same schema is waited for as long. A migration that was interrupted is
repaired first.

The role needs the right to change the schema, whatever --evolve says: it is that of your migrations, not the loader's.`,
		Example: `  tapline migrate up --source CleverTap_Prod --dir migrations
  tapline migrate up 1 --source CleverTap_Prod --dir migrations --wait 1m
  tapline migrate up --source CleverTap_Prod                # what this release's catalogue adds, without files`,
		Args: check,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMigrations(c.Context(), &f, mayMake, func(m *migration) error {
				return a.up(c.Context(), m, &f, count(args))
			})
		},
	}
	f.flags(a, c, true)
	return c
}

type stepJSON struct {
	Version uint    `json:"version"`
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

type stepsJSON struct {
	admin.Source
	Version uint       `json:"version"` // after it
	Steps   []stepJSON `json:"migrations"`
	// Indexes are those of the configuration; none of them is part of a migration.
	Indexes []indexJSON `json:"indexes,omitempty"`
	Error   string      `json:"error,omitempty"`
}

func (a *app) up(ctx context.Context, m *migration, f *migrateFlags, limit int) error {
	var done []migrations.Step
	var err error
	switch {
	case f.dir == "":
		done, err = m.UpSteps(ctx, m.Nickname, limit)
	case len(m.folder) == 0:
		return &config.Error{Setting: "--dir", Value: f.dir, Problem: "no migrations in this folder", Hint: "write them with tapline migrate generate"}
	default:
		done, err = m.UpFolder(ctx, m.Nickname, m.folder, limit)
	}
	var indexes []indexJSON
	if err == nil {
		indexes, err = a.ensureIndexes(ctx, m.Migrator)
	}
	return a.told(ctx, m, told{done: done, indexes: indexes, verb: "Applied", nothing: "Nothing to apply"}, err)
}

// told is what a command did.
type told struct {
	done          []migrations.Step
	indexes       []indexJSON
	verb, nothing string // what is said of steps, and of none
}

// told prints what was done, and returns err, the reason why it is not more.
func (a *app) told(ctx context.Context, m *migration, t told, err error) error {
	version, _, versionErr := m.Version(context.WithoutCancel(ctx))
	if a.json {
		out := stepsJSON{Source: m.Source, Version: version, Steps: []stepJSON{}, Indexes: t.indexes}
		for _, s := range t.done {
			out.Steps = append(out.Steps, stepJSON{s.Version, s.Name, s.Took.Seconds()})
		}
		if err == nil {
			err = versionErr
		}
		if err == nil {
			return a.writeJSON(out)
		}
		out.Error = describe(err)
		if jsonErr := a.writeJSON(out); jsonErr != nil {
			return jsonErr
		}
		return &exitError{code: exitCode(err)}
	}
	p := newPrinter(a.stdout, a.env)
	if len(t.done) > 0 {
		p.line(p.green("✓") + " " + p.bold(fmt.Sprintf("%s %s: %s is at version %d", t.verb, plural(len(t.done), "migration", "migrations"), m.Schema, version)))
		g := &grid{header: []string{">VERSION", "~NAME", ">TOOK"}}
		for _, s := range t.done {
			took := ""
			if s.Took > 0 {
				took = span(s.Took)
			}
			g.add(fmt.Sprint(s.Version), printable(s.Name), took)
		}
		p.print(g)
	} else if err == nil {
		p.line(p.green("✓") + fmt.Sprintf(" %s: %s is at version %d", t.nothing, m.Schema, version))
	}
	p.indexes(t.indexes)
	if err != nil {
		return err
	}
	return versionErr
}
