package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
)

func (a *app) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Plan, write, check and apply the migrations of a source's schema",
		Long: `The schema of a source changes by numbered migrations. With --evolve auto loads make and apply them as events need
them. With --evolve managed you do: generate writes them as files, which are reviewed like code, and up applies them, here
or with golang-migrate's own command.

` + databaseHelp,
		Example: `  tapline migrate plan --source CleverTap_Prod
  tapline migrate generate --source CleverTap_Prod --dir migrations
  tapline migrate up --source CleverTap_Prod --dir migrations`,
	}
	return group(c, a.migratePlan(), a.migrateGenerate(), a.migrateUp(), a.migrateDown(), a.migrateStatus(), a.migrateVersion(),
		a.migrateRepair(), a.migrateLint(), a.migrateCheck())
}

// migrateFlags are those that the commands about migrations share.
type migrateFlags struct {
	dir               string
	lockTimeout, wait time.Duration
}

// flags adds the flags of a command; with changes also those of one that changes the schema.
func (f *migrateFlags) flags(a *app, c *cobra.Command, changes bool) {
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().StringVar(&f.dir, "dir", "", "`FOLDER` of the migrations as files, if you keep them in one")
	must(c.MarkFlagDirname("dir"))
	if changes {
		c.Flags().DurationVar(&f.lockTimeout, "lock-timeout", 300*time.Millisecond, "how long (`TIME`) to wait for a table's lock at a time: readers of the table stand behind")
		c.Flags().DurationVar(&f.wait, "wait", 10*time.Minute, "how long (`TIME`) to wait in all, for another migrator to end and for locks")
	}
}

func (f *migrateFlags) check() error {
	for _, flag := range []struct {
		name string
		d    time.Duration
	}{{"--lock-timeout", f.lockTimeout}, {"--wait", f.wait}} {
		if flag.d < 0 || flag.d > 0 && flag.d < time.Millisecond {
			return &config.Error{Setting: flag.name, Value: flag.d.String(), Problem: "too short", Hint: "use 1ms or more, such as 300ms, 5s or 10m"}
		}
	}
	return nil
}

// migration is the source whose migrations a command is about.
type migration struct {
	admin.Source
	*migrations.Migrator                   // nil if there is no database yet
	pool                 *pgxpool.Pool     // nil with it
	folder               []migrations.File // nil without --dir
	server               *server
	known                bool // the source is in the database
}

// Ways to look for the database of a command.
const (
	mustExist = iota
	mayLack   // the private one is not made: there is none then
	mayMake   // the private one is made
)

// withMigrations finds database, source and folder and calls do.
func (a *app) withMigrations(ctx context.Context, f *migrateFlags, way int, do func(*migration) error) error {
	if err := f.check(); err != nil {
		return err
	}
	m := &migration{}
	var err error
	if m.folder, err = readFolder(f.dir); err != nil {
		return err
	}
	if _, err := a.cfg.Validate(); err != nil {
		return err
	}
	m.server, err = a.server(ctx, way == mayMake)
	var none *errNoDatabase
	switch {
	case way == mayLack && errors.As(err, &none):
		if m.Source, err = a.newSource(); err != nil {
			return err
		}
		return do(m)
	case err != nil:
		return err
	}
	if m.pool, err = m.server.pool(ctx); err != nil {
		return err
	}
	defer m.pool.Close()
	if err := loader.Check(ctx, m.pool); err != nil {
		return err
	}
	if err := a.findSource(ctx, m); err != nil {
		return err
	}
	m.Migrator, err = migrations.Open(ctx, m.pool.Config().ConnConfig, m.Schema, migrations.Options{
		LockTimeout: f.lockTimeout, LockWait: f.wait, RetryFor: f.wait, Logger: a.log,
	})
	if err != nil {
		return err
	}
	defer m.Close()
	return do(m)
}

// findSource finds the source in the database, or takes it as a new one if it is named.
func (a *app) findSource(ctx context.Context, m *migration) (err error) {
	m.Source, err = admin.Find(ctx, m.pool, a.cfg.Source, a.cfg.Schema)
	var which *admin.SourceError
	switch {
	case err == nil:
		m.known = true
		return nil
	case errors.As(err, &which) && a.cfg.Source != "":
		m.Source, err = a.newSource()
		return err
	case errors.As(err, &which):
		return usage(err)
	}
	return err
}

// newSource is the source that the flags name, which the database does not know yet.
func (a *app) newSource() (admin.Source, error) {
	if a.cfg.Source == "" {
		return admin.Source{}, a.noSource()
	}
	valid, err := a.cfg.Validate()
	return admin.Source{Nickname: a.cfg.Source, Schema: valid.Schema, Kind: "clevertap"}, err
}

// readFolder reads the files of --dir. A folder that is not there yet is empty.
func readFolder(dir string) ([]migrations.File, error) {
	if dir == "" {
		return nil, nil
	}
	files, err := migrations.ReadFolder(os.DirFS(dir))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []migrations.File{}, nil
	case err != nil:
		return nil, fmt.Errorf("folder %s: %w", dir, err)
	}
	return files, nil
}

// flags are those with which another command finds the same source and database.
func (m *migration) flags(a *app, f *migrateFlags) string {
	flags := " --source " + shellWord(m.Nickname)
	if a.cfg.Schema != "" {
		flags += " --schema " + shellWord(a.cfg.Schema)
	}
	if f.dir != "" {
		flags += " --dir " + shellWord(f.dir)
	}
	return flags + a.sameDatabase()
}

// steps is the argument [N] of up and down.
func steps(name string, without int) (cobra.PositionalArgs, func([]string) int) {
	parse := func(args []string) (int, error) {
		if len(args) == 0 {
			return without, nil
		}
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return 0, &config.Error{Setting: name, Value: args[0], Problem: "no number of migrations", Hint: "use 1 or more"}
		}
		return n, nil
	}
	check := func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return &config.Error{Setting: name, Value: args[1], Problem: "one too many", Hint: "give one number"}
		}
		_, err := parse(args)
		return err
	}
	return check, func(args []string) int {
		n, _ := parse(args) // checked before
		return n
	}
}
