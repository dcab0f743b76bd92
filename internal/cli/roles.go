package cli

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/roles"
)

func (a *app) rolesCommand() *cobra.Command {
	var names roles.Names
	var check bool
	c := &cobra.Command{
		Use:   "roles",
		Short: "Print the SQL for a migrator, a loader and an analyst role, or check them",
		Long: `Print the SQL that makes the Postgres roles of sources and gives them their rights:

  migrator  owns the schemas and applies migrations: the role of CI
  loader    adds rows; it can create nothing, not even temporary tables
  analyst   reads everything in the sources' schemas, tables of later migrations too

The SQL may be run again at any time; it needs a superuser. Replays, undoing loads, pruning and widening change rows or
tables that are there: they are the migrator's. With evolve auto the loader is the migrator: leave --migrator out.

Without --source it is for all sources of the database; with it no database is asked. With --check nothing is printed but
what each role lacks or has too much, each with the statement that mends it. Exit code 2 if there is anything.`,
		Example: `  tapline roles --source CleverTap_Prod | psql -v ON_ERROR_STOP=1 analytics
  tapline roles --source CleverTap_Prod --migrator ci --loader tapline --analyst bi
  tapline roles --migrator ci --loader tapline --analyst bi --check`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			valid, err := validNames(names)
			if err != nil {
				return err
			}
			if check {
				return a.checkRoles(c.Context(), valid)
			}
			return a.printRoles(c.Context(), valid)
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	rolesFlags(c, &names)
	c.Flags().BoolVar(&check, "check", false, "compare the roles in the database with what they should be")
	return c
}

// rolesFlags adds the flags that name roles.
func rolesFlags(c *cobra.Command, names *roles.Names) {
	c.Flags().StringVar(&names.Migrator, "migrator", "", "`ROLE` that owns the schemas and applies migrations")
	c.Flags().StringVar(&names.Loader, "loader", "", "`ROLE` that loads events")
	c.Flags().StringVar(&names.Analyst, "analyst", "", "`ROLE` that reads")
}

// validNames are the roles that are named, or the default ones if none is.
func validNames(names roles.Names) (roles.Names, error) {
	if names == (roles.Names{}) {
		names = roles.Default()
	}
	names, err := names.Validate()
	var bad *roles.NameError
	if errors.As(err, &bad) {
		return names, &config.Error{Setting: "--" + string(bad.Part), Value: bad.Name, Problem: bad.Problem}
	}
	return names, err
}

func (a *app) printRoles(ctx context.Context, names roles.Names) error {
	valid, err := a.cfg.Validate()
	if err != nil {
		return err
	}
	schemas := []string{valid.Schema}
	if valid.Schema == "" {
		pool, err := a.connect(ctx)
		if err != nil {
			return err
		}
		defer pool.Close()
		if schemas, err = sourceSchemas(ctx, pool); err != nil {
			return err
		}
	}
	sql := roles.SQL(names, schemas)
	if a.json {
		return a.writeJSON(struct {
			SQL string `json:"sql"`
		}{sql})
	}
	_, err = a.stdout.Write([]byte(sql))
	return err
}

// sourceSchemas are the schemas of all sources of a database.
func sourceSchemas(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	sources, err := admin.Sources(ctx, pool)
	if err == nil && len(sources) == 0 {
		err = usage(&admin.SourceError{})
	}
	var schemas []string
	for _, s := range sources {
		schemas = append(schemas, s.Schema)
	}
	return schemas, err
}

type rolesJSON struct {
	OK       bool            `json:"ok"`
	Findings []roles.Finding `json:"findings"`
}

func (a *app) checkRoles(ctx context.Context, names roles.Names) error {
	valid, err := a.cfg.Validate()
	if err != nil {
		return err
	}
	pool, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	schemas := []string{valid.Schema}
	if valid.Schema == "" {
		if schemas, err = sourceSchemas(ctx, pool); err != nil {
			return err
		}
	}
	findings, err := roles.Check(ctx, pool, names, schemas)
	if err != nil {
		return err
	}
	if a.json {
		err = a.writeJSON(rolesJSON{len(findings) == 0, list(findings)})
	} else {
		newPrinter(a.stdout, a.env).rights(findings)
	}
	if err == nil && len(findings) > 0 {
		return &exitError{code: exitFound}
	}
	return err
}

func (p *printer) rights(findings []roles.Finding) {
	if len(findings) == 0 {
		p.line(p.green("✓") + " the roles have the rights they need, and no others")
	}
	for _, f := range findings {
		mark := p.red("✗")
		if f.TooMuch {
			mark = p.yellow("!")
		}
		p.linef("%s %s", mark, printable(f.String()))
		p.linef("  %s", p.cyan("→ "+printable(f.Fix)+";"))
	}
}
