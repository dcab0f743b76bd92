package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
)

// dump returns the rows of all event tables of the schema, without what differs between two loads of one file.
func dump(t *testing.T, conn pgtest.Conn, schemaName string) map[string][][]any {
	t.Helper()
	out := map[string][][]any{}
	for _, row := range pgtest.Query(t, conn, `select table_name::text from information_schema.tables
		where table_schema = $1 and table_type = 'BASE TABLE' and left(table_name, 1) <> '_'`, schemaName) {
		name := row[0].(string)
		rows := pgtest.Query(t, conn, `select (to_jsonb(t) - 'uuid_ts' - 'received_at')::text from "`+schemaName+`"."`+name+`" t order by id`)
		if len(rows) > 0 {
			out[name] = rows
		}
	}
	out["_discards"] = pgtest.Query(t, conn, `select table_name, row_id, column_name, raw_value, reason from "`+schemaName+`"._discards order by 1, 2, 3`)
	out["_quarantine"] = pgtest.Query(t, conn, `select id, reason, raw from "`+schemaName+`"._quarantine order by id`)
	out["_units"] = pgtest.Query(t, conn, `select unit_key from "`+schemaName+`"._units order by 1`)
	return out
}

type undone struct {
	Tables, Rebuilt map[string]int64
	Discards        int64 `json:"discarded_values"`
	Quarantined     int64
	Units           int64
	Shadowed        int64 `json:"later_loads_with_duplicates"`
}

type loads struct {
	Loads []struct {
		Load, Status, Unit string
		Seq                *int64
		Rows               int64
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := pgtest.PoolAt(t, w.dsn)
	// Both files know user u1; without the second one, the plan is gold again.
	first := w.file("first.ndjson", purchases(10)+identify)
	newer := strings.NewReplacer(`"i1"`, `"i2"`, "2026-01-15", "2026-01-16", "gold", "silver").Replace(identify)
	second := w.file("second.ndjson", strings.ReplaceAll(purchases(4), `"messageId":"p`, `"messageId":"q`)+newer+mismatch+badLine)
	w.must(0, "load", first, "-s", "Web", "-q")
	before := dump(t, pool, "web")
	w.must(3, "load", second, "-s", "Web", "-q")
	both := dump(t, pool, "web")
	w.must(0, "load", w.file("third.ndjson", strings.ReplaceAll(purchases(1), `"messageId":"p`, `"messageId":"q`)), "-s", "Web", "-q")

	w.must(64, "loads", "undo", "2")
	var got undone
	w.json(0, &got, "loads", "undo", "2", "--yes")
	want := undone{
		Tables: map[string]int64{"purchase_made": 5, "identifies": 1}, Rebuilt: map[string]int64{"users": 1},
		Discards: 1, Quarantined: 1, Units: 1, Shadowed: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	after := dump(t, pool, "web")
	after["_units"] = after["_units"][:1] // the third file's is there too
	delete(before, "_units")
	delete(after, "_units")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the load left a trace, -want +got:\n%s", diff)
	}
	contains(t, w.must(1, "loads", "undo", "2", "--yes").stderr, "is undone: it is undone already")
	contains(t, w.must(64, "loads", "undo", "99", "--yes").stderr, "no load 99: see tapline loads list")

	w.must(3, "load", second, "-s", "Web", "-q")
	again := dump(t, pool, "web")
	delete(both, "_units")
	delete(again, "_units")
	if diff := cmp.Diff(both, again); diff != "" {
		t.Errorf("loading again gives other rows, -want +got:\n%s", diff)
	}
	var list loads
	w.json(0, &list, "loads", "list")
	if len(list.Loads) != 4 || list.Loads[0].Status != "finished" || *list.Loads[0].Seq != 4 || list.Loads[2].Status != "undone" {
		t.Errorf("loads %+v", list)
	}
	contains(t, w.must(0, "loads", "list").stdout, "undone", "finished", second)
}

func TestUndoFailedLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	whole := gzipped(t, purchases(3000))
	w.must(1, "load", w.file("a.ndjson.gz", whole[:len(whole)-20]), "-s", "Web")
	var list loads
	w.json(0, &list, "loads", "list", "-s", "Web")
	if len(list.Loads) != 1 || list.Loads[0].Status != "failed" || list.Loads[0].Seq != nil {
		t.Fatalf("loads %+v", list)
	}
	r := w.must(1, "loads", "undo", list.Loads[0].Load, "--yes")
	contains(t, r.stderr, "is failed: nothing of it is in the tables")
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(2)+badLine+"{\x1b[31m\xff\n"+strings.Repeat(" ", 3)+badLine)
	w.must(3, "load", path, "-s", "Web", "-q")
	r := w.must(0, "quarantine", "list", "-s", "Web")
	contains(t, r.stdout, "invalid_json", "invalid_utf8", "a.ndjson:3", `{\x1b[31m\xff`, "tapline quarantine show")
	var got struct {
		Reasons []struct {
			Reason string
			Count  int64
		}
		Records []struct {
			ID, Reason, Unit string
			Line             int64
			Raw              []byte `json:"raw_base64"`
		}
	}
	w.json(0, &got, "quarantine", "list", "--reason", "invalid_utf8", "--limit", "5")
	if len(got.Reasons) != 2 || got.Reasons[0].Count != 2 || len(got.Records) != 1 || got.Records[0].Line != 4 || got.Records[0].Unit != path {
		t.Fatalf("got %+v", got)
	}
	r = w.must(0, "quarantine", "show", got.Records[0].ID[:12])
	contains(t, r.stdout, "invalid_utf8", path+", line 4", `{\x1b[31m\xff`)
	if strings.Contains(r.stdout, "\x1b") || strings.Contains(r.stdout, "\xff") {
		t.Errorf("raw control characters: %q", r.stdout)
	}
	contains(t, w.must(64, "quarantine", "show", "nonsense").stderr, "no record nonsense")
}

func TestStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contains(t, w.must(0, "status").stdout, "no source yet")
	w.must(3, "load", w.file("a.ndjson", purchases(7)+mismatch+badLine), "-s", "Web", "-q")
	w.must(0, "load", w.file("b.ndjson", purchases(2)), "-s", "Other", "-q")
	r := w.must(0, "status")
	contains(t, r.stdout, "Web", "Other", "purchase_made", "invalid_json 1", "type_mismatch 1", "just now")
	var got struct {
		Sources []struct {
			Source, Schema string
			Units          int64
			Loads          map[string]int64
			Tables         []struct {
				Table string
				Rows  int64
				Exact bool
			}
		}
	}
	w.json(0, &got, "status", "--source", "web")
	if len(got.Sources) != 1 || got.Sources[0].Source != "Web" || got.Sources[0].Loads["finished"] != 1 ||
		len(got.Sources[0].Tables) != 1 || got.Sources[0].Tables[0].Rows != 8 || !got.Sources[0].Tables[0].Exact {
		t.Errorf("got %+v", got)
	}
	contains(t, w.must(64, "loads", "list").stderr, "which source? Name it with --source: this database has Other, Web")
	contains(t, w.must(64, "loads", "list", "-s", "Nix").stderr, `no source "Nix": this database has Other, Web`)
}

