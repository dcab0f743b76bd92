package localpg_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// PG variables that are meant for another server do not keep the private one from starting, nor its own connections from
// being made. Not parallel: it sets variables.
func TestEnvironmentOfAnotherServer(t *testing.T) {
	for _, name := range []string{"PGTARGETSESSIONATTRS", "PGCHANNELBINDING", "PGREQUIREAUTH", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS"} {
		value := map[string]string{
			"PGTARGETSESSIONATTRS": "standby", "PGCHANNELBINDING": "require", "PGREQUIREAUTH": "scram-sha-256",
			"PGSERVICE": "warehouse", "PGSERVICEFILE": "/nowhere/pg_service.conf", "PGOPTIONS": "-c no_such_setting=1",
		}[name]
		t.Setenv(name, value)
	}
	dir := pgtest.NewDir(t)
	c := open(t, dir, options())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), startFolder+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("start: %v\n%s", err, out)
	}
	conn, err := pgx.Connect(t.Context(), c.OwnDSN(localpg.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var database string
	if err := conn.QueryRow(t.Context(), "select current_database()").Scan(&database); err != nil || database != localpg.Database {
		t.Errorf("database %q, %v", database, err)
	}
}
