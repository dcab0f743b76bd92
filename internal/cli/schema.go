package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/dictionary"
)

func (a *app) schemaCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "schema",
		Short: "Look at the tables, find drift, export what they hold, widen a column",
		Long: `Show the tables of a source, compare them with what they should be, describe them to other tools, and give a column a
wider type.`,
		Example: `  tapline schema show --source CleverTap_Prod
  tapline schema diff --source CleverTap_Prod
  tapline schema export --format dbt --out models/clevertap_prod
  tapline schema widen purchase.amount numeric`,
	}, a.schemaShowCommand(), a.schemaDiffCommand(), a.schemaExportCommand(), a.schemaWidenCommand())
}

// withSchema connects and reads the schema of a source, for commands that look at its tables. With --schema it may be one
// that no source has yet, such as one that another warehouse made.
func (a *app) withSchema(ctx context.Context, do func(*pgxpool.Pool, *dictionary.Schema) error) error {
	if _, err := a.cfg.Validate(); err != nil {
		return err
	}
	pool, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	name, err := a.schemaName(ctx, pool)
	if err != nil {
		return err
	}
	s, err := dictionary.Read(ctx, pool, name)
	if err != nil {
		return err
	}
	return do(pool, s)
}

func (a *app) schemaName(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	source, err := admin.Find(ctx, pool, a.cfg.Source, a.cfg.Schema)
	var which *admin.SourceError
	if !errors.As(err, &which) {
		return source.Schema, err
	}
	if a.cfg.Schema != "" {
		there, existsErr := catalog.Exists(ctx, pool, a.cfg.Schema)
		if existsErr != nil {
			return "", existsErr
		}
		if there {
			return a.cfg.Schema, nil
		}
	}
	return "", usage(err)
}

// noTable says that a table was asked for that is not there.
func noTable(s *dictionary.Schema, name string) error {
	return usage(fmt.Errorf("no table %s in schema %s: tapline schema show lists those there are", printable(name), s.Name))
}
