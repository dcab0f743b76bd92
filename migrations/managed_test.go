package migrations_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Loads of a managed source go on while somebody migrates, or has left a migration undone: what is applied is whole.
func TestManagedIsReadyWhileOthersMigrate(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	managed := open(t, pool, migrations.Options{Managed: true})
	for name, state := range map[string]string{
		"begun":      `update shop._migrations set version = 3, dirty = true`,
		"taken back": `update shop._migration_files set applied_at = null where version = 2; update shop._migrations set version = 1, dirty = false`,
	} {
		if _, err := connect(t, pool).PgConn().Exec(t.Context(), state).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if err := managed.Bootstrap(t.Context(), "Shop"); err != nil {
			t.Errorf("%s: Bootstrap = %v", name, err)
		}
	}
	pgtest.Exec(t, pool, `update shop._migration_files set applied_at = null`)
	var notReady *migrations.NotReadyError
	if err := managed.Bootstrap(t.Context(), "Shop"); !errors.As(err, &notReady) {
		t.Errorf("nothing applied: Bootstrap = %v, want *NotReadyError", err)
	}
}

// A folder is applied as far as it goes, with files of others that record nothing, and only if it is the right one.
func TestUpFolder(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	m := open(t, pool, migrations.Options{})
	p, err := m.Propose(t.Context(), "Shop", purchases(), "purchases")
	if err != nil {
		t.Fatal(err)
	}
	files := p.Files
	if len(files) != 2 || files[1].Name != "purchases" {
		t.Fatalf("%d files, want the baseline and purchases", len(files))
	}
	files = append(files,
		migrations.File{Version: 3, Name: "by_hand", Up: "alter table shop.purchase add column note text -- no semicolon", Down: "alter table shop.purchase drop column note"},
		migrations.File{Version: 4, Name: "index", Up: "create index concurrently by_note on shop.purchase (note)", Down: "drop index concurrently shop.by_note"},
		migrations.File{Version: 5, Name: "broken", Up: "alter table shop.nothing add column x text", Down: "select 1"})
	up := func(limit int) []migrations.Step {
		t.Helper()
		steps, err := m.UpFolder(t.Context(), "Shop", files, limit)
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
	if steps := up(1); len(steps) != 1 || steps[0].Version != 1 {
		t.Errorf("up 1 = %v", steps)
	}
	// What is recorded commits with the file, or neither does.
	pgtest.Exec(t, pool, `create function shop.no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`)
	pgtest.Exec(t, pool, `create trigger no before insert on shop._migration_files for each row when (new.version = 3) execute function shop.no()`)
	if _, err := m.UpFolder(t.Context(), "Shop", files, 2); err == nil || tables(t, m)["purchase"].Column("note") != nil {
		t.Errorf("a file without its record: %v, and the column is there: %v", err, tables(t, m)["purchase"].Column("note") != nil)
	}
	pgtest.Exec(t, pool, `drop function shop.no cascade`)
	if steps := up(2); len(steps) != 2 || steps[1].Version != 4 {
		t.Errorf("up 2 = %v", steps)
	}
	var failed *migrations.FileError
	if _, err := m.UpFolder(t.Context(), "Shop", files, migrations.All); !errors.As(err, &failed) || failed.Version != 5 {
		t.Errorf("a broken file: %v, want *FileError", err)
	}
	if v, dirty, err := m.Version(t.Context()); v != 4 || dirty || err != nil {
		t.Errorf("Version = %d, %v, %v, want 4, clean", v, dirty, err)
	}
	if err := m.Verify(t.Context(), files); err != nil {
		t.Errorf("Verify = %v", err)
	}
	var edited *migrations.EditedError
	changed := append([]migrations.File(nil), files...)
	changed[1].Up += "select 1;"
	if _, err := m.UpFolder(t.Context(), "Shop", changed, migrations.All); !errors.As(err, &edited) || edited.Version != 2 {
		t.Errorf("an edited file: %v", err)
	}
	var moved *migrations.MovedError
	if done, err := m.DownFolder(t.Context(), nil, 1, 3); !errors.As(err, &moved) || len(done) > 0 || moved.Is != 4 {
		t.Errorf("DownFolder after somebody went from 3 to 4: %v, %v", done, err)
	}
	if done, err := m.DownFolder(t.Context(), nil, 3, 4); err != nil || len(done) != 3 {
		t.Errorf("DownFolder = %v, %v", done, err)
	}
	if v, _, err := m.Version(t.Context()); v != 1 || err != nil {
		t.Errorf("Version = %d, %v, want 1", v, err)
	}
}

func TestFolderOfAnotherSchema(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	p := migrations.ProposeNew("Other", "other", schema.Diff{}, "")
	var wrong *migrations.SchemaError
	if _, err := open(t, pool, migrations.Options{}).UpFolder(t.Context(), "Shop", p.Files, migrations.All); !errors.As(err, &wrong) || wrong.Has != "other" {
		t.Errorf("UpFolder = %v, want *SchemaError", err)
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from pg_namespace where nspname in ('shop', 'other', 'tapline')`); n != 0 {
		t.Errorf("%d schemas were made", n)
	}
}

// A newer program with a larger catalogue writes what is new, on top of whatever was generated before, as the next number.
func TestProposeForANewRelease(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	evolve(t, m, purchases())
	pgtest.Exec(t, pool, `alter table shop.app_launched drop column ct_source`)
	pgtest.Exec(t, pool, `delete from shop._columns where column_name = 'ct_source'`)
	pgtest.Exec(t, pool, `update tapline.sources set catalogue = 'older'`)
	p, err := m.Propose(t.Context(), "Shop", schema.Diff{}, "")
	if err != nil || len(p.Files) != 1 || p.Files[0].Version != 3 || len(p.Diff.Columns) != 1 || !p.Catalogue {
		t.Fatalf("Propose = %d files, %+v, %v, want one, number 3", len(p.Files), p.Diff, err)
	}
	folder, err := m.ForFolder(t.Context(), "Shop", p, nil)
	if err != nil || len(folder) != 3 {
		t.Fatalf("ForFolder = %d files, %v, want 3", len(folder), err)
	}
	if _, err := m.UpFolder(t.Context(), "Shop", folder, migrations.All); err != nil {
		t.Fatal(err)
	}
	if err := open(t, pool, migrations.Options{Managed: true}).Bootstrap(t.Context(), "Shop"); err != nil {
		t.Errorf("managed Bootstrap after it = %v", err)
	}
	if _, err := m.Down(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if got := pgtest.Value[string](t, pool, `select catalogue from tapline.sources`); got != "older" {
		t.Errorf("catalogue after down = %q", got)
	}
	var waits *migrations.PendingError
	if _, err := m.ForFolder(t.Context(), "Shop", p, folder); !errors.As(err, &waits) || len(waits.Files) != 1 {
		t.Errorf("ForFolder with a file that waits = %v, want *PendingError", err)
	}
}

// Another migrator applies something else under the next number while this one, which has compared its folder with the schema,
// waits for its turn.
func TestUpFolderLooksAgainWhenItHasItsTurn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	m := open(t, pool, migrations.Options{})
	p, err := m.Propose(t.Context(), "Shop", purchases(), "purchases")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.UpFolder(t.Context(), "Shop", p.Files[:1], migrations.All); err != nil {
		t.Fatal(err)
	}
	turn := connect(t, pool)
	pgtest.Exec(t, turn, `select pg_advisory_lock(`+strconv.FormatInt(migrations.LockKey(shop), 10)+`)`)
	done := make(chan error, 1)
	go func() {
		_, err := m.UpFolder(t.Context(), "Shop", p.Files, migrations.All)
		done <- err
	}()
	waits(t, pool, `select exists (select from pg_locks where locktype = 'advisory' and not granted
		and database = (select oid from pg_database where datname = current_database()))`)
	pgtest.Exec(t, turn, `insert into shop._migration_files (version, name, up, applied_at) values (2, 'of_somebody_else', 'select 1', now())`)
	pgtest.Exec(t, turn, `update shop._migrations set version = 2`)
	pgtest.Exec(t, turn, `select pg_advisory_unlock_all()`)
	var edited *migrations.EditedError
	if err := <-done; !errors.As(err, &edited) || edited.Version != 2 {
		t.Errorf("UpFolder = %v, want an *EditedError", err)
	}
}
