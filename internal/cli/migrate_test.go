package cli_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/pgtest"
)

// files are the names in a folder of the test.
func (w *world) files(dir string) []string {
	w.t.Helper()
	entries, err := os.ReadDir(filepath.Join(w.dir, dir))
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (w *world) value(sql string) int64 {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close(w.t.Context())
	return pgtest.Value[int64](w.t, conn, sql)
}

func (w *world) exec(sql string) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close(w.t.Context())
	if _, err := conn.PgConn().Exec(w.t.Context(), sql).ReadAll(); err != nil {
		w.t.Fatal(err)
	}
}

// The life of a managed source: everything is a file, from the first one on, and what has no place waits meanwhile.
func TestMigrateManagedSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(w.dir, "migrations")
	source := []string{"--source", "Shop", "--dir", dir}
	run := func(code int, args ...string) result { return w.must(code, append(args, source...)...) }

	contains(t, run(2, "migrate", "plan").stdout, "not set up yet", "migrate generate --source Shop")
	out := run(0, "migrate", "generate").stdout
	contains(t, out, "000001_baseline.up.sql", "migrate up --source Shop", "create schema if not exists", "x-migrations-table=%22shop%22.%22_migrations%22")
	contains(t, run(2, "migrate", "plan").stdout, "Migration 1 baseline", "migrate up")
	contains(t, run(0, "migrate", "up").stdout, "Applied 1 migration", "version 1")
	contains(t, run(0, "migrate", "up").stdout, "Nothing to apply")
	contains(t, run(0, "migrate", "plan").stdout, "Nothing would change")
	if out := run(0, "migrate", "generate").stdout; !strings.Contains(out, "Nothing to write") {
		t.Errorf("generate again: %s", out)
	}

	events := w.file("events.ndjson", purchases(3)+
		`{"type":"track","messageId":"a1","event":"App Launched","userId":"u1","timestamp":"2026-01-15T10:00:00Z","properties":{"Plan Name":"gold","n":3}}`+"\n"+
		`{"type":"track","messageId":"a2","event":"App Launched","userId":"u1","timestamp":"2026-01-15T10:00:00Z","properties":{"n":3.25},"context":{"shelf":{"row":1}}}`+"\n")
	w.must(3, "load", events, "--source", "Shop", "--evolve", "managed")
	var plan struct {
		Changes bool
		Tables  []struct{ Table string }
		Columns []struct {
			Table, Column, Type string
			Path                []string
		}
		SQL string
	}
	w.json(2, &plan, append([]string{"migrate", "plan", "--waiting"}, source...)...)
	got, err := json.Marshal([]any{plan.Changes, plan.Tables, plan.Columns})
	want := `[true,[{"Table":"purchase_made"}],[` +
		`{"Table":"app_launched","Column":"context_shelf_row","Type":"bigint","Path":["context","shelf","row"]},` +
		`{"Table":"app_launched","Column":"n","Type":"double precision","Path":["n"]},` +
		`{"Table":"app_launched","Column":"plan_name","Type":"text","Path":["Plan Name"]}]]`
	if err != nil || string(got) != want {
		t.Errorf("plan of what waits:\n%s\nwant:\n%s", got, want)
	}
	contains(t, run(2, "migrate", "plan", "--waiting").stdout, "+ table purchase_made", "+ app_launched.plan_name text", "1 table to create, 3 columns to add", " --waiting\n")
	if sql := run(2, "migrate", "plan", "--waiting", "--sql").stdout; sql != plan.SQL || !strings.HasPrefix(sql, "-- Tapline migration 2") {
		t.Errorf("--sql is not the SQL alone: %.100s", sql)
	}
	// What the files ask for is the same, also though they are loaded.
	contains(t, run(2, "migrate", "plan", "--events", events).stdout, "+ table purchase_made", "1 table to create, 3 columns to add", " --events "+events+"\n")
	if n := w.value(`select count(*) from information_schema.tables where table_name = 'purchase_made'`); n != 0 {
		t.Fatal("plan made a table")
	}

	run(0, "migrate", "generate", "--waiting", "--name", "purchases")
	contains(t, run(1, "migrate", "generate", "--waiting").stderr, "not applied", "migrate up --dir")
	contains(t, run(2, "migrate", "plan").stdout, "Migration 2 purchases", "+ table purchase_made", "+ column app_launched.n double precision")
	run(0, "migrate", "up")
	run(0, "migrate", "plan", "--waiting")
	w.must(0, "quarantine", "replay", "--source", "Shop")
	if n := w.value(`select count(*) from shop.purchase_made`); n != 3 {
		t.Errorf("%d purchases after the replay, want 3", n)
	}
	if n := w.value(`select count(*) from shop.app_launched where plan_name = 'gold' or n = 3.25 and context_shelf_row = 1`); n != 2 {
		t.Errorf("%d launches have their values back, want 2", n)
	}
	want = "000001_baseline.down.sql 000001_baseline.up.sql 000002_purchases.down.sql 000002_purchases.up.sql"
	if got := strings.Join(w.files("migrations"), " "); got != want {
		t.Errorf("files = %s", got)
	}
}

