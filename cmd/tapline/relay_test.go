package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// TestFederateIntoTapline forwards the rows of one Tapline into another one's door: the same ids, events, users and
// properties arrive, and when it happened is when it happened.
func TestFederateIntoTapline(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	there := server.DSN(localpg.Database)
	s := launch(t, []string{"DATABASE_URL=" + there}, "serve", "--source", "Web", "--data-dir", folder(t), "--load-every", "100ms")
	here := pgtest.DSN(t)
	env := []string{"DATABASE_URL=" + here, "KEY=" + s.NewKey.WriteKey}
	tapline := func(code int, args ...string) string {
		t.Helper()
		got, stdout, stderr := run(t, "", "tapline", env, args...)
		if got != code {
			t.Fatalf("%v: exit code %d: %s%s", args, got, stdout, stderr)
		}
		return stdout
	}
	tapline(3, "load", filepath.Join("..", "..", "testdata", "contract", "events.ndjson"), "--source", "Web", "--quiet")
	tapline(0, "destination", "add", "other", "--source", "Web", "--endpoint", s.URL, "--write-key-env", "KEY", "--allow-http", "--allow-private")
	tapline(0, "destination", "test", "other")
	tapline(0, "federate", "--once", "--give-up", "10s")
	var status struct {
		Destinations []struct {
			Delivered int
			Pending   struct{ Rows int }
		}
	}
	if err := json.Unmarshal([]byte(tapline(0, "destination", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	source := pgtest.PoolAt(t, here)
	want := relayed(t, source, "timestamp")
	for _, row := range pgtest.Query(t, source, `select table_name || ' ' || message_id, reason from tapline._undelivered`) {
		if row[1] != "too_large" { // in JSON as the client writes it, an event of 32 KiB may be larger
			t.Errorf("not delivered: %v", row)
		}
		delete(want, row[0].(string))
	}
	for id, row := range want {
		if strings.Contains(row, "v=9223372036854776000") {
			// A number that no bigint holds, in a column that began with small ones here: which type it has there depends on what
			// comes first, and rows of a load come by id.
			want[id] = strings.Replace(row, "v=9223372036854776000 ", "", 1)
		}
	}
	if len(status.Destinations) != 1 || status.Destinations[0].Delivered != len(want) || status.Destinations[0].Pending.Rows != 0 || len(want) < 150 {
		t.Errorf("%d rows, status %+v", len(want), status)
	}
	pool := pgtest.PoolAt(t, there)
	until(t, "all that was delivered is loaded", func() bool {
		return pgtest.Value[bool](t, pool, "select to_regclass('web._loads') is not null") &&
			pgtest.Value[int64](t, pool, "select coalesce(sum(rows + quarantined), 0)::bigint from web._loads") == int64(len(want)+1)
	})
	got := relayed(t, pool, "original_timestamp")
	for _, row := range pgtest.Query(t, pool, `select reason, coalesce(detail, ''), encode(raw, 'escape') from web._quarantine`) {
		t.Errorf("in quarantine: %.500v", row)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows here and there (-here +there):\n%.6000s", diff)
	}
	forwardsFurther(t, there, len(want)+1)
}

// forwardsFurther gives the Tapline that serves a destination of its own while it runs, and takes it away again.
func forwardsFurther(t *testing.T, dsn string, rows int) {
	t.Helper()
	const key = "kEy-4711-further"
	further := newDestination(t, key)
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_URL=" + dsn}
	for _, args := range [][]string{
		{"destination", "add", "further", "--source", "Web", "--endpoint", further.url, "--write-key-file", path, "--allow-http", "--allow-private"},
		{"destination", "remove", "further"},
	} {
		if code, stdout, stderr := run(t, "", "tapline", env, args...); code != 0 {
			t.Fatalf("%v: exit code %d: %s%s", args, code, stdout, stderr)
		}
		until(t, "what it has loaded is forwarded", func() bool {
			return strings.HasPrefix(further.ask(http.MethodGet, "/kept"), fmt.Sprint(rows, " "))
		})
	}
	if kept := further.ask(http.MethodGet, "/kept"); !strings.HasSuffix(kept, " 0") {
		t.Errorf("kept, repeated, wrong: %s", kept)
	}
}

// relayed are the rows of all calls by their messageId: table, and what has to be the same on both sides.
func relayed(t *testing.T, pool *pgxpool.Pool, at string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, row := range pgtest.Query(t, pool, `select distinct table_name from web._columns where column_name = 'uuid_ts'
		and table_name not in ('users', 'accounts', 'tapline_destination_tested')`) {
		table := row[0].(string)
		for _, row := range pgtest.Query(t, pool, `select id, jsonb_strip_nulls(to_jsonb(t) - array['id', 'received_at', 'uuid_ts', 'sent_at', 'timestamp', 'original_timestamp'])::text, `+
			`to_json("`+at+`")::text from web."`+table+`" t`) {
			id := row[0].(string)
			if at == "timestamp" {
				id = federate.MessageID("Web", table, id)
			}
			out[table+" "+id] = fmt.Sprint(withoutLibrary(t, row[1].(string)), " at ", row[2])
		}
	}
	return out
}

// withoutLibrary takes out of a row what analytics-go says of itself.
func withoutLibrary(t *testing.T, row string) string {
	t.Helper()
	values := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(row), &values); err != nil {
		t.Fatal(err)
	}
	var out []string
	for name, value := range values {
		if !strings.HasPrefix(name, "context_library_") {
			out = append(out, name+"="+string(value))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
