package admin_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
)

func toShop() migrations.Renaming {
	return migrations.Renaming{
		From: migrations.Named{Nickname: "Web", Schema: "web"}, To: migrations.Named{Nickname: "Shop", Schema: "shop"},
	}
}

// patient is a renaming that waits as long as the test does.
func patient() admin.RenameOptions { return admin.RenameOptions{Wait: time.Hour} }

func mustRename(t *testing.T, pool *pgxpool.Pool) *admin.Renamed {
	t.Helper()
	done, err := admin.Rename(t.Context(), pool, toShop(), patient())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// loadAs loads files into a source.
func loadAs(t *testing.T, pool *pgxpool.Pool, source string, paths ...string) loader.Report {
	t.Helper()
	l, err := loader.New(pool, loader.Config{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	files, err := loader.Files(paths, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := l.Load(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func lines(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func migrator(t *testing.T, pool *pgxpool.Pool, schemaName string) *migrations.Migrator {
	t.Helper()
	m, err := migrations.Open(t.Context(), pool.Config().ConnConfig, schemaName, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// A source goes on under its new name where it was: its files are loaded, its migrations go on and can be taken back, and
// everything that was reached by its name is reached by the new one.
func TestRename(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	price := func(id, value string) string {
		return `{"type":"track","event":"Web","messageId":"` + id + `","userId":"u1","properties":{"price":` + value + `,"\"web\".x":1}}`
	}
	first := lines(t, price("a", "1"), event("b"), "no JSON", `{"type":"identify","messageId":"i","userId":"u1","traits":{"plan":"gold"}}`)
	loadAs(t, pool, "Web", first)
	loadAs(t, pool, "Web", lines(t, price("c", "1.5"))) // widens price
	pgtest.Exec(t, pool, `create table tapline.marks (nickname text, position int)`)
	pgtest.Exec(t, pool, `create table tapline.places (schema_name text, place int)`)
	pgtest.Exec(t, pool, `insert into tapline.marks values ('Web', 7), ('Other', 8)`)
	pgtest.Exec(t, pool, `insert into tapline.places values ('web', 9), ('other', 10)`)
	pgtest.Exec(t, pool, `create view public.report as select count(*) from web.tracks`)
	done := mustRename(t, pool)
	if done.Migrations < 2 || done.To.Schema != "shop" || done.From.Nickname != "Web" {
		t.Errorf("renamed: %+v", done)
	}
	for query, want := range map[string]any{
		`select count(*) from pg_namespace where nspname = 'web'`:                                                      int64(0),
		`select string_agg(nickname || ' ' || schema_name, ',') from tapline.sources`:                                  "Shop shop",
		`select string_agg(nickname || position, ',' order by position) from tapline.marks`:                            "Shop7,Other8",
		`select string_agg(schema_name || place, ',' order by place) from tapline.places`:                              "shop9,other10",
		`select string_agg(distinct source, ',') from shop._quarantine`:                                                "Shop",
		`select count from public.report`:                                                                              int64(3),
		`select count(*) from shop.tracks`:                                                                             int64(3),
		`select pg_get_viewdef('shop.tracks'::regclass) like '%web.web%'`:                                              false,
		`select count(*) from shop._columns where path::text = '["\"web\".x"]'`:                                        int64(1),
		`select count(*) from shop._migration_files where up like '%"web"."web"%' or down like '%"web"."\_migration%'`: int64(0),
	} {
		if got := pgtest.Value[any](t, pool, query); got != want {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if r := loadAs(t, pool, "Shop", first); r.Units[0].Status != loader.Skipped {
		t.Errorf("the file of before the rename: %+v", r.Units)
	}
	if r := loadAs(t, pool, "Shop", lines(t, `{"type":"track","event":"Web","messageId":"d","userId":"u1","context":{"ip":"::1"},"properties":{"later":true}}`, `{"type":"track","event":"New One","messageId":"e","userId":"u1"}`)); r.Loaded != 2 {
		t.Errorf("after the rename: %+v", r)
	}
	pgtest.Exec(t, pool, `drop view public.report`)
	pgtest.Exec(t, pool, `update shop.web set price = null`) // 1.5 does not go back
	goesDownAndUp(t, pool)
}

// goesDownAndUp takes all migrations of shop back and applies them again.
func goesDownAndUp(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	m := migrator(t, pool, "shop")
	files, err := m.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const last = `select max(version) from shop._migrations`
	if got := pgtest.Value[int64](t, pool, last); got != int64(len(files)) || got < 4 {
		t.Errorf("version %d of %d migrations", got, len(files))
	}
	before, err := m.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := m.Down(t.Context(), len(files)-1); err != nil || n != len(files)-1 {
		t.Fatalf("down: %d, %v", n, err)
	}
	if n, err := m.Up(t.Context()); err != nil || n != len(files)-1 {
		t.Fatalf("up: %d, %v", n, err)
	}
	after, err := m.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("tables after down and up (-before +after):\n%s", diff)
	}
	if _, err := m.Down(t.Context(), migrations.All); err != nil {
		t.Fatal(err)
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from pg_class where relnamespace = 'shop'::regnamespace`); n != 0 {
		t.Errorf("down all leaves %d relations", n)
	}
}

// The way back of a schema that was somebody else's is kept as SQL within SQL.
func TestRenameOfAdopted(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema web`)
	pgtest.Exec(t, pool, `create table web.app_launched (id varchar(1024) primary key, "old\one" numeric)`)
	mustLoad(t, pool, event("a"))
	mustRename(t, pool)
	m := migrator(t, pool, "shop")
	if _, err := m.Down(t.Context(), migrations.All); err != nil {
		t.Fatal(err)
	}
	got := pgtest.Query(t, pool, `select relname from pg_class where relnamespace = 'shop'::regnamespace and relkind = 'r'`)
	if diff := cmp.Diff([][]any{{"app_launched"}}, got); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

func TestRenameOfNickname(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"))
	r := toShop()
	r.To.Schema = "web"
	dry := patient()
	dry.DryRun = true
	plan, err := admin.Rename(t.Context(), pool, r, dry)
	if err != nil || len(plan.SQL) == 0 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	const owner = `select nickname || ' ' || schema_name from tapline.sources`
	if got := pgtest.Value[string](t, pool, owner); got != "Web web" {
		t.Errorf("after the dry run: %s", got)
	}
	if _, err := admin.Rename(t.Context(), pool, r, patient()); err != nil {
		t.Fatal(err)
	}
	if got := pgtest.Value[string](t, pool, owner); got != "Shop web" {
		t.Errorf("sources: %s", got)
	}
}

func TestRenameRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"))
	loadAs(t, pool, "Other", lines(t, event("a")))
	pgtest.Exec(t, pool, `create schema shop`)
	for _, test := range []struct {
		nickname, schema string
		what             string
	}{{"Shop", "shop", "schema"}, {"Shop", "other", "schema"}, {"Other", "free", "source"}} {
		r := toShop()
		r.To = migrations.Named{Nickname: test.nickname, Schema: test.schema}
		_, err := admin.Rename(t.Context(), pool, r, patient())
		var taken *migrations.ExistsError
		if !errors.As(err, &taken) || taken.What != test.what {
			t.Errorf("to %+v: %v, want a %s that exists", r.To, err, test.what)
		}
	}
	pgtest.Exec(t, pool, `drop schema shop`)
	pgtest.Exec(t, pool, `create table web._widenings ()`)
	var widening *migrations.WideningError
	if _, err := admin.Rename(t.Context(), pool, toShop(), patient()); !errors.As(err, &widening) {
		t.Errorf("while a column is widened: %v", err)
	}
	r := toShop()
	r.From.Nickname = "Nobody"
	if _, err := admin.Rename(t.Context(), pool, r, patient()); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("of no source: %v", err)
	}
}

// What is at work on the source is waited for, and never overtaken.
func TestRenameWaits(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]string{
		"load":             `insert into web._units (unit_key) values ('at work')`,
		"end of a load":    `select pg_advisory_xact_lock(hashtextextended('tapline load web', 0))`,
		"replay":           `select pg_advisory_xact_lock(hashtextextended('tapline replay web', 0))`,
		"writer elsewhere": `lock table web._quarantine in share mode`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			mustLoad(t, pool, event("a"), "no JSON")
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, tx, hold)
			var busy *admin.AtWorkError
			short := admin.RenameOptions{Wait: time.Millisecond, LockTimeout: time.Millisecond}
			if _, err := admin.Rename(t.Context(), pool, toShop(), short); !errors.As(err, &busy) {
				t.Fatalf("error %v, want an AtWorkError", err)
			}
			renamed := make(chan error, 1)
			go func() {
				_, err := admin.Rename(t.Context(), pool, toShop(), patient())
				renamed <- err
			}()
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-renamed; err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A migrator that is at work keeps the schema's name.
func TestRenameWaitsForMigrations(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"))
	reader, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Query(t, reader, `select * from web.purchase_made`)
	m := migrator(t, pool, "web")
	migrated := make(chan error, 1)
	go func() {
		_, err := m.Down(t.Context(), 1)
		migrated <- err
	}()
	for pgtest.Value[int64](t, pool, `select count(*) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())`) < 2 {
		time.Sleep(5 * time.Millisecond)
	}
	var busy *admin.AtWorkError
	short := admin.RenameOptions{Wait: time.Millisecond, LockTimeout: time.Millisecond}
	if _, err := admin.Rename(t.Context(), pool, toShop(), short); !errors.As(err, &busy) {
		t.Errorf("error %v, want an AtWorkError", err)
	}
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	mustRename(t, pool)
}

// golang-migrate's own command, at work on the schema of either name, is waited for like a Migrator.
func TestRenameWaitsForForeignMigrations(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"))
	for _, schemaName := range []string{"web", "shop"} {
		// Its command names the database by the path of its URL.
		key, err := database.GenerateAdvisoryLockId("/"+pool.Config().ConnConfig.Database, schemaName, "_migrations")
		if err != nil {
			t.Fatal(err)
		}
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, tx, `select pg_advisory_xact_lock(`+key+`)`)
		var busy *admin.AtWorkError
		short := admin.RenameOptions{Wait: time.Millisecond, LockTimeout: time.Millisecond}
		if _, err := admin.Rename(t.Context(), pool, toShop(), short); !errors.As(err, &busy) {
			t.Errorf("while schema %s is migrated: error %v, want an AtWorkError", schemaName, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Of two renamings of one source one is done, and the other says that there is no such source any more.
func TestTwoRenames(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustLoad(t, pool, event("a"))
	errs := make(chan error, 2)
	for _, name := range []string{"shop", "store"} {
		go func() {
			r := toShop()
			r.To = migrations.Named{Nickname: name, Schema: name}
			_, err := admin.Rename(t.Context(), pool, r, patient())
			errs <- err
		}()
	}
	first, second := <-errs, <-errs
	if first != nil {
		first, second = second, first
	}
	if first != nil || !errors.Is(second, admin.ErrNotFound) {
		t.Errorf("errors %v and %v, want none and ErrNotFound", first, second)
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from tapline.sources join pg_namespace on nspname = schema_name where nspname in ('shop', 'store')`); n != 1 {
		t.Errorf("%d sources", n)
	}
}

// A renaming that is killed after the schema has its new name, and before the rest has, leaves everything as it was.
func TestKilledRename(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	path := lines(t, event("a"), "no JSON")
	loadAs(t, pool, "Web", path)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, `lock table web._quarantine in share mode`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	killed := make(chan error, 1)
	conn, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := admin.Rename(ctx, conn, toShop(), admin.RenameOptions{Wait: time.Hour, LockTimeout: time.Hour})
		killed <- err
	}()
	const kill = `select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database()
		and query like 'update "shop"."_quarantine"%' and wait_event_type = 'Lock'`
	for pgtest.Value[int64](t, pool, kill) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	if err := <-killed; err == nil {
		t.Fatal("a killed renaming has no error")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := pgtest.Value[string](t, pool, `select nickname || ' ' || nspname from tapline.sources join pg_namespace on nspname = schema_name`); got != "Web web" {
		t.Errorf("sources: %s", got)
	}
	if r := loadAs(t, pool, "Web", path, lines(t, event("b"))); r.Loaded != 1 {
		t.Errorf("load after the kill: %+v", r.Units)
	}
	mustRename(t, pool)
}

// between is a source that renames the loader's source between two files.
type between struct {
	loader.Source
	rename func()
}

// Units implements loader.Source.
func (b between) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		first := true
		for unit, err := range b.Source.Units(ctx) {
			if !first {
				b.rename()
			}
			if first = false; !yield(unit, err) {
				return
			}
		}
	}
}

// A load that goes on under the old name fails; it does not make the old schema anew and load the rest into that.
func TestRenameBetweenUnits(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l, err := loader.New(pool, loader.Config{Source: "Web", Workers: 1, SmallUnit: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	paths := []string{lines(t, event("a")), lines(t, event("b"), `{"type":"track","event":"New One","messageId":"n","userId":"u1"}`)}
	files, err := loader.Files(paths, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load(t.Context(), between{files, func() { mustRename(t, pool) }}); err == nil {
		t.Error("the load has no error")
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from pg_namespace where nspname = 'web'`); n != 0 {
		t.Error("the load made the old schema anew")
	}
	r := loadAs(t, pool, "Shop", paths...)
	if r.Units[0].Status != loader.Skipped || r.Units[1].Status != loader.Finished || r.Loaded != 2 {
		t.Errorf("the same files under the new name: %+v", r.Units)
	}
}
