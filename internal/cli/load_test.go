package cli_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/pgtest"
)

// loaded is as much of the document as the tests look at.
type loaded struct {
	Schema   string
	ExitCode int  `json:"exit_code"`
	DryRun   bool `json:"dry_run"`
	Error    string
	Counts   struct{ Accepted, Loaded, Quarantined, Duplicates, Filtered int64 }
	Files    struct{ Finished, Skipped, Failed int }
	Units    []struct{ Unit, Status, Load, Error string }
	Tables   map[string]struct {
		Loaded     int64
		New        bool
		NewColumns []string `json:"new_columns"`
	}
	Quarantine map[string]int64
	Discards   map[string]int64
	Warnings   []string
	Blocked    []struct {
		Table, Column string
		Widen         string `json:"widen_command"`
	} `json:"blocked_columns"`
	SQL       string
	Seconds   float64   `json:"duration_seconds"`
	Committed time.Time `json:"committed_at"`
}

func TestLoadTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("events.ndjson", purchases(50))
	r := w.must(0, "load", path, "--source", "Web_Shop")
	contains(t, r.stdout, "Loaded 50 events into schema web_shop", "purchase_made", "1 file loaded", "new table", "tapline psql --source Web_Shop")
	r = w.must(0, "load", path, "--source", "Web_Shop")
	contains(t, r.stdout, "Nothing new for schema web_shop", "1 file skipped", "tapline status --source Web_Shop")

	now := time.Now().Add(time.Minute)
	if err := os.Chtimes(path, now, now); err != nil {
		t.Fatal(err)
	}
	r = w.must(0, "load", path, "--source", "Web_Shop")
	contains(t, r.stdout, "Loaded 0 events", "50 duplicates")
	if n := pgtest.Value[int64](t, pgtest.PoolAt(t, w.dsn), `select count(*) from web_shop.purchase_made`); n != 50 {
		t.Errorf("%d rows", n)
	}
}

// TestLoadInRanges loads a file above --unit-max-bytes: in parts, each once.
func TestLoadInRanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("events.ndjson", purchases(1000))
	var first, second loaded
	w.json(0, &first, "load", path, "-s", "Web", "--unit-max-bytes", "100KiB")
	if first.Counts.Loaded != 1000 || first.Files.Finished != 2 || first.Units[1].Unit != path+" (part 2 of 2)" {
		t.Errorf("got %+v", first)
	}
	w.json(0, &second, "load", path, "-s", "Web", "--unit-max-bytes", "102400")
	if second.Counts.Accepted != 0 || second.Files.Skipped != 2 {
		t.Errorf("again: got %+v", second)
	}
}

func TestLoadJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("events.ndjson.gz", gzipped(t, purchases(20)+mismatch+badLine))
	before := time.Now()
	var got loaded
	w.json(3, &got, "load", path, "--source", "Web")
	if got.ExitCode != 3 || got.Schema != "web" || got.Counts.Loaded != 21 || got.Counts.Quarantined != 1 || got.Counts.Accepted != 22 ||
		got.Files.Finished != 1 || got.Quarantine["invalid_json"] != 1 || got.Discards["type_mismatch"] != 1 || got.Seconds <= 0 ||
		got.Tables["purchase_made"].Loaded != 21 || !got.Tables["purchase_made"].New {
		t.Errorf("got %+v", got)
	}
	if got.Committed.Before(before) || len(got.Units) != 1 || got.Units[0].Status != "finished" || got.Units[0].Load == "" {
		t.Errorf("got %+v", got)
	}
}

func TestLoadFailedFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	whole := gzipped(t, purchases(3000))
	w.file("a.ndjson.gz", whole[:len(whole)/2])
	w.file("b.ndjson", purchases(5))
	r := w.must(1, "load", w.dir, "--source", "Web")
	contains(t, r.stdout, "Loaded 5 events", "1 file failed", "a.ndjson.gz: truncated")
	if r.stderr != "" {
		t.Errorf("stderr: %s", r.stderr)
	}
	w.file("a.ndjson.gz", whole)
	var got loaded
	w.json(0, &got, "load", w.dir, "--source", "Web")
	if got.Counts.Loaded != 2995 || got.Counts.Duplicates != 5 || got.Files.Skipped != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestLoadQuiet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.must(0, "load", w.file("a.ndjson", purchases(3)), "-s", "Web", "-q")
	if r.stdout+r.stderr != "" {
		t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
	}
	r = w.must(3, "load", w.file("b.ndjson", badLine), "-s", "Web", "--format", "segment", "-q")
	contains(t, r.stdout, "invalid_json")
}

func TestLoadStdin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.runWith(gzipped(t, purchases(9)), nil, "load", "-", "--source", "Web", "--dsn", w.dsn)
	r.want(t, 0)
	contains(t, r.stdout, "Loaded 9 events", `--dsn `)
}

func TestLoadFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(3)+identify)
	var got loaded
	w.json(0, &got, "load", path, "-s", "Web", "--exclude", "purchase*.EMAIL", "--exclude", "identifies")
	if got.Counts.Loaded != 3 || got.Counts.Filtered != 1 {
		t.Errorf("got %+v", got)
	}
	columns := pgtest.Query(t, pgtest.PoolAt(t, w.dsn), `select column_name::text from information_schema.columns
		where table_schema = 'web' and table_name = 'purchase_made' and column_name in ('amount', 'email')`)
	if len(columns) != 1 || columns[0][0] != "amount" {
		t.Errorf("columns %v", columns)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(3)+badLine)
	var got loaded
	w.json(0, &got, "load", path, "-s", "Web", "--dry-run")
	if !got.DryRun || got.Counts.Loaded != 3 || got.Counts.Quarantined != 1 || !got.Tables["purchase_made"].New {
		t.Errorf("got %+v", got)
	}
	contains(t, got.SQL, `create table if not exists "web"."purchase_made"`)
	if n := pgtest.Value[int64](t, pgtest.PoolAt(t, w.dsn), `select count(*) from pg_namespace where nspname in ('web', 'tapline')`); n != 0 {
		t.Errorf("%d schemas were made", n)
	}
}

func TestDryRunWithoutDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(3)+badLine)
	data := w.dir + "/data"
	r := w.runWith("", nil, "load", path, "-s", "Web", "--dry-run", "--data-dir", data)
	r.want(t, 0)
	contains(t, r.stdout, "Would load 3 events into schema web", "invalid_json", `"web"."purchase_made"`,
		"SQL\n-- First comes migration 1, the baseline")
	contains(t, r.stderr, "no Postgres in "+data)
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data folder was made: %v", err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(1))
	export := w.file("export.json", `{"profile":{"objectId":"x"},"eventName":"App Launched","eventProps":{},"ts":20260115100000}`+"\n")
	for want, args := range map[string][]string{
		"use segment, clevertap, segment-csv, clevertap-csv or clevertap-parquet": {"load", path, "-s", "Web", "--format", "xml"},
		"use identity, email, phone or clevertap_id":                              {"load", path, "-s", "Web", "--user-identity", "name"},
		"Asia/Kolkata":                         {"load", path, "-s", "Web", "--timezone", "IST+5"},
		"use auto or managed":                  {"load", path, "-s", "Web", "--evolve", "yes"},
		"--chunk-size":                         {"load", path, "-s", "Web", "--chunk-size", "1"},
		"--unit-max-bytes":                     {"load", path, "-s", "Web", "--unit-max-bytes", "4X"},
		"--source: no source":                  {"load", path},
		"nothing to load":                      {"load", "-s", "Web"},
		"no such file":                         {"load", path + ".not", "-s", "Web"},
		"belongs to Postgres":                  {"load", path, "-s", "pg_web"},
		"unknown command":                      {"laod", path},
		"unknown flag: --sorce":                {"load", path, "--sorce", "Web"},
		`unknown command "restart"`:            {"postgres", "restart"},
		"say what, such as":                    {"prune"},
		"--loads-older-than \"soon\"":          {"prune", "--loads-older-than", "soon"},
		"this database has none yet":           {"quarantine", "list"},
		"--log-level \"loud\": unknown level":  {"version", "--log-level", "loud"},
		"cannot parse":                         {"status", "--dsn", "postgres://u:hunter2@h:port/x"},
		"the pattern names nothing":            {"load", path, "-s", "Web", "--exclude", ".x"},
		"schema web_shop belongs to source":    nil,
		"give --timezone":                      {"load", export, "-s", "Web"},
		"no private Postgres in /nowhere/here": nil,
	} {
		switch {
		case strings.HasPrefix(want, "schema web_shop"):
			w.must(0, "load", path, "-s", "Web Shop", "-q")
			args = []string{"load", path, "-s", "web-shop"}
		case strings.HasPrefix(want, "no private"):
			r := w.runWith("", nil, "status", "--data-dir", "/nowhere/here")
			r.want(t, 64)
			contains(t, r.stderr, want)
			continue
		}
		if want == "this database has none yet" {
			other := newWorld(t)
			contains(t, other.must(64, args...).stderr, want)
			continue
		}
		r := w.must(64, args...)
		contains(t, r.stdout+r.stderr, want)
		if strings.Contains(r.stderr, "hunter2") {
			t.Errorf("the password is shown: %s", r.stderr)
		}
	}
}

func TestErrorAsJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got struct {
		Error    string
		ExitCode int `json:"exit_code"`
	}
	w.json(64, &got, "load", "/no/such/file", "-s", "Web")
	if got.ExitCode != 64 || !strings.Contains(got.Error, "no such file") {
		t.Errorf("got %+v", got)
	}
	for _, args := range [][]string{{"laod"}, {"load", "--fromat", "segment"}, {"loads", "undo"}} {
		got.Error = ""
		w.json(64, &got, args...)
		if got.ExitCode != 64 || got.Error == "" {
			t.Errorf("%v: got %+v", args, got)
		}
	}
}

func TestWrongServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(1))
	r := w.must(1, "load", path, "-s", "Web", "--dsn", "postgres://u:hunter2@127.0.0.1:1/db")
	contains(t, r.stderr, "connect to the Postgres of --dsn", "127.0.0.1:1", "refused", "Check host and port")
	if strings.Contains(r.stderr, "hunter2") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("stderr: %s", r.stderr)
	}
}

func TestFutureWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	late := time.Now().UTC().Add(5 * time.Hour).Format("20060102150405")
	path := w.file("export.json", `{"profile":{"objectId":"x"},"eventName":"App Launched","eventProps":{},"ts":`+late+"}\n")
	r := w.must(0, "load", path, "-s", "CT", "--timezone", "America/New_York", "--account", "A-1")
	contains(t, r.stdout, "1 of 1 events are in the future", "America/New_York")
}

func TestBlockedColumn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("a.ndjson", purchases(3)), "-s", "Web", "-q")
	pool := pgtest.PoolAt(t, w.dsn)
	pgtest.Exec(t, pool, `create view public.report as select amount from web.purchase_made`)
	fraction := strings.NewReplacer(`"a lot"`, "1.5").Replace(mismatch)
	var got loaded
	w.json(0, &got, "load", w.file("b.ndjson", fraction), "-s", "Web")
	if len(got.Blocked) != 1 || got.Discards["type_mismatch"] != 1 {
		t.Fatalf("got %+v", got)
	}
	pgtest.Exec(t, pool, `drop view public.report`)
	w.must(0, strings.Fields(got.Blocked[0].Widen)[1:]...)
	if stored := pgtest.Value[string](t, pool, `select amount::text from web.purchase_made where id = 'm1'`); stored != "1.5" {
		t.Errorf("the printed command stored %s of the value that waited, want 1.5", stored)
	}
	fraction = strings.Replace(fraction, `"m1"`, `"m2"`, 1)
	got = loaded{}
	w.json(0, &got, "load", w.file("c.ndjson", fraction), "-s", "Web")
	if len(got.Blocked)+len(got.Discards) != 0 {
		t.Errorf("the printed command does not help: %+v", got)
	}
}
