package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/localpg"
)

const databaseHelp = `Postgres is the one of --dsn, else of DATABASE_URL, else of the PG variables (PGHOST, PGSERVICE ...). If none
of them names a server, and the configuration file does not, Tapline runs a private Postgres in --data-dir; load
creates it.`

// databaseFlags adds the flags that choose the database.
func (a *app) databaseFlags(c *cobra.Command) {
	c.Flags().StringVar(&a.cfg.Database.DSN, "dsn", "", "`DSN` of the Postgres to use, a URL or keywords (default $DATABASE_URL, then the PG variables,\nthen a private Postgres)")
	a.dataDirFlag(c)
}

func (a *app) dataDirFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.cfg.Database.DataDir, "data-dir", "", "`FOLDER` of the private Postgres (default "+defaultDataDir()+")")
	must(c.MarkFlagDirname("data-dir"))
}

func defaultDataDir() string {
	dir, err := localpg.DefaultDataDir()
	if err != nil {
		return "none: " + err.Error()
	}
	return dir
}

// sourceFlags adds the flags that choose a source.
func (a *app) sourceFlags(c *cobra.Command) {
	c.Flags().StringVarP(&a.cfg.Source, "source", "s", "", "`NICKNAME` of the source, such as CleverTap_Prod")
	c.Flags().StringVar(&a.cfg.Schema, "schema", "", "`SCHEMA` of the source, if it is not made of the nickname")
	must(c.RegisterFlagCompletionFunc("source", a.completeSource()))
}

// evolveFlag adds the flag that says who changes the schema.
func (a *app) evolveFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.cfg.Evolve, "evolve", "", "`MODE`: who changes the schema: auto (tapline load) or managed (your migrations) (default auto)")
	complete(c, "evolve", config.Modes())
}

// server is a Postgres to use.
type server struct {
	config.Server                  // Origin is empty for the private one
	local         *localpg.Cluster // nil unless private
}

// errNoDatabase says that no server is named and no private one was ever made.
type errNoDatabase struct{ dir string }

func (e *errNoDatabase) Error() string {
	return fmt.Sprintf("no database: neither --dsn, DATABASE_URL nor a PG variable names a server, and there is no private Postgres in %s: "+
		"give a DSN, or make one with tapline load or tapline postgres start", e.dir)
}

// server finds the Postgres to use and starts the private one if it is that. Only with create it is made.
func (a *app) server(ctx context.Context, create bool) (*server, error) {
	s, dir, err := a.namedServer()
	if err != nil || !s.Private() {
		return s, err
	}
	if !create && !clusterExists(dir) {
		return nil, usage(&errNoDatabase{dir})
	}
	if s.local, err = localpg.Open(dir, localpg.Options{Logger: a.log}); err != nil {
		return nil, fmt.Errorf("open private Postgres: %w", err)
	}
	first := !clusterExists(dir)
	if err := s.local.Start(ctx); err != nil {
		return nil, fmt.Errorf("start private Postgres: %w", err)
	}
	if first && !a.quiet && !a.json {
		newPrinter(a.stderr, a.env).line("Made a private Postgres in " + dir + ". It goes on running; tapline postgres stop ends it.")
	}
	s.DSN = s.local.DSN(localpg.Database)
	return s, nil
}

// namedServer returns the Postgres that flags and environment name or, if it is the private one, its folder.
func (a *app) namedServer() (s *server, dir string, err error) {
	s = &server{}
	if s.Server, err = a.cfg.Database.Server(a.env); err != nil {
		return nil, "", err
	}
	if s.Private() {
		dir, err = a.dataDir()
	}
	return s, dir, err
}

func (a *app) dataDir() (string, error) {
	if a.cfg.Database.DataDir != "" {
		return filepath.Abs(a.cfg.Database.DataDir)
	}
	dir, err := localpg.DefaultDataDir()
	if err != nil {
		return "", usage(err)
	}
	return dir, nil
}

// clusterExists reports whether a private Postgres was made in a data folder.
func clusterExists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "postgres", "data", "PG_VERSION"))
	return err == nil || !errors.Is(err, os.ErrNotExist)
}

// pool returns a pool of connections to the server, which answers. It is the caller's to close.
func (s *server) pool(ctx context.Context) (*pgxpool.Pool, error) {
	pool, err := s.lazyPool(ctx, 0)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, s.explain(err)
	}
	return pool, nil
}

// lazyPool is pool for a server that may not answer yet. conns is how many connections it may have, if the DSN does not
// say; 0 leaves that to pgx.
func (s *server) lazyPool(ctx context.Context, conns int32) (*pgxpool.Pool, error) {
	dsn := s.DSN
	if s.local != nil {
		dsn = s.local.OwnDSN(localpg.Database)
	}
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, &config.Error{Setting: s.Origin, Problem: err.Error(), Hint: "use a DSN such as postgres://user@host:5432/database"}
	}
	if _, ok := cfg.ConnConfig.RuntimeParams["application_name"]; !ok {
		cfg.ConnConfig.RuntimeParams["application_name"] = "tapline"
	}
	cfg.ConnConfig.RuntimeParams["client_encoding"] = "UTF8" // whatever the role or the DSN has: it is what we send
	if conns > 0 && !strings.Contains(dsn, "pool_max_conns") {
		cfg.MaxConns = conns
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return pool, nil
}

// explain says where the server was named that could not be reached.
func (s *server) explain(err error) error {
	if s.Private() {
		return fmt.Errorf("connect to the private Postgres, %w", err)
	}
	return fmt.Errorf("connect to the Postgres of %s, %w", s.Origin, err)
}

// connect is server and pool in one, for commands that need a database that is there.
func (a *app) connect(ctx context.Context) (*pgxpool.Pool, error) {
	s, err := a.server(ctx, false)
	if err != nil {
		return nil, err
	}
	return s.pool(ctx)
}

// localMissing says that there is no private Postgres that runs now.
type localMissing struct{ why string }

func (e *localMissing) Error() string { return e.why }

// runningServer is server for what must not start one.
func (a *app) runningServer(ctx context.Context) (*server, error) {
	s, dir, err := a.namedServer()
	if err != nil || !s.Private() {
		return s, err
	}
	if !clusterExists(dir) {
		return nil, &localMissing{"there is no private Postgres in " + dir + " yet"}
	}
	if s.local, err = localpg.Open(dir, localpg.Options{Logger: a.log}); err != nil {
		return nil, fmt.Errorf("open private Postgres: %w", err)
	}
	status, err := s.local.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for the private Postgres: %w", err)
	}
	if !status.Running {
		return nil, &localMissing{"the private Postgres in " + dir + " does not run"}
	}
	s.DSN = s.local.DSN(localpg.Database)
	return s, nil
}

// sameDatabase returns the flags with which another command finds the database of this one. A password is not shown.
func (a *app) sameDatabase() string {
	flags := ""
	if a.configFile != "" {
		flags = " --config " + shellWord(a.configFile)
	}
	switch d := a.cfg.Database; {
	case d.DSN == "" && d.DataDir != "" && d.DataDir != a.file.DataDir:
		return flags + " --data-dir " + shellWord(d.DataDir)
	case d.DSN == "":
		return flags
	default:
		parsed, err := pgxpool.ParseConfig(d.DSN)
		if err == nil && parsed.ConnConfig.Password == "" {
			return flags + " --dsn " + shellWord(d.DSN)
		}
		return flags + ` --dsn "$DSN"`
	}
}
