package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

// shown is what the tests look at of schema show --json.
type shown struct {
	Schema string
	Tables []struct {
		Table   string
		Rows    int64
		Columns []struct {
			Column, Type string
			Path         []string
			Filled       *float64
		}
	}
}

func TestSchemaShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("events.ndjson", purchases(8)+identify), "--source", "CleverTap_Prod", "--quiet")
	contains(t, w.must(0, "schema", "show").stdout, "clevertap_prod", "purchase_made", "app_launched", "One row for each event \"Purchase Made\".")
	contains(t, w.must(0, "schema", "show", "purchase_made", "--exact").stdout,
		"clevertap_prod.purchase_made", "Purchase Made", "amount", "bigint", "100 %", `Property "amount" of event "Purchase Made".`)
	var all shown
	w.json(0, &all, "schema", "show", "--exact")
	var one shown
	w.json(0, &one, "schema", "show", "purchase_made", "--exact")
	if all.Schema != "clevertap_prod" || len(all.Tables) < 20 || len(one.Tables) != 1 || one.Tables[0].Rows != 8 {
		t.Fatalf("%d tables, and of one: %+v", len(all.Tables), one.Tables)
	}
	for _, c := range one.Tables[0].Columns {
		if c.Filled == nil || c.Type == "" {
			t.Errorf("column %+v", c)
		}
	}
	r := w.must(64, "schema", "show", "no_such_table")
	contains(t, r.stderr, "no_such_table", "schema show")
}

func TestSchemaDiff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("events.ndjson", purchases(3)), "--source", "CleverTap_Prod", "--quiet")
	contains(t, w.must(0, "schema", "diff").stdout, "is as it should be")
	pool := pgtest.PoolAt(t, w.dsn)
	pgtest.Exec(t, pool, `alter table clevertap_prod.purchase_made drop column email`)
	pgtest.Exec(t, pool, `create table clevertap_prod.mine (a int)`)
	contains(t, w.must(2, "schema", "diff", "--all").stdout, "missing column  purchase_made.email",
		`alter table "clevertap_prod"."purchase_made"`, "extra relation  mine", "1 difference")
	var found struct {
		Drift    bool
		Findings []struct{ Kind, Table, Column, Repair string }
	}
	w.json(2, &found, "schema", "diff")
	if !found.Drift || len(found.Findings) != 1 || found.Findings[0].Kind != "missing_column" {
		t.Errorf("%+v", found)
	}
	pgtest.Exec(t, pool, w.must(2, "schema", "diff", "--sql").stdout)
	w.must(0, "schema", "diff")
}

// TestSchemaDiffOfFolder compares with migrations in a folder: one is not applied, one was edited.
func TestSchemaDiffOfFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("events.ndjson", purchases(3)), "--source", "CleverTap_Prod", "--quiet")
	pool := pgtest.PoolAt(t, w.dsn)
	dir := filepath.Join(w.dir, "migrations")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.file("migrations/000001_baseline.up.sql", "select 1;\n")
	for _, row := range pgtest.Query(t, pool, `select name, up, down from clevertap_prod._migration_files where version = 2`) {
		w.file("migrations/000002_"+row[0].(string)+".up.sql", row[1].(string))
		w.file("migrations/000002_"+row[0].(string)+".down.sql", row[2].(string))
	}
	w.must(0, "schema", "diff", "--dir", dir)
	w.file("migrations/000003_more.up.sql", "select 1;\n")
	contains(t, w.must(2, "schema", "diff", "--dir", dir).stdout, "migration 3 more", "is not applied", "migrate up")
	name := pgtest.Value[string](t, pool, `select name from clevertap_prod._migration_files where version = 2`)
	w.file("migrations/000002_"+name+".up.sql", "select 2;\n")
	contains(t, w.must(2, "schema", "diff", "--dir", dir).stdout, "migration 3 more", "2 differences")
}