// down says what is lost, and does nothing before it is confirmed.
func TestMigrateDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("events.ndjson", purchases(5)), "--source", "Shop")
	r := w.must(64, "migrate", "down", "--source", "Shop")
	contains(t, r.stderr, "purchase_made", "5", "lost for good", "--confirm")
	var asked struct {
		Confirmed bool
		Lost      []struct {
			Table string
			Rows  int64
			Exact bool
		}
	}
	w.json(64, &asked, "migrate", "down", "--source", "Shop")
	if len(asked.Lost) != 1 || asked.Lost[0].Table != "purchase_made" || asked.Lost[0].Rows != 5 || !asked.Lost[0].Exact || asked.Confirmed {
		t.Errorf("down --json = %+v", asked)
	}
	if n := w.value(`select count(*) from shop.purchase_made`); n != 5 {
		t.Fatal("down did not wait for --confirm")
	}
	contains(t, w.must(0, "migrate", "down", "--source", "Shop", "--confirm").stdout, "Took back 1 migration", "version 1")
	contains(t, w.must(0, "migrate", "status", "--source", "Shop").stdout, "waiting", "migrate up --source Shop")
	if got := w.must(0, "migrate", "version", "--source", "Shop").stdout; got != "1\n" {
		t.Errorf("version = %q", got)
	}
	contains(t, w.must(0, "migrate", "up", "1", "--source", "Shop").stdout, "create_purchase_made", "version 2")
	// Columns of tables that stay.
	w.must(0, "load", w.file("more.ndjson", `{"type":"track","messageId":"x","event":"Purchase Made","userId":"u","properties":{"coupon":"A"}}`+"\n"), "--source", "Shop")
	contains(t, w.must(64, "migrate", "down", "--source", "Shop").stderr, "coupon", "1 values")
	contains(t, w.must(0, "migrate", "down", "--all", "--source", "Shop", "--confirm").stdout, "Took back 3 migrations", "version 0")
	contains(t, w.must(0, "migrate", "down", "--source", "Shop", "--confirm").stdout, "Nothing to take back")
	w.must(64, "migrate", "down", "2", "--all", "--source", "Shop")
	w.must(64, "migrate", "down", "0", "--source", "Shop")
}

// A source that loads have evolved becomes managed: generate writes down what they did.
func TestMigrateFromAutoToManaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(w.dir, "m")
	w.must(0, "load", w.file("events.ndjson", purchases(5)), "--source", "Shop")
	out := w.must(0, "migrate", "generate", "--source", "Shop", "--dir", dir).stdout
	contains(t, out, "Wrote 2 migrations", "000002_create_purchase_made.up.sql", "applied", "migrate status")
	contains(t, w.must(0, "migrate", "status", "--source", "Shop", "--dir", dir).stdout, "At version 2, 0 migrations wait")
	w.must(0, "load", w.file("more.ndjson", purchases(6)), "--source", "Shop", "--evolve", "managed")

	// The folder makes the same of an empty database.
	other := newWorld(t)
	other.must(0, "migrate", "up", "--source", "Shop", "--dir", dir)
	other.must(0, "load", other.file("events.ndjson", purchases(5)), "--source", "Shop", "--evolve", "managed")
}

