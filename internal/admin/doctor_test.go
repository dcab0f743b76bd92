package admin_test

import (
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
)

// A role that may write to tables that others own, and may make new ones, still cannot add columns; and users are updated.
func TestRightsOfARole(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"), `{"type":"identify","messageId":"i","userId":"u1","traits":{"plan":"gold"}}`)
	cfg := pool.Config()
	role := "role_" + cfg.ConnConfig.Database
	pgtest.Exec(t, pool, `create role `+role+` login`) // it goes with the server
	pgtest.Exec(t, pool, `grant usage, create on schema web to `+role)
	pgtest.Exec(t, pool, `grant select, insert on all tables in schema web to `+role)
	reader := pgtest.PoolAt(t, strings.Replace(cfg.ConnString(), "://tapline@", "://"+role+"@", 1))
	check := func() admin.Check {
		for _, c := range admin.Examine(t.Context(), reader, "web") {
			if c.Name == "write to web" {
				return c
			}
		}
		t.Fatal("no check of the schema")
		return admin.Check{}
	}
	if c := check(); c.Result != admin.Fail || !strings.Contains(c.Hint, "update") {
		t.Errorf("without update: %+v", c)
	}
	pgtest.Exec(t, pool, `grant update on all tables in schema web to `+role)
	if c := check(); c.Result != admin.Warn || !strings.Contains(c.Found, "columns") {
		t.Errorf("of tables that others own: %+v", c)
	}
}
