package admin_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/roles"
)

// asRole makes a role and logs in as it.
func asRole(t *testing.T, pool *pgxpool.Pool) (string, *pgxpool.Pool) {
	t.Helper()
	cfg := pool.Config()
	role := "role_" + cfg.ConnConfig.Database
	pgtest.Exec(t, pool, `create role `+role+` login`) // it goes with the server
	return role, pgtest.PoolAt(t, strings.Replace(cfg.ConnString(), "://tapline@", "://"+role+"@", 1))
}

// find returns the check of that name.
func find(t *testing.T, pool *pgxpool.Pool, name string, s admin.Scope) admin.Check {
	t.Helper()
	s.Schema = "web"
	for _, c := range admin.Examine(t.Context(), pool, s) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check %s", name)
	return admin.Check{}
}

func wantCheck(t *testing.T, c admin.Check, result admin.Verdict, found, hint string) {
	t.Helper()
	if c.Result != result || !strings.Contains(c.Found, found) || !strings.Contains(c.Hint, hint) {
		t.Errorf("%+v, want %s, %q and the hint %q", c, result, found, hint)
	}
}

// A role that may write to tables that others own, and may make new ones, still cannot add columns; and users are updated.
func TestRightsOfARole(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"), `{"type":"identify","messageId":"i","userId":"u1","traits":{"plan":"gold"}}`)
	role, session := asRole(t, pool)
	const name = "write to web"
	wantCheck(t, find(t, session, name, admin.Scope{}), admin.Fail, "lacks usage on schema tapline", `grant usage on schema "tapline" to "`+role)
	pgtest.Exec(t, pool, `grant usage on schema tapline to `+role)
	pgtest.Exec(t, pool, `grant select on all tables in schema tapline to `+role)
	pgtest.Exec(t, pool, `grant usage, create on schema web to `+role)
	pgtest.Exec(t, pool, `grant select, insert on all tables in schema web to `+role)
	wantCheck(t, find(t, session, name, admin.Scope{}), admin.Fail, "lacks update on table web.users", `grant update on table "web"."users"`)
	pgtest.Exec(t, pool, `grant update on web.users to `+role)
	wantCheck(t, find(t, session, name, admin.Scope{}), admin.Warn, "not add tables or columns", "--evolve managed")
	managed := admin.Scope{Managed: true, Roles: roles.Names{Migrator: "tapline", Loader: role}}
	wantCheck(t, find(t, session, name, managed), admin.Fail, "select, insert on tables that tapline will make", "alter default privileges")
	wantCheck(t, find(t, session, "loader", managed), admin.Fail, "tables that tapline will make", "alter default privileges")
	wantCheck(t, find(t, session, "migrator", managed), admin.OK, "rights it needs", "")
}

func TestRightsOfRolesMadeByTheScript(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"))
	role, session := asRole(t, pool)
	names, err := roles.Names{Migrator: "m_" + role, Loader: role, Analyst: "a_" + role}.Validate()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Conn().PgConn().Exec(t.Context(), roles.SQL(names, []string{"web"})).ReadAll(); err != nil {
		t.Fatal(err)
	}
	scope := admin.Scope{Managed: true, Roles: names}
	for name, found := range map[string]string{
		"write to web": "may add rows to all tables, and change none", "migrator": "rights it needs", "loader": "rights it needs", "analyst": "rights it needs",
	} {
		wantCheck(t, find(t, session, name, scope), admin.OK, found, "")
	}
	wantCheck(t, find(t, session, "write to web", admin.Scope{}), admin.Warn, "not add tables or columns", "--evolve managed")
	pgtest.Exec(t, pool, `grant insert on web.tracks, web.purchase_made to a_`+role)
	wantCheck(t, find(t, session, "analyst", scope), admin.Warn, "too much: insert on table web.purchase_made, insert on table web.tracks", "revoke insert")
	pgtest.Exec(t, pool, `revoke select on web.purchase_made from a_`+role)
	wantCheck(t, find(t, session, "analyst", scope), admin.Fail, "lacks select on table web.purchase_made", `grant select on table "web"."purchase_made"`)
}