func TestPrune(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := pgtest.PoolAt(t, w.dsn)
	path := w.file("a.ndjson", purchases(5)+mismatch+badLine)
	w.must(3, "load", path, "-s", "Web", "-q")
	w.must(0, "load", w.file("b.ndjson", purchases(6)), "-s", "Web", "-q")
	for _, sql := range []string{
		"update web._loads set finished_at = now() - interval '100 days'", "update web._units set loaded_at = now() - interval '100 days'",
		"update web._quarantine set uuid_ts = now() - interval '100 days'", "update web._discards set uuid_ts = now() - interval '100 days'",
	} {
		pgtest.Exec(t, pool, sql)
	}
	args := []string{"prune", "-s", "Web", "--loads-older-than", "90d", "--units-older-than", "12w", "--quarantine-older-than", "2400h", "--discards-older-than", "90d"}
	type pruned struct {
		Removed                  bool
		Loads, Units, Quarantine int64
		Unreplayed               int64 `json:"quarantine_never_replayed"`
		Discards                 int64 `json:"discarded_values"`
	}
	for _, test := range []struct {
		args []string
		want pruned
	}{
		{args, pruned{false, 1, 2, 1, 1, 1}},
		{append(args, "--confirm"), pruned{true, 1, 2, 1, 1, 1}},
		{args, pruned{false, 0, 0, 0, 0, 0}},
	} {
		var got pruned
		w.json(0, &got, test.args...)
		if got != test.want {
			t.Errorf("%v: got %+v, want %+v", test.args, got, test.want)
		}
	}
	// The file is read again, its events are there already, and numbers go on from the load that was kept.
	var again loaded
	w.json(3, &again, "load", path, "-s", "Web")
	if again.Counts.Duplicates != 6 || again.Counts.Quarantined != 1 {
		t.Errorf("got %+v", again)
	}
	if n := pgtest.Value[int64](t, pool, "select max(seq) from web._loads"); n != 3 {
		t.Errorf("last number %d", n)
	}
	contains(t, w.must(0, args...).stdout, "Nothing was removed: add --confirm")
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got struct {
		Healthy bool
		Checks  []struct{ Check, Result, Found, Hint string }
	}
	w.json(0, &got, "doctor", "-s", "Web")
	verdicts := map[string]string{}
	for _, c := range got.Checks {
		verdicts[c.Check] = c.Result
	}
	// The test server is made not to be durable.
	want := map[string]string{
		"DSN": "ok", "connect": "ok", "version": "ok", "encoding": "ok", "sessions": "ok", "create schema": "ok", "write to web": "ok",
		"durability": "warn", "round trip": "ok", "temporary folder": "ok",
	}
	delete(verdicts, "round trip")
	delete(want, "round trip")
	if diff := cmp.Diff(want, verdicts); diff != "" || !got.Healthy {
		t.Errorf("healthy %v, -want +got:\n%s", got.Healthy, diff)
	}
	r := w.must(2, "doctor", "--dsn", "postgres://u:hunter2@127.0.0.1:1/db")
	contains(t, r.stdout, "✗ fail  connect", "refused", "→")
	if strings.Contains(r.stdout, "hunter2") {
		t.Errorf("the password is shown: %s", r.stdout)
	}
}

func TestDoctorRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("a.ndjson", purchases(1)), "-s", "Web", "-q")
	pool := pgtest.PoolAt(t, w.dsn)
	role := "weak_" + pgtest.Value[string](t, pool, "select substr(md5(current_database()), 1, 8)")
	pgtest.Exec(t, pool, "create role "+role+" login")
	defer pgtest.Exec(t, pool, "drop role "+role)
	r := w.must(2, "doctor", "-s", "Web", "--dsn", strings.Replace(w.dsn, "tapline@", role+"@", 1))
	contains(t, r.stdout, "role "+role+" lacks usage on schema", `grant select, insert on table "web"."_discards" to "`+role, "tapline roles --check", "may not create schemas")
}

func TestVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got struct{ Version, Go, Platform string }
	w.json(0, &got, "version")
	if got.Version == "" || !strings.HasPrefix(got.Go, "go1.") || !strings.Contains(got.Platform, "/") {
		t.Errorf("got %+v", got)
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("a.ndjson", purchases(1)), "-s", "Web", "-q")
	for flag, want := range map[string]string{"--source": "Web", "--format": "clevertap-csv", "--timezone": "UTC", "--evolve": "managed"} {
		r := w.must(0, "__complete", "load", "x", flag, "")
		contains(t, r.stdout, want+"\n")
	}
}
