package cli_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/pgtest"
)

// session runs statements one by one as psql would, as the role of the DSN.
func session(t *testing.T, dsn, sql string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
	return err
}

// The printed SQL makes roles with which CI migrates and a loader without any right to create loads.
func TestRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	suffix := "_" + pgtest.Value[string](t, pgtest.PoolAt(t, w.dsn), "select substr(md5(current_database()), 1, 8)")
	names := []string{"--migrator", "ci" + suffix, "--loader", "lo" + suffix, "--analyst", "bi" + suffix}
	as := func(role string) string { return strings.Replace(w.dsn, "tapline@", role+suffix+"@", 1) }
	roles := func(args ...string) []string {
		return append(append([]string{"roles", "--source", "Web"}, names...), args...)
	}

	r := w.must(2, roles("--check")...)
	contains(t, r.stdout, "migrator ci"+suffix+" lacks an account on this server", `→ create role "ci`+suffix+`" login;`)
	// Nobody asks a database for it.
	r = w.runWith("", []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/none"}, roles()...)
	r.want(t, 0, roles()...)
	contains(t, r.stdout, `alter default privileges for role "ci`+suffix+`" in schema "web" grant select on tables to "bi`+suffix+`";`)
	if err := session(t, w.dsn, r.stdout); err != nil {
		t.Fatal(err)
	}
	w.must(0, "load", w.file("a.ndjson", purchases(1)+identify), "-s", "Web", "-q", "--dsn", as("ci"))
	w.must(3, "load", w.file("b.ndjson", purchases(9)+strings.ReplaceAll(mismatch, "Purchase Made", "New")), "-s", "Web", "-q", "--dsn", as("lo"), "--evolve", "managed")
	contains(t, w.must(0, roles("--check")...).stdout, "the roles have the rights they need, and no others")
	var sql struct{ SQL string }
	w.json(0, &sql, append([]string{"roles"}, names...)...) // of all sources of the database
	if sql.SQL != r.stdout {
		t.Errorf("without --source other SQL is printed:\n%s", sql.SQL)
	}

	doctor := []string{"doctor", "-s", "Web", "--dsn", as("lo"), "--evolve", "managed"}
	contains(t, w.must(0, append(doctor, names...)...).stdout, "may add rows to all tables, and change none", "✓ ok    migrator ", "✓ ok    analyst", "✓ ok    migrations")
	contains(t, w.must(2, "doctor", "-s", "Other", "--evolve", "managed").stdout, "tapline migrate up", "✗ fail  migrations")
	if err := session(t, w.dsn, `revoke insert on web.purchase_made from lo`+suffix+`; grant update on web.purchase_made to bi`+suffix); err != nil {
		t.Fatal(err)
	}
	contains(t, w.must(2, append(doctor, names...)...).stdout, `→ grant insert on table "web"."purchase_made" to "lo`+suffix+`"`)
	var found struct {
		OK       bool
		Findings []struct{ Role, Right, On, Fix string }
	}
	w.json(2, &found, roles("--check")...)
	if found.OK || len(found.Findings) != 2 || found.Findings[1].Fix != `revoke update on table "web"."purchase_made" from "bi`+suffix+`"` {
		t.Errorf("%+v, want what was taken and given", found)
	}
	load := w.must(1, "load", w.file("c.ndjson", strings.ReplaceAll(purchases(1), `"p0"`, `"q0"`)), "-s", "Web", "-q", "--dsn", as("lo"), "--evolve", "managed")
	contains(t, load.stderr, "role lo"+suffix+" lacks insert on table web.purchase_made", `grant insert on table "web"."purchase_made" to "lo`+suffix+`"`)

	for _, wrong := range [][]string{
		{"roles", "-s", "Web", "--analyst", "pg_x"}, {"roles", "-s", "Web", "--loader", "x", "--analyst", "x"}, {"doctor", "--migrator", "public"},
	} {
		w.must(64, wrong...)
	}
	contains(t, newWorld(t).must(64, "roles").stderr, "which source?")
}
