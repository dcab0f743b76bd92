package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/migrations"
)

func (a *app) migrateRepair() *cobra.Command {
	var f migrateFlags
	var confirm bool
	c := &cobra.Command{
		Use:   "repair",
		Short: "Explain and heal what an interrupted migration has left",
		Long: `Explain and heal what an interrupted migration has left. golang-migrate works in three transactions: it writes the
version as dirty, runs the file, and writes the version as clean. The file is one transaction with its record in
_migration_files as its last statement, so that record is true whenever the program was killed, and the version is set to it.
Every other command that changes the schema begins with that; this one does nothing else.

If golang-migrate is ahead of the records, and clean, somebody's file has left no record or a version was forced. Then --dir
records the folder's files up to that version as applied, once --confirm says that they are.`,
		Example: `  tapline migrate repair --source CleverTap_Prod
  tapline migrate repair --source CleverTap_Prod --dir migrations --confirm`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withMigrations(c.Context(), &f, mustExist, func(m *migration) error {
				return a.repair(c.Context(), m, confirm)
			})
		},
	}
	f.flags(a, c, true)
	c.Flags().BoolVar(&confirm, "confirm", false, "the files of --dir that are not recorded are really in the database")
	return c
}

type repairJSON struct {
	admin.Source
	Begun    int    `json:"begun"` // golang-migrate's version as found
	Dirty    bool   `json:"dirty"` // as found
	Applied  int    `json:"applied"`
	Version  uint   `json:"version"` // after it
	Repaired bool   `json:"repaired"`
	Story    string `json:"explanation"`
}

func (a *app) repair(ctx context.Context, m *migration, confirm bool) error {
	files := m.folder
	c, err := m.Condition(ctx)
	if err != nil {
		return err
	}
	if c.Unrecorded() && files != nil && !confirm {
		return usage(fmt.Errorf("golang-migrate says that %s is at migration %d, and the records end at %d: if the files above %d are in the database, "+
			"add --confirm to record them", m.Schema, c.Begun, c.Applied, c.Applied))
	}
	found, err := m.Repair(ctx, files)
	if err != nil {
		return err
	}
	after, dirty, err := m.Version(ctx)
	switch {
	case err != nil:
		return err
	case dirty:
		return errors.New("the version is still dirty: another migrator was killed meanwhile; run the command again")
	}
	names := map[int]string{}
	list, err := m.List(ctx)
	if err != nil {
		return err
	}
	for _, f := range list {
		names[int(f.Version)] = f.Name
	}
	story := explain(found, names)
	if a.json {
		return a.writeJSON(repairJSON{m.Source, found.Begun, found.Dirty, found.Applied, after, !found.Right(), story})
	}
	p := newPrinter(a.stdout, a.env)
	if found.Right() {
		p.line(p.green("✓") + " " + story)
		return nil
	}
	p.line(p.green("✓") + " " + p.bold(fmt.Sprintf("Repaired: %s is at version %d, clean", m.Schema, after)))
	p.line("  " + story)
	return nil
}

// explain says what was going on when a migration was interrupted, and what was done about it.
func explain(c migrations.Condition, names map[int]string) string {
	name := func(v int) string {
		if names[v] != "" {
			return fmt.Sprintf("%d %s", v, printable(names[v]))
		}
		return fmt.Sprint(v)
	}
	switch {
	case c.Right():
		return fmt.Sprintf("Nothing to repair: golang-migrate and the records agree on version %d.", c.Applied)
	case c.Unrecorded():
		return fmt.Sprintf("golang-migrate was at %d and the records ended at %d: the folder's files in between are recorded as applied.", c.Begun, c.Applied)
	case c.Dirty && c.Begun > c.Applied:
		return fmt.Sprintf("golang-migrate had written down that it begins with migration %s, and its file did not commit: it failed, or somebody was killed. "+
			"Nothing of it is in the database. The version is set back to %d; the next up applies it from its beginning.", name(c.Begun), c.Applied)
	case c.Dirty && c.Begun == c.Applied:
		return fmt.Sprintf("The transaction of the file had committed, so that version %d is what the database has; only golang-migrate's last note was missing. "+
			"It is written now; nothing has to be run again.", c.Applied)
	case c.Dirty:
		return fmt.Sprintf("golang-migrate was taking migration %s back and its file did not commit: the migration is applied, whole. "+
			"The version is set to it; the next down takes it back from its beginning.", name(c.Applied))
	}
	return fmt.Sprintf("golang-migrate's version was %d, and migration %s is recorded as applied, in the same transaction as its statements. The version is set to it.",
		c.Begun, name(c.Applied))
}
