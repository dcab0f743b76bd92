package cli_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
)

// waiting is a file of which, with the schema owned by others, a table and a column are missing.
const waiting = `{"type":"track","messageId":"w1","event":"Purchase Made","userId":"u1","properties":{"amount":5}}
{"type":"track","messageId":"w2","event":"App Launched","userId":"u1","properties":{"colour":"red"}}
{"type":"track","messageId":"w3","event":"App Launched","userId":"u2","properties":{"colour":7}}
`

type replay struct {
	ExitCode   int   `json:"exit_code"`
	Loaded     int64 `json:"loaded"`
	Duplicates int64 `json:"duplicates"`
	Filled     int64 `json:"filled_values"`
	Tables     map[string]struct {
		Loaded int64 `json:"loaded"`
		Filled int64 `json:"filled_values"`
	} `json:"tables"`
	Records map[string]int64 `json:"waiting_records"`
	Values  map[string]int64 `json:"waiting_values"`
	Loads   []string         `json:"loads"`
}

func TestQuarantineReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := pgtest.PoolAt(t, w.dsn)
	w.must(0, "load", w.file("a.ndjson", identify), "-s", "Web", "-q")
	w.must(3, "load", w.file("b.ndjson", waiting+badLine), "-s", "Web", "-q", "--evolve", "managed")
	contains(t, w.must(0, "status").stdout, "unknown_table 1", "unknown_column 2", "invalid_json 1")

	var got replay
	w.json(3, &got, "quarantine", "replay", "--evolve", "managed")
	want := map[string]int64{"unknown_table": 1, "invalid_json": 1}
	if diff := cmp.Diff(want, got.Records); diff != "" || got.Loaded+got.Filled != 0 || got.Values["unknown_column"] != 2 || len(got.Loads) != 0 {
		t.Errorf("before the migration %+v, -want +got:\n%s", got, diff)
	}
	pgtest.Exec(t, pool, `create table web.purchase_made (like web.app_launched including all); alter table web.purchase_made add amount bigint`)
	pgtest.Exec(t, pool, `alter table web.app_launched add colour text`)
	args := []string{"quarantine", "replay", "--evolve", "managed", "--reason", "unknown_table,unknown_column"}
	contains(t, w.must(0, append(args, "--dry-run")...).stdout, "Would bring in 1 record and 2 values of Web", "purchase_made", "app_launched")
	contains(t, w.must(0, "status").stdout, "unknown_table 1", "unknown_column 2")

	contains(t, w.must(0, args...).stdout, "Brought in 1 record and 2 values of Web", "tapline status")
	rows := pgtest.Query(t, pool, `select id, colour from web.app_launched union all select id, amount::text from web.purchase_made order by 1`)
	if diff := cmp.Diff([][]any{{"w1", "5"}, {"w2", "red"}, {"w3", "7"}}, rows); diff != "" {
		t.Errorf("rows, -want +got:\n%s", diff)
	}
	out := w.must(0, "status").stdout
	contains(t, out, "invalid_json 1", "discards    none")
	contains(t, w.must(0, "quarantine", "list").stdout, "replayed", "waiting", "STATE")
	contains(t, w.must(0, args...).stdout, "Nothing of the kind waits")

	contains(t, w.must(0, "loads", "undo", "3", "--yes").stdout, "1 record waits again", "tapline quarantine replay")
	contains(t, w.must(0, "loads", "undo", "4", "--yes").stdout, "2 values do")
	contains(t, w.must(0, "status").stdout, "unknown_table 1", "unknown_column 2")
	w.json(3, &got, "quarantine", "replay", "--evolve", "managed", "--since", "1h")
	if got.Loaded != 1 || got.Filled != 2 || len(got.Loads) != 2 {
		t.Errorf("again: %+v", got)
	}
}

func TestQuarantineReplayUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("a.ndjson", identify), "-s", "Web", "-q")
	for args, want := range map[string][]string{
		`--since "tomorrow": no time`:  {"--since", "tomorrow"},
		`"2020-01-01": not after`:      {"--since", "1d", "--until", "2020-01-01"},
		`--limit "-1": too few`:        {"--limit", "-1"},
		`--user-identity "x": unknown`: {"--user-identity", "x"},
	} {
		contains(t, w.must(64, append([]string{"quarantine", "replay"}, want...)...).stderr, args)
	}
}