// What is wrong with a folder is told with what to do.
func TestMigrateFolderProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(w.dir, "m")
	source := []string{"--source", "Shop", "--dir", dir}
	run := func(code int, args ...string) result { return w.must(code, append(args, source...)...) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(64, "migrate", "up")
	run(0, "migrate", "generate", "--events", w.file("events.ndjson", purchases(2)), "--name", "purchases")
	run(0, "migrate", "up")

	write("000004_later.up.sql", "select 1;")
	contains(t, run(1, "migrate", "up").stderr, "migration 3 is not in the folder")
	contains(t, run(2, "migrate", "status").stdout, "migration 3 is not in the folder")
	if err := os.Remove(filepath.Join(dir, "000004_later.up.sql")); err != nil {
		t.Fatal(err)
	}
	up := filepath.Join(dir, "000002_purchases.up.sql")
	text, err := os.ReadFile(up)
	if err != nil {
		t.Fatal(err)
	}
	write("000002_purchases.up.sql", string(text)+"select 2;")
	contains(t, run(1, "migrate", "up").stderr, "edited after it was applied", "new migration")
	write("000002_purchases.up.sql", strings.ReplaceAll(string(text), "\n", "\r\n"))
	run(0, "migrate", "up")
	for _, name := range []string{"000002_purchases.up.sql", "000002_purchases.down.sql"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	contains(t, run(1, "migrate", "up").stderr, "folder ends at 1", "migrate generate")
	run(0, "migrate", "generate") // writes it back
	run(0, "migrate", "up")
	contains(t, w.must(1, "migrate", "up", "--source", "Web", "--dir", dir).stderr, "is for schema shop")
	w.must(64, "migrate", "generate", "--source", "Shop")
	w.must(64, "migrate", "generate", "--source", "Shop", "--dir", dir, "--name", "Bad Name")
	w.must(64, "migrate", "up", "--source", "Shop", "--wait", "1ns")
}

// repair says what golang-migrate was doing.
func TestMigrateRepair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("events.ndjson", purchases(2)), "--source", "Shop")
	repair := func() string {
		t.Helper()
		out := w.must(0, "migrate", "repair", "--source", "Shop").stdout
		contains(t, w.must(0, "migrate", "repair", "--source", "Shop").stdout, "Nothing to repair")
		return out
	}
	contains(t, repair(), "Nothing to repair", "version 2")
	w.exec(`update shop._migrations set version = 3, dirty = true`)
	contains(t, w.must(2, "migrate", "status", "--source", "Shop").stdout, "interrupted", "migrate repair")
	contains(t, w.must(0, "migrate", "version", "--source", "Shop").stdout, "2 (dirty)")
	contains(t, repair(), "begins with migration 3", "did not commit", "set back to 2")
	w.exec(`update shop._migrations set dirty = true`)
	contains(t, repair(), "had committed", "last note was missing")
	w.exec(`update shop._migrations set version = 1, dirty = true`)
	contains(t, repair(), "taking migration 2 create_purchase_made back", "is applied, whole")
	// A version that was forced: nothing is believed without the files and a word.
	w.exec(`update shop._migrations set version = 3`)
	dir := filepath.Join(w.dir, "m")
	contains(t, w.must(1, "migrate", "repair", "--source", "Shop").stderr, "--dir", "migrate force 2")
	contains(t, w.must(2, "migrate", "status", "--source", "Shop").stdout, "records end at 2")
	w.must(0, "migrate", "generate", "--source", "Shop", "--dir", dir)
	if err := os.WriteFile(filepath.Join(dir, "000003_by_hand.up.sql"), []byte("select 1;"), 0o644); err != nil {
		t.Fatal(err)
	}
	contains(t, w.must(64, "migrate", "repair", "--source", "Shop", "--dir", dir).stderr, "--confirm")
	contains(t, w.must(0, "migrate", "repair", "--source", "Shop", "--dir", dir, "--confirm").stdout, "recorded as applied", "version 3")
	w.must(0, "migrate", "up", "--source", "Shop", "--dir", dir)
}

