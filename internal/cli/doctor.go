package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/roles"
	"github.com/tapline/tapline/internal/tempfile"
)

func (a *app) doctorCommand() *cobra.Command {
	var names roles.Names
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check the database, the rights and the disk, and say what to do",
		Long: `Check what a load needs: the database can be reached, is new enough and takes writes, the role may do what is needed,
and there is room. With --evolve managed it is enough that the role may add rows. With --migrator, --loader and --analyst those
roles are looked at, too. What is missing is named with the statement to run. Exit code 2 if a check failed.`,
		Example: `  tapline doctor
  tapline doctor --dsn postgres://loader@db.example.com/analytics --source CleverTap_Prod
  tapline doctor --source CleverTap_Prod --evolve managed --migrator ci --loader tapline --analyst bi`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.doctor(c.Context(), names) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	a.evolveFlag(c)
	rolesFlags(c, &names)
	c.Flags().StringVar(&a.cfg.Files.TempDir, "temp-dir", "", "`FOLDER` for spooled input to check (default the system's)")
	return c
}

type doctorJSON struct {
	Healthy bool          `json:"healthy"`
	Checks  []admin.Check `json:"checks"`
}

func (a *app) doctor(ctx context.Context, names roles.Names) error {
	valid, err := a.cfg.Validate()
	if err != nil {
		return err
	}
	if names != (roles.Names{}) {
		if names, err = validNames(names); err != nil {
			return err
		}
	}
	checks := append(a.databaseChecks(ctx, admin.Scope{Source: a.cfg.Source, Schema: valid.Schema, Managed: a.cfg.Evolve == "managed", Roles: names}), tempCheck(a.cfg.Files.TempDir))
	failures := 0
	for _, c := range checks {
		if c.Result == admin.Fail {
			failures++
		}
	}
	if a.json {
		err = a.writeJSON(doctorJSON{failures == 0, checks})
	} else {
		newPrinter(a.stdout, a.env).checks(checks)
	}
	if err == nil && failures > 0 {
		return &exitError{code: exitFound}
	}
	return err
}

func (p *printer) checks(checks []admin.Check) {
	for _, c := range checks {
		mark := p.green("✓ ok  ")
		switch c.Result {
		case admin.Warn:
			mark = p.yellow("! warn")
		case admin.Fail:
			mark = p.red("✗ fail")
		}
		p.linef("%s  %-22s %s", mark, c.Name, printable(c.Found))
		if c.Hint != "" {
			p.linef("        %-22s %s", "", p.cyan("→ "+c.Hint))
		}
	}
}

// databaseChecks examines the server as far as it can be reached.
func (a *app) databaseChecks(ctx context.Context, scope admin.Scope) []admin.Check {
	named, err := a.cfg.Database.Server(a.env)
	if err != nil {
		return []admin.Check{{Name: "database", Result: admin.Fail, Found: describe(err), Hint: "see above"}}
	}
	var checks []admin.Check
	if named.Private() {
		var ok bool
		if checks, ok = a.localChecks(); !ok {
			return checks
		}
	}
	server, err := a.server(ctx, false)
	if err != nil {
		return append(checks, admin.Check{Name: "database", Result: admin.Fail, Found: describe(err), Hint: "see above"})
	}
	cfg, err := pgxpool.ParseConfig(server.DSN)
	if err != nil {
		return append(checks, admin.Check{
			Name: "DSN", Result: admin.Fail, Found: "of " + server.Origin + ": " + describe(err),
			Hint: "use a DSN such as postgres://user@host:5432/database",
		})
	}
	origin := server.Origin
	if named.Private() {
		origin = "private Postgres"
	}
	checks = append(checks, admin.Check{Name: "DSN", Result: admin.OK, Found: config.Show(&cfg.ConnConfig.Config) + " (" + origin + ")"})
	pool, err := server.pool(ctx)
	if err != nil {
		hint := hint(err)
		if hint == "" {
			hint = "check the DSN"
		}
		return append(checks, admin.Check{Name: "connect", Result: admin.Fail, Found: oneLine(plainConnect(err)), Hint: hint})
	}
	defer pool.Close()
	checks = append(checks, admin.Check{Name: "connect", Result: admin.OK, Found: "connected"})
	return append(checks, admin.Examine(ctx, pool, scope)...)
}

// localChecks looks at what the private Postgres needs; false if it cannot be asked further.
func (a *app) localChecks() ([]admin.Check, bool) {
	dir, err := a.dataDir()
	if err != nil {
		return []admin.Check{{Name: "data folder", Result: admin.Fail, Found: err.Error(), Hint: "name one with --data-dir"}}, false
	}
	var checks []admin.Check
	bin, err := localpg.Find()
	if err != nil {
		checks = append(checks, admin.Check{Name: "Postgres programs", Result: admin.Fail, Found: "none found", Hint: describe(err)})
	} else {
		checks = append(checks, admin.Check{Name: "Postgres programs", Result: admin.OK, Found: bin.Version + " in " + bin.Dir})
	}
	checks = append(checks, spaceCheck("room for data", dir))
	if err == nil && !clusterExists(dir) {
		checks = append(checks, admin.Check{
			Name: "private Postgres", Result: admin.Warn, Found: "none in " + dir + " yet",
			Hint: "the first tapline load makes it, or tapline postgres start",
		})
	}
	return checks, err == nil && clusterExists(dir)
}

// tempCheck makes a file, as spooling would.
func tempCheck(dir string) admin.Check {
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := tempfile.New(dir, "tapline-doctor-")
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return admin.Check{Name: "temporary folder", Result: admin.Fail, Found: err.Error(), Hint: "name another with --temp-dir"}
	}
	return spaceCheck("temporary folder", dir)
}

// lowSpace is less than a day's exports of a busy project.
const lowSpace = 1 << 30

// spaceCheck looks at the disk that holds dir, or the nearest folder above it that exists.
func spaceCheck(name, dir string) admin.Check {
	at := dir
	for {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	free, err := freeSpace(at)
	if err != nil {
		return admin.Check{Name: name, Result: admin.Warn, Found: fmt.Sprintf("%s: %v", dir, err), Hint: "the free space is unknown"}
	}
	found := size(free) + " free in " + dir
	if free < lowSpace {
		return admin.Check{Name: name, Result: admin.Warn, Found: found, Hint: "make room before a large load"}
	}
	return admin.Check{Name: name, Result: admin.OK, Found: found}
}
