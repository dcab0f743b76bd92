package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
)

func (a *app) psqlCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "psql [-- PSQL_ARGUMENT...]",
		Short: "Open psql on the database, in the schema of a source",
		Long: `Open psql on the database that the other commands use. With --source, tables can be named without their schema.
What stands after -- goes to psql.

` + databaseHelp,
		Example: `  tapline psql --source CleverTap_Prod
  tapline psql --source CleverTap_Prod -- -c 'select count(*) from app_launched'
  tapline psql -- --csv -f report.sql`,
		RunE: func(c *cobra.Command, args []string) error { return a.psql(c.Context(), args) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	return c
}

// psql becomes psql: it does not return if that works.
func (a *app) psql(ctx context.Context, args []string) error {
	if _, err := a.cfg.Validate(); err != nil {
		return err
	}
	server, err := a.server(ctx, false)
	if err != nil {
		return err
	}
	environ := a.environ
	if a.cfg.Source != "" || a.cfg.Schema != "" {
		path, err := a.searchPath(ctx, server)
		if err != nil {
			return err
		}
		if path != "" {
			environ = with(environ, "PGOPTIONS", strings.TrimSpace(a.env("PGOPTIONS")+" -c search_path="+path))
		}
	}
	program, err := findPsql(server)
	if err != nil {
		return err
	}
	argv := []string{program}
	if server.DSN != "" {
		parsed, err := pgconn.ParseConfig(server.DSN)
		if err != nil {
			return &config.Error{Setting: server.Origin, Problem: err.Error()}
		}
		dsn, err := config.ForPsql(server.DSN)
		if err != nil {
			return &config.Error{Setting: server.Origin, Problem: err.Error()}
		}
		if dsn != "" {
			argv = append(argv, "--dbname="+dsn)
		}
		if parsed.Password != "" {
			environ = with(environ, "PGPASSWORD", parsed.Password)
		}
	}
	if err := syscall.Exec(program, append(argv, args...), environ); err != nil {
		return fmt.Errorf("run %s: %w", program, err)
	}
	return nil
}

// searchPath is the source's schema as the value of a setting in PGOPTIONS, where a backslash keeps a space. It is empty
// if only the configuration file names the source and the database does not have it.
func (a *app) searchPath(ctx context.Context, server *server) (string, error) {
	pool, err := server.pool(ctx)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	source, err := admin.Find(ctx, pool, a.cfg.Source, a.cfg.Schema)
	var none *admin.SourceError
	switch {
	case errors.As(err, &none) && !a.named: // the file names it, and nothing of it is loaded yet
		return "", nil
	case err != nil:
		return "", usage(err)
	}
	return strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(pgx.Identifier{source.Schema}.Sanitize()), nil
}

func findPsql(server *server) (string, error) {
	if server.local != nil && server.local.Psql() != "" {
		return server.local.Psql(), nil
	}
	program, err := exec.LookPath("psql")
	if err != nil {
		return "", errors.New("find psql: it is not in PATH. Install Postgres's client (apt-get install postgresql-client, " +
			"brew install libpq), or give the DSN to another client")
	}
	return program, nil
}

// with returns an environment in which a variable has a value.
func with(environ []string, name, value string) []string {
	out := make([]string, 0, len(environ)+1)
	for _, entry := range environ {
		if !strings.HasPrefix(entry, name+"=") {
			out = append(out, entry)
		}
	}
	return append(out, name+"="+value)
}