// Of two migrators at once one works, and the other waits no longer than it was told.
func TestMigrateTwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("events.ndjson", purchases(2)), "--source", "Shop")
	dir := filepath.Join(w.dir, "m")
	w.must(0, "migrate", "generate", "--source", "Shop", "--dir", dir, "--events",
		w.file("more.ndjson", `{"type":"track","messageId":"x","event":"Purchase Made","userId":"u","properties":{"coupon":"A"}}`+"\n"))
	conn, err := pgx.Connect(t.Context(), w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	pgtest.Exec(t, conn, `begin`)
	pgtest.Query(t, conn, `select count(*) from shop.purchase_made`)
	first := make(chan result, 1)
	go func() { first <- w.run("migrate", "up", "--source", "Shop", "--dir", dir) }()
	other := pgtest.PoolAt(t, w.dsn)
	for !pgtest.Value[bool](t, other, `select exists (select from pg_locks where not granted and mode = 'AccessExclusiveLock'
		and database = (select oid from pg_database where datname = current_database()))`) {
		if t.Context().Err() != nil {
			t.Fatal("the first never waited")
		}
	}
	contains(t, w.must(1, "migrate", "up", "--source", "Shop", "--dir", dir, "--wait", "50ms").stderr, "another migrator", "--wait")
	pgtest.Exec(t, conn, `rollback`)
	r := <-first
	r.want(t, 0, "migrate", "up")
	contains(t, w.must(0, "migrate", "up", "--source", "Shop", "--dir", dir).stdout, "Nothing to apply")
}

// Each role does its part and no more: the migrator everything from an empty database on, the loader the plan.
func TestMigrateAsTheRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, err := url.Parse(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	suffix := strings.TrimPrefix(u.Path, "/")
	w.exec(w.must(0, "roles", "--source", "Shop", "--migrator", "ci"+suffix, "--loader", "lo"+suffix, "--analyst", "bi"+suffix).stdout)
	as := func(role string, code int, args ...string) result {
		t.Helper()
		u.User = url.User(role + suffix)
		r := w.runWith("", []string{"DATABASE_URL=" + u.String()}, args...)
		r.want(t, code, args...)
		return r
	}
	dir := filepath.Join(w.dir, "m")
	source := []string{"--source", "Shop", "--dir", dir}
	as("ci", 0, append([]string{"migrate", "generate"}, source...)...)
	contains(t, as("lo", 1, append([]string{"migrate", "up"}, source...)...).stderr, "permission denied")
	as("ci", 0, append([]string{"migrate", "up"}, source...)...)
	as("lo", 3, "load", w.file("events.ndjson", purchases(3)), "--source", "Shop", "--evolve", "managed")
	contains(t, as("lo", 2, append([]string{"migrate", "plan", "--waiting"}, source...)...).stdout, "+ table purchase_made")
	as("ci", 0, append([]string{"migrate", "generate", "--waiting"}, source...)...)
	contains(t, as("lo", 2, append([]string{"migrate", "plan"}, source...)...).stdout, "+ table purchase_made")
	contains(t, as("lo", 0, append([]string{"migrate", "status"}, source...)...).stdout, "1 migration waits")
	contains(t, as("lo", 1, append([]string{"migrate", "up"}, source...)...).stderr, "permission denied")
	as("ci", 0, append([]string{"migrate", "up"}, source...)...)
	as("ci", 0, "quarantine", "replay", "--source", "Shop")
	contains(t, as("lo", 1, "migrate", "down", "--source", "Shop", "--confirm").stderr, "permission denied")
	as("lo", 0, "load", w.file("more.ndjson", purchases(6)), "--source", "Shop", "--evolve", "managed")
	if n := w.value(`select count(*) from shop.purchase_made`); n != 6 {
		t.Errorf("%d purchases, want 6", n)
	}
}

// A schema that another warehouse filled becomes managed: its tables stay as they are, on the way there and back.
func TestMigrateAdoptsASchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`create schema shop; create table shop.app_launched (id varchar(1024) primary key, event_text varchar(512), received_at timestamptz);
		insert into shop.app_launched values ('a', 'App Launched', now())`)
	source := []string{"--source", "Shop", "--dir", filepath.Join(w.dir, "m")}
	w.must(0, append([]string{"migrate", "generate"}, source...)...)
	w.must(0, append([]string{"migrate", "up"}, source...)...)
	w.must(0, "load", w.file("events.ndjson", `{"type":"track","messageId":"b","event":"App Launched","userId":"u"}`+"\n"), "--source", "Shop", "--evolve", "managed")
	contains(t, w.must(64, append([]string{"migrate", "down", "--all"}, source...)...).stderr, "app_launched", "user_id")
	w.must(0, append([]string{"migrate", "down", "--all", "--confirm"}, source...)...)
	if n := w.value(`select count(*) from shop.app_launched`); n != 2 {
		t.Errorf("%d rows are left, want 2", n)
	}
	if n := w.value(`select count(*) from information_schema.columns where table_schema = 'shop'`); n != 3 {
		t.Errorf("%d columns are left, want 3", n)
	}
}
