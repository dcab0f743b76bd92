package roles_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/roles"
	"github.com/tapline/tapline/loader"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const nickname, shop = "Shop", "shop"

// site is a database with roles of its own; roles are the server's, which goes with the tests.
type site struct {
	t        *testing.T
	admin    *pgxpool.Pool
	names    roles.Names
	migrator *pgxpool.Pool
	loader   *pgxpool.Pool
	analyst  *pgxpool.Pool
}

// newSite makes the roles with the printed SQL. Their names need quotes.
func newSite(t *testing.T, prepare ...string) *site {
	t.Helper()
	s := &site{t: t, admin: pgtest.Pool(t)}
	database := s.admin.Config().ConnConfig.Database
	names, err := roles.Names{Migrator: `M'"$` + database, Loader: "L " + database, Analyst: `A\%I` + database}.Validate()
	if err != nil {
		t.Fatal(err)
	}
	s.names = names
	for _, sql := range prepare {
		s.run(sql)
	}
	s.run(roles.SQL(names, []string{shop}))
	s.migrator, s.loader, s.analyst = s.pool(names.Migrator), s.pool(names.Loader), s.pool(names.Analyst)
	return s
}

// run runs a script as a superuser.
func (s *site) run(sql string) {
	s.t.Helper()
	conn, err := pgx.ConnectConfig(s.t.Context(), s.admin.Config().ConnConfig)
	if err == nil {
		_, err = conn.PgConn().Exec(s.t.Context(), sql).ReadAll()
		err = errors.Join(err, conn.Close(context.WithoutCancel(s.t.Context())))
	}
	if err != nil {
		s.t.Fatalf("%v in\n%.300s", err, sql)
	}
}

// pool logs in as a role.
func (s *site) pool(role string) *pgxpool.Pool {
	s.t.Helper()
	cfg := s.admin.Config()
	cfg.ConnConfig.User = role
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(pool.Close)
	return pool
}

// load loads lines as one file.
func (s *site) load(pool *pgxpool.Pool, mode loader.Mode, lines ...string) loader.Report {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		s.t.Fatal(err)
	}
	files, err := loader.Files([]string{path}, loader.FileOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	report, err := s.loadSource(pool, mode, files)
	if err != nil {
		s.t.Fatal(err)
	}
	return report
}

func (s *site) loadSource(pool *pgxpool.Pool, mode loader.Mode, src loader.Source) (loader.Report, error) {
	s.t.Helper()
	l, err := loader.New(pool, loader.Config{Source: nickname, Evolve: mode, SmallUnit: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	defer l.Close()
	return l.Load(s.t.Context(), src)
}

// replay brings in what waits.
func (s *site) replay(pool *pgxpool.Pool, mode loader.Mode) (loader.ReplayReport, error) {
	s.t.Helper()
	l, err := loader.New(pool, loader.Config{Source: nickname, Evolve: mode})
	if err != nil {
		s.t.Fatal(err)
	}
	defer l.Close()
	return l.Replay(s.t.Context(), loader.Selection{})
}

func track(id, event, properties string) string {
	return `{"type":"track","event":"` + event + `","messageId":"` + id + `","userId":"u1","timestamp":"2026-01-15T10:00:00Z","properties":` + properties + `}`
}

// equal compares what a superuser sees.
func (s *site) equal(sql string, want ...[]any) {
	s.t.Helper()
	if diff := cmp.Diff(want, pgtest.Query(s.t, s.admin, sql)); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", sql, diff)
	}
}

// denied runs statements that the role must not have the right to.
func (s *site) denied(pool *pgxpool.Pool, statements ...string) {
	s.t.Helper()
	for _, sql := range statements {
		_, err := pool.Exec(s.t.Context(), sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" {
			s.t.Errorf("%s: %v, want SQLSTATE 42501", sql, err)
		}
	}
}

// check returns what Check finds, as sentences.
func (s *site) check() []string {
	s.t.Helper()
	findings, err := roles.Check(s.t.Context(), s.admin, s.names, []string{shop})
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, f := range findings {
		out = append(out, f.String())
	}
	return out
}

func (s *site) nothingFound() {
	s.t.Helper()
	if found := s.check(); len(found) > 0 {
		s.t.Errorf("Check found:\n%s", strings.Join(found, "\n"))
	}
}
