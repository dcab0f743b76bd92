package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

// configured writes a configuration file for the test's database.
func (w *world) configured(sources string) string {
	w.t.Helper()
	return w.file("tapline.yaml", "database: {dsn: '"+w.dsn+"'}\nsources:\n"+sources)
}

// bare runs a command line without a database in the environment.
func (w *world) bare(code int, args ...string) result {
	w.t.Helper()
	r := w.runWith("", nil, args...)
	r.want(w.t, code, args...)
	return r
}

func TestConfigFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("events.ndjson", purchases(2))
	file := w.configured("  Web_Shop:\n    schema: shop\n    exclude: ['*.email']\n")
	contains(t, w.bare(0, "load", path, "--config", file).stdout, "Web_Shop", "2 events into schema shop")
	const email = `select count(*) from information_schema.columns where table_schema = 'shop' and column_name = 'email'`
	if n := pgtest.Value[int64](t, pgtest.PoolAt(t, w.dsn), email); n != 0 {
		t.Error("what the file excludes was loaded")
	}
	var out struct {
		Sources []struct {
			Source, Schema string
		} `json:"sources"`
	}
	w.json(0, &out, "status")
	if len(out.Sources) != 1 || out.Sources[0].Source != "Web_Shop" || out.Sources[0].Schema != "shop" {
		t.Errorf("sources %+v", out.Sources)
	}
	contains(t, w.bare(0, "loads", "list", "--config", file).stdout, "finished")
	// What a flag says wins.
	w.bare(0, "load", path, "--config", file, "--schema", "other", "--source", "Other")
	// A source that the file does not name is loaded as without a file.
	contains(t, w.bare(0, "status", "--config", file, "--source", "Other").stdout, "schema other")
	// Of several sources none is meant; all are shown.
	contains(t, w.bare(0, "status", "--config", file).stdout, "Other", "Web_Shop")
}

func TestConfigFileManaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("events.ndjson", purchases(1))
	file := w.configured("  Web: {evolve: managed}\n  App: {}\n")
	contains(t, w.bare(64, "load", path, "--config", file).stderr, "the configuration file has several", "--source App or --source Web")
	contains(t, w.bare(1, "load", path, "--config", file, "-s", "Web").stderr, "not ready")
	w.bare(0, "load", path, "--config", file, "-s", "Web", "--evolve", "auto")
	w.bare(0, "load", w.file("more.ndjson", purchases(2)+mismatch), "--config", file, "-s", "Web")
}

func TestWrongConfigFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.file("tapline.yaml", "sources:\n  A:\n    evolv: auto\n")
	r := w.bare(64, "status", "--config", file)
	contains(t, r.stderr, file+":3:5", `unknown setting "evolv"`, "did you mean evolve?")
	r = w.runWith("", []string{"TAPLINE_CONFIG=" + file}, "status", "--json")
	r.want(t, 64, "status")
	contains(t, r.stdout, `"exit_code": 64`)
	// What needs no configuration works beside a broken one.
	w.runWith("", []string{"TAPLINE_CONFIG=" + file}, "version").want(t, 0, "version")
	unset := w.file("unset.yaml", "database: {dsn_env: WAREHOUSE_DSN}")
	contains(t, w.bare(64, "status", "--config", unset).stderr, "WAREHOUSE_DSN", "not set", unset)
	w.runWith("", []string{"WAREHOUSE_DSN=" + w.dsn}, "status", "--config", unset).want(t, 0, "status")
}

// The file in the folder where a command runs is read without being named.
func TestConfigFileHere(t *testing.T) {
	w := newWorld(t)
	path := w.file("events.ndjson", purchases(1))
	w.configured("  Here: {}\n")
	t.Chdir(w.dir)
	contains(t, w.bare(0, "load", path).stdout, "Here")
	if err := os.Remove(filepath.Join(w.dir, "tapline.yaml")); err != nil {
		t.Fatal(err)
	}
	contains(t, w.must(64, "load", path).stderr, "no source")
}

// A load makes the file's indexes, and goes through where one cannot be made.
func TestConfigFileIndexes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.configured("  Web:\n    indexes: {purchase_made: [user_id, [email, amount]], tracks: user_id}\n")
	contains(t, w.bare(0, "load", w.file("events.ndjson", purchases(2)), "--config", file).stdout,
		"the index of tracks on user_id was not made: it is a view")
	const made = `select count(*) from pg_indexes where schemaname = 'web' and tablename = 'purchase_made' and indexname like '\_ix\_%'`
	if n := pgtest.Value[int64](t, pgtest.PoolAt(t, w.dsn), made); n != 2 {
		t.Errorf("%d indexes, want 2", n)
	}
	// They are no drift, and are shown.
	w.bare(0, "schema", "diff", "--config", file)
	contains(t, w.bare(0, "schema", "show", "purchase_made", "--config", file).stdout, "_ix_purchase_made_user_id_")
}

// Where loads do not change the schema, the file's indexes are made with the migrations.
func TestMigrateUpIndexes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.configured("  Web:\n    evolve: managed\n    indexes: {app_launched: [user_id], later: [user_id], notification_sent: [campaign_id]}\n")
	contains(t, w.bare(0, "migrate", "up", "--config", file).stdout, "Made the index of app_launched on user_id", "there is no table later yet")
	var out struct {
		Indexes []struct {
			Table, Status string
		} `json:"indexes"`
	}
	w.json(0, &out, "migrate", "up", "--config", file)
	if len(out.Indexes) != 3 || out.Indexes[0].Status != "there" || out.Indexes[1].Status != "waits" {
		t.Errorf("indexes %+v", out.Indexes)
	}
	view := w.configured("  Web:\n    indexes: {tracks: [user_id]}\n")
	contains(t, w.bare(1, "migrate", "up", "--config", view).stderr, "the index of tracks on user_id was not made: it is a view")
	// A managed load makes none.
	w.configured("  Web:\n    evolve: managed\n    indexes: {utm_visited: [user_id]}\n")
	w.bare(3, "load", w.file("events.ndjson", identify), "--config", file)
	const made = `select count(*) from pg_indexes where schemaname = 'web' and indexname like '\_ix\_%'`
	if n := pgtest.Value[int64](t, pgtest.PoolAt(t, w.dsn), made); n != 2 {
		t.Errorf("%d indexes, want 2", n)
	}
}
