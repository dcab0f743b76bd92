package admin_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
)

// A load that is at work leaves events out that the load to be undone has. Undo must not end without having seen it: nobody
// would be told that no load has these events.
func TestUndoWaitsForLoadsAtWork(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"), event("b"))
	first := newest(t, pool)
	// The second load has looked its ids up when it wants to write into the quarantine.
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, `lock table web._quarantine in share mode`)
	loaded := make(chan error, 1)
	go func() { loaded <- load(t, pool, event("a"), event("c"), `no JSON`) }()
	const waiting = `select count(distinct pid) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`
	until := func(n int64) {
		for pgtest.Value[int64](t, pool, waiting) < n {
			time.Sleep(5 * time.Millisecond)
		}
	}
	until(1)
	type answer struct {
		*admin.Undone
		err error
	}
	undone := make(chan answer, 1)
	go func() {
		u, err := admin.Undo(t.Context(), pool, "web", first.ID)
		undone <- answer{u, err}
	}()
	until(2)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	got := <-undone
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.Rows() != 2 || got.Shadowed != 1 {
		t.Errorf("%d rows removed, %d later loads with duplicates, want 2 and 1", got.Rows(), got.Shadowed)
	}
}

// A tracks table that somebody else made may have no uuid_ts.
func TestUndoOfAdoptedTracks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema web`)
	pgtest.Exec(t, pool, `create table web.tracks (id text primary key, event text)`)
	mustLoad(t, pool, event("a"))
	mustLoad(t, pool, event("b"))
	if _, err := admin.Undo(t.Context(), pool, "web", newest(t, pool).ID); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"tracks", "purchase_made"} {
		got := pgtest.Query(t, pool, `select id from web.`+table)
		if len(got) != 1 || got[0][0] != "a" {
			t.Errorf("%s has %v, want a", table, got)
		}
	}
}

// What a DBA has set for the role is meant for people's queries.
func TestSettingsOfARole(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"), "no JSON")
	cfg := pool.Config()
	cfg.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	cfg.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	conn, err := pgx.ConnectConfig(t.Context(), cfg.ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	ages := admin.Ages{Loads: time.Hour, Units: time.Hour, Quarantine: time.Hour, Discards: time.Hour}
	later := time.Now().Add(2 * time.Hour)
	want := admin.Pruned{Units: 1, Quarantine: 1, Unreplayed: 1} // the newest load stays
	for _, confirm := range []bool{false, false, true} {
		got, err := admin.Prune(t.Context(), conn, "web", ages, later, confirm)
		if err != nil || got != want {
			t.Errorf("Prune = %+v, %v, want %+v", got, err, want)
		}
	}
	if u, err := admin.Undo(t.Context(), conn, "web", newest(t, pool).ID); err != nil || u.Rows() != 1 {
		t.Errorf("Undo = %+v, %v", u, err)
	}
}

// Columns that somebody has added to users are theirs: a load that is undone changes what the calls say, and no more.
func TestUndoKeepsColumnsOfOthers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	identify := func(id, user, plan, email string) string {
		return `{"type":"identify","messageId":"` + id + `","userId":"` + user + `","timestamp":"2026-01-15T10:00:0` + id +
			`Z","traits":{"plan":"` + plan + `","email":"` + email + `"}}`
	}
	mustLoad(t, pool, identify("1", "u1", "old", "x"), identify("2", "u2", "old", "y"), identify("3", "u3", "old", "z"))
	mustLoad(t, pool, identify("4", "u1", "new", "x"), identify("5", "u2", "new", "q"), identify("6", "u3", "new", "y"), identify("7", "u4", "new", "w"))
	pgtest.Exec(t, pool, `alter table web.users add column score bigint`)
	pgtest.Exec(t, pool, `update web.users set score = 10 * substr(id, 2)::bigint`)
	pgtest.Exec(t, pool, `create unique index on web.users (email)`) // in which rows come in each other's way
	undone, err := admin.Undo(t.Context(), pool, "web", newest(t, pool).ID)
	if err != nil || undone.Rebuilt["users"] != 4 {
		t.Fatalf("%+v, %v", undone, err)
	}
	got := fmt.Sprint(pgtest.Query(t, pool, `select id, plan, email, coalesce(score, 0) from web.users order by id`))
	if want := "[[u1 old x 10] [u2 old y 0] [u3 old z 30]]"; got != want {
		t.Errorf("users are %s, want %s", got, want)
	}
}