// TestSchemaDiffOfConfiguration has an index in the configuration that is not built yet, then one that is.
func TestSchemaDiffOfConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("events.ndjson", purchases(3)), "--source", "CleverTap_Prod", "--quiet")
	config := w.file("tapline.yaml", "sources:\n  CleverTap_Prod:\n    indexes:\n      purchase_made: [email]\n")
	contains(t, w.must(2, "schema", "diff", "--config", config).stdout, "missing index  purchase_made", "email", "migrate up")
	w.must(0, "load", w.file("more.ndjson", purchases(4)), "--source", "CleverTap_Prod", "--quiet", "--config", config)
	stdout := w.must(0, "schema", "diff", "--all", "--config", config).stdout
	if strings.Contains(stdout, "extra index") {
		t.Errorf("the configuration's index is somebody else's:\n%s", stdout)
	}
}

func TestSchemaExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("events.ndjson", purchases(3)), "--source", "CleverTap_Prod", "--quiet")
	for format, want := range map[string]string{
		"dbt": "loaded_at_field", "json-schema": `"purchase_made"`, "tracking-plan-csv": "Track,Purchase Made", "markdown": "## purchase\\_made",
	} {
		stdout := w.must(0, "schema", "export", "--format", format).stdout
		if !strings.Contains(stdout, strings.ReplaceAll(want, `\`, "")) && !strings.Contains(stdout, want) {
			t.Errorf("%s: %q is not in %.500s", format, want, stdout)
		}
		out := filepath.Join(w.dir, "new", format)
		var written struct{ Files []string }
		w.json(0, &written, "schema", "export", "--format", format, "--out", out)
		w.json(0, &written, "schema", "export", "--format", format, "--out", out) // what is there is replaced
		entries, err := os.ReadDir(out)
		if err != nil || len(entries) != len(written.Files) || len(entries) == 0 {
			t.Errorf("%s: %d files in the folder, %d were named: %v", format, len(entries), len(written.Files), err)
		}
	}
	if !json.Valid([]byte(w.must(0, "schema", "export", "--format", "json-schema").stdout)) {
		t.Error("the schemas are no JSON")
	}
	contains(t, w.must(64, "schema", "export").stderr, "--format", "json-schema")
	contains(t, w.must(64, "schema", "export", "--format", "xml").stderr, "xml", "markdown")
	contains(t, w.must(64, "schema", "export", "--format", "dbt", "--warn-after", "3h", "--error-after", "2h").stderr, "--error-after")
}

// TestSchemaOfAnotherWarehouse looks at tables that Segment made, before and after the first load.
func TestSchemaOfAnotherWarehouse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := pgtest.PoolAt(t, w.dsn)
	pgtest.Exec(t, pool, `create schema clevertap_prod;
		create table clevertap_prod.tracks (id varchar(1024) not null primary key, received_at timestamptz, uuid_ts timestamptz,
			event text, event_text text, "timestamp" timestamptz, user_id text);
		create table clevertap_prod.purchase_made (id varchar(1024) not null primary key, received_at timestamptz, uuid_ts timestamptz,
			amount numeric, event text, event_text text, "timestamp" timestamptz, user_id text);
		create table clevertap_prod.app_launched (id varchar(1024) not null primary key, received_at timestamptz, uuid_ts timestamptz,
			ct_latitude numeric, event text, event_text text, "timestamp" timestamptz, user_id text)`)
	contains(t, w.must(0, "schema", "show", "--schema", "clevertap_prod").stdout, "purchase_made", "tracks")
	contains(t, w.must(64, "schema", "diff", "--schema", "clevertap_prod").stderr, "load something into it first")
	w.must(0, "load", w.file("events.ndjson", purchases(3)), "--source", "CleverTap_Prod", "--quiet")
	contains(t, w.must(0, "schema", "show", "purchase_made").stdout, "character varying(1024)", "numeric", "email", `property "email"`)
	contains(t, w.must(0, "schema", "diff").stdout, "is as it should be")
	contains(t, w.must(0, "schema", "diff", "--all").stdout, "adopted table  purchase_made", "8 columns of its own")
	pgtest.Exec(t, pool, `alter table clevertap_prod.purchase_made drop column email; alter table clevertap_prod.tracks drop column anonymous_id`)
	contains(t, w.must(2, "schema", "diff").stdout, "missing column  purchase_made.email", "missing column  tracks.anonymous_id")
	pgtest.Exec(t, pool, w.must(2, "schema", "diff", "--sql").stdout)
	w.must(0, "schema", "diff")
}
