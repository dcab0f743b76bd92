package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
)

const segmentKey = "kEy-4711-secret"

// forwards is a world with a destination that runs in this process.
type forwards struct {
	*world
	sink *sink.Sink
	url  string
}

func newForwards(t *testing.T) *forwards {
	t.Helper()
	f := &forwards{world: newWorld(t), sink: &sink.Sink{Key: segmentKey}}
	server := httptest.NewServer(f.sink)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// run is world.run with the write key in the environment.
func (f *forwards) run(args ...string) result {
	f.t.Helper()
	return f.runWith("", []string{"DATABASE_URL=" + f.dsn, "SEGMENT_KEY=" + segmentKey, "HASH_KEY=of hashes"}, args...)
}

func (f *forwards) must(code int, args ...string) result {
	f.t.Helper()
	r := f.run(args...)
	r.want(f.t, code, args...)
	for _, text := range []string{r.stdout, r.stderr} {
		if strings.Contains(text, segmentKey) {
			f.t.Errorf("tapline %s tells the key: %s", strings.Join(args, " "), text)
		}
	}
	return r
}

func (f *forwards) json(code int, v any, args ...string) {
	f.t.Helper()
	r := f.must(code, append(args, "--json")...)
	if err := json.Unmarshal([]byte(r.stdout), v); err != nil {
		f.t.Fatalf("decode %q: %v", r.stdout, err)
	}
}

func (f *forwards) add(name string, more ...string) {
	f.t.Helper()
	f.must(0, append([]string{
		"destination", "add", name, "--source", "Web", "--endpoint", f.url, "--write-key-env", "SEGMENT_KEY",
		"--allow-http", "--allow-private",
	}, more...)...)
}

// destinationStatus is what tapline destination status says of one.
type destinationStatus struct {
	Destination, Status, Endpoint, Region string
	WriteKeyFrom                          string `json:"write_key_from"`
	LastError                             string `json:"last_error"`
	Delivered, Filtered                   int64
	Pending                               struct {
		Rows  int64
		Since *string
		Age   float64 `json:"age_seconds"`
	}
	Undelivered map[string]int64
	LatencyP95  *float64 `json:"latency_p95_ms"`
	Sample      *struct {
		Reason, Response, Table string
		RowID                   string `json:"row_id"`
		Message                 map[string]any
	}
}

func (f *forwards) status(name string) destinationStatus {
	f.t.Helper()
	var out struct{ Destinations []destinationStatus }
	f.json(0, &out, "destination", "status", name)
	if len(out.Destinations) != 1 {
		f.t.Fatalf("status of %s: %+v", name, out)
	}
	return out.Destinations[0]
}

// ids are the messageIds that the rows of a table have to be sent with.
func (f *forwards) ids(table string) (ids []string) {
	f.t.Helper()
	for _, row := range pgtest.Query(f.t, pgtest.PoolAt(f.t, f.dsn), `select id from web.`+table) {
		ids = append(ids, federate.MessageID("Web", table, row[0].(string)))
	}
	slices.Sort(ids)
	return ids
}

func (f *forwards) arrived(want []string) {
	f.t.Helper()
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(f.sink.Messages()))); diff != "" {
		f.t.Errorf("messages at the destination (-want +got):\n%.2000s", diff)
	}
	for _, w := range f.sink.Wrong() {
		f.t.Errorf("at the destination: %.500s", w)
	}
}

// From the first command to the status: what is loaded is sent, once, and the status tells how.
func TestFederate(t *testing.T) {
	t.Parallel()
	f := newForwards(t)
	contains(t, f.must(64, "federate", "--once").stderr, "there are no destinations")
	f.must(0, "load", f.file("a.ndjson", purchases(1200)), "-s", "Web", "-q")
	r := f.must(0, "destination", "add", "segment", "--source", "Web", "--endpoint", f.url+"/v1/batch", "--write-key-env", "SEGMENT_KEY",
		"--allow-http", "--allow-private")
	contains(t, r.stdout, "Added destination segment", "source Web has no region", "source set Web --region us", "no TLS")
	if got := f.status("segment"); got.Pending.Rows != 1200 || got.Pending.Since == nil || got.Delivered != 0 || got.Endpoint != f.url || got.WriteKeyFrom != "env:SEGMENT_KEY" {
		t.Errorf("before: %+v", got)
	}
	contains(t, f.must(0, "destination", "test", "segment").stdout, "took the event", "200 OK")
	contains(t, f.must(0, "federate", "--once").stdout, "segment", "1,200 events sent")
	var test string
	for id, m := range f.sink.Messages() {
		if strings.Contains(string(m), "Tapline Destination Tested") {
			test = id
		}
	}
	want := append(f.ids("purchase_made"), test)
	slices.Sort(want)
	f.arrived(want)
	got := f.status("segment")
	if got.Status != "active" || got.Pending.Rows != 0 || got.Delivered != 1200 || len(got.Undelivered) != 0 || got.LatencyP95 == nil {
		t.Errorf("after: %+v", got)
	}
	contains(t, f.must(0, "federate", "--once").stdout, "nothing to send")
	_, repeated, requests := f.sink.Counts()
	if repeated > 0 {
		t.Errorf("%d messages were sent twice", repeated)
	}
	// A replay sends what happened in a time range again, with the same ids.
	contains(t, f.must(0, "federate", "segment", "--from", "2026-01-15", "--to", "2026-01-16").stdout, "1,200 events sent")
	contains(t, f.must(0, "federate", "--from", "2026-02-01").stdout, "nothing to send")
	if _, repeated, now := f.sink.Counts(); repeated != 1200 || now <= requests {
		t.Errorf("a replay repeated %d messages", repeated)
	}
	f.arrived(want)
	var out struct {
		Destinations []struct {
			Destination string
			Sent        int64
		}
		ExitCode int `json:"exit_code"`
	}
	f.must(0, "load", f.file("b.ndjson", strings.ReplaceAll(purchases(5), `"p`, `"q`)), "-s", "Web", "-q")
	f.json(0, &out, "federate", "--once")
	if len(out.Destinations) != 1 || out.Destinations[0].Sent != 5 || out.Destinations[0].Destination != "segment" {
		t.Errorf("--json: %+v", out)
	}
	contains(t, f.must(0, "destination", "status").stdout, "segment  active", "1,205", "not taken", "p95 latency")
	contains(t, f.must(0, "destination", "list").stdout, "segment", "active", f.url)
	// What prune removes has been sent.
	f.must(0, "load", f.file("c.ndjson", strings.ReplaceAll(purchases(5), `"p`, `"r`)), "-s", "Web", "-q")
	f.must(0, "load", f.file("d.ndjson", strings.ReplaceAll(purchases(5), `"p`, `"s`)), "-s", "Web", "-q")
	pgtest.Exec(t, pgtest.PoolAt(t, f.dsn), `update web._loads set finished_at = now() - interval '1 year'`)
	f.must(0, "prune", "-s", "Web", "--loads-older-than", "1d", "--confirm")
	contains(t, f.must(0, "federate", "--once").stdout, "10 events sent")
	pgtest.Exec(t, pgtest.PoolAt(t, f.dsn), `insert into tapline._undelivered (destination, message_id, table_name, row_id, reason, at)
		values ('segment', 'old', 'purchase', 'p1', 'rejected', now() - interval '1 year'), ('segment', 'new', 'purchase', 'p2', 'rejected', now())`)
	for _, more := range [][]string{nil, {"--confirm"}} {
		var pruned struct{ Undelivered int64 }
		f.json(0, &pruned, append([]string{"prune", "-s", "Web", "--undelivered-older-than", "90d"}, more...)...)
		if pruned.Undelivered != 1 {
			t.Errorf("prune %v: %d undelivered messages, want 1", more, pruned.Undelivered)
		}
	}
	contains(t, f.must(0, "destination", "status").stdout, "rejected 1")
	f.must(0, "destination", "remove", "segment")
	contains(t, f.must(0, "destination", "list").stdout, "No destinations")
	contains(t, f.must(64, "destination", "show", "segment").stderr, "no such destination", "destination list")
}

// The filters of a destination, from the flags to the messages.
func TestDestinationFilters(t *testing.T) {
	t.Parallel()
	f := newForwards(t)
	lines := `{"type":"track","messageId":"1","event":"Order Placed","userId":"u","timestamp":"2026-01-15T10:00:00Z","context":{"ip":"1.2.3.4"},"properties":{"Total":5,"email":"a@b","card":"4711"}}
{"type":"track","messageId":"2","event":"Page Left","userId":"u","timestamp":"2026-01-15T10:00:00Z","properties":{"Total":5}}
{"type":"track","messageId":"3","event":"Order Placed","userId":"u","timestamp":"2025-01-15T10:00:00Z","properties":{"Total":5}}
`
	f.must(0, "load", f.file("a.ndjson", lines), "-s", "Web", "-q")
	f.add("segment", "--not-event", "page_left", "--since", "2026-01-01", "--not-property", "Card", "--not-property", "context.ip",
		"--hash-property", "email", "--hash-key-env", "HASH_KEY", "--integrations", `{"All":false,"Mixpanel":true}`, "--rate", "5000", "--sample", "1")
	var shown struct{ Settings map[string]any }
	f.json(0, &shown, "destination", "show", "segment")
	if shown.Settings["hash_key_from"] != "env:HASH_KEY" || shown.Settings["rate"] != 5000.0 {
		t.Errorf("shown %+v", shown)
	}
	contains(t, f.must(0, "destination", "show", "segment").stdout, "page_left", "2026-01-01 00:00:00Z", "from env:HASH_KEY", `{"All":false,"Mixpanel":true}`)
	f.must(0, "federate", "--once")
	f.arrived([]string{federate.MessageID("Web", "order_placed", "1")})
	var m map[string]any
	for _, text := range f.sink.Messages() {
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
	}
	properties, _ := m["properties"].(map[string]any)
	email, _ := properties["email"].(string)
	if len(email) != 64 || properties["Total"] != 5.0 || properties["card"] != nil || m["context"] != nil ||
		fmt.Sprint(m["integrations"]) != "map[All:false Mixpanel:true]" {
		t.Errorf("message %v", m)
	}
	if got := f.status("segment"); got.Delivered != 1 || got.Filtered != 2 {
		t.Errorf("status %+v", got)
	}
	// Changed, it goes on from where it is.
	f.must(64, "destination", "add", "segment", "-s", "Web", "--write-key-env", "SEGMENT_KEY", "--endpoint", f.url, "--allow-http", "--allow-private")
	f.add("segment", "--update")
	f.must(0, "federate", "--once")
	if got := f.status("segment"); got.Delivered != 1 {
		t.Errorf("status after a change %+v", got)
	}
}

// What is refused before anything is written, with what to do, and never with what may be a key.
func TestDestinationRefused(t *testing.T) {
	t.Parallel()
	f := newForwards(t)
	f.must(0, "load", f.file("a.ndjson", purchases(1)), "-s", "Web", "-q")
	f.must(0, "source", "set", "Web", "--region", "eu")
	for want, args := range map[string]string{
		"Segment drops what is sent to the wrong region": "--region us --write-key-env SEGMENT_KEY",
		"is not the endpoint of region eu":               "--endpoint https://api.segment.io --write-key-env SEGMENT_KEY",
		"no write key":                                   "",
		"use https, or allow http":                       "--endpoint http://example.com --write-key-env SEGMENT_KEY",
		"named twice":                                    "--write-key-env SEGMENT_KEY --write-key-file /x",
		"there is no environment variable of that name":  "--write-key-env s3cr3tKey",
		"it is the name that is wanted":                  "--write-key-env s3cr3t-key",
		"no time":                                        "--write-key-env SEGMENT_KEY --since someday",
		"no JSON object":                                 "--write-key-env SEGMENT_KEY --integrations []",
		"hashed properties need a key":                   "--write-key-env SEGMENT_KEY --hash-property email",
		"sample 3 is not between 0 and 1":                "--write-key-env SEGMENT_KEY --sample 3",
		"no source \"Other\"":                            "--source Other --write-key-env SEGMENT_KEY",
	} {
		r := f.must(64, append([]string{"destination", "add", "segment", "--source", "Web"}, strings.Fields(args)...)...)
		contains(t, r.stderr, want)
		if strings.Contains(r.stderr, "s3cr3t") {
			t.Errorf("it tells what may be a key: %s", r.stderr)
		}
	}
	contains(t, f.must(0, "destination", "list").stdout, "No destinations")
	r := f.must(0, "destination", "add", "segment", "-s", "Web", "--write-key-env", "LATER_KEY")
	contains(t, r.stdout, "events.eu1.segmentapis.com", "region", "eu", "env:LATER_KEY is empty or not set here")
	contains(t, f.must(1, "federate", "--once").stderr, "env:LATER_KEY is empty or not set here")
	contains(t, f.must(64, "federate", "--from", "2026-02-01", "--to", "2026-01-01").stderr, "not after --from")
	contains(t, f.must(64, "federate", "nowhere").stderr, "no such destination")
}

// A wrong key pauses the destination with a clear status; with the right one it goes on where it was. What a person pauses is
// left alone.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	f := newForwards(t)
	f.sink.Key = "another"
	f.must(0, "load", f.file("a.ndjson", purchases(30)), "-s", "Web", "-q")
	f.add("segment")
	contains(t, f.must(2, "destination", "test", "segment").stdout, "did not take the event", "401")
	r := f.must(1, "federate", "--once")
	contains(t, r.stderr, "destination segment is paused: 401 Unauthorized", "the write key is not accepted; check env:SEGMENT_KEY", "tapline destination resume segment")
	got := f.status("segment")
	if got.Status != "paused" || got.Pending.Rows != 30 || !strings.Contains(got.LastError, "the write key is not accepted") || len(got.Undelivered) != 0 {
		t.Errorf("status %+v", got)
	}
	contains(t, f.must(0, "destination", "status", "segment").stdout, "paused", "30 rows", "401 Unauthorized", "destination resume segment")
	contains(t, r.stdout, "! segment  nothing sent") // no mark as if all was well
	f.must(1, "federate", "--once")                  // still: a job that runs every hour says so each time
	f.sink.Key = segmentKey
	f.must(0, "destination", "resume", "segment")
	f.must(0, "federate", "--once")
	f.arrived(f.ids("purchase_made"))
	f.must(0, "destination", "pause", "segment")
	f.must(0, "load", f.file("b.ndjson", strings.ReplaceAll(purchases(3), `"p`, `"q`)), "-s", "Web", "-q")
	contains(t, f.must(0, "federate", "--once").stderr, "destination segment is paused")
	f.must(1, "federate", "segment", "--once")
	if got := f.status("segment"); got.Pending.Rows != 3 || got.LastError != "" {
		t.Errorf("status %+v", got)
	}
}

// One message that the destination refuses is set aside with its answer, and shown.
func TestUndeliveredSample(t *testing.T) {
	t.Parallel()
	f := newForwards(t)
	f.must(0, "load", f.file("a.ndjson", purchases(250)), "-s", "Web", "-q")
	bad := federate.MessageID("Web", "purchase_made", "p17")
	f.sink.Judge = func(r *sink.Request) *sink.Answer {
		if slices.ContainsFunc(r.Messages, func(m sink.Message) bool { return m.ID == bad }) {
			return &sink.Answer{Status: 400, Body: `{"success":false,"message":"` + segmentKey + ` says no"}`}
		}
		return nil
	}
	f.add("segment")
	contains(t, f.must(0, "federate", "--once").stdout, "249 events sent", "1 not taken", "destination status segment")
	got := f.status("segment")
	if got.Undelivered["rejected"] != 1 || got.Sample == nil || got.Sample.RowID != "p17" || got.Sample.Message["messageId"] != bad ||
		!strings.Contains(got.Sample.Response, "*** says no") {
		t.Errorf("status %+v, sample %+v", got, got.Sample)
	}
	contains(t, f.must(0, "destination", "status").stdout, "rejected 1", "row p17 of purchase_made: 400 Bad Request", bad)
}

// Destinations of tapline.yaml are made when they are used, changed when the file changes, and left alone when it has them no
// more.
func TestDeclaredDestinations(t *testing.T) {
	t.Parallel()
	f := newForwards(t)
	if err := os.WriteFile(filepath.Join(f.dir, "segment.key"), []byte(segmentKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.must(0, "load", f.file("a.ndjson", purchases(20)), "-s", "Web", "-q")
	text := "sources: {Web: {}}\ndestinations:\n  segment:\n    endpoint: " + f.url + "\n    write_key_file: segment.key\n    allow_http: true\n    allow_private: true\n"
	config := f.file("tapline.yaml", text)
	r := f.must(0, "federate", "--once", "--config", config)
	contains(t, r.stderr, "Added destination segment")
	contains(t, r.stdout, "20 events sent")
	if r := f.must(0, "federate", "--once", "--config", config); strings.Contains(r.stderr, "destination") {
		t.Errorf("the second run says %s", r.stderr)
	}
	f.file("tapline.yaml", text+"    rate: 100\n    not_events: Purchase Made\n")
	contains(t, f.must(0, "destination", "apply", "--config", config).stdout, "Changed destination segment")
	contains(t, f.must(0, "destination", "apply", "--config", config).stdout, "Nothing to change")
	f.must(0, "load", f.file("b.ndjson", strings.ReplaceAll(purchases(3), `"p`, `"q`)), "-s", "Web", "-q")
	contains(t, f.must(0, "federate", "--once", "--config", config).stdout, "nothing to send, 3 left out")
	f.file("tapline.yaml", strings.Replace(text, "  segment:", "  other:", 1)+"    region: eu\n")
	contains(t, f.must(64, "federate", "--once", "--config", config).stderr, "destination other would be in region eu", "segment of the same source is in us")
	f.file("tapline.yaml", strings.Replace(text, "  segment:", "  other:", 1))
	contains(t, f.must(0, "federate", "--once", "--config", config).stderr, "Added destination other", "segment is not in the configuration file any more")
	f.file("tapline.yaml", text+"    write_key: "+segmentKey+"\n")
	contains(t, f.must(64, "federate", "--once", "--config", config).stderr, `unknown setting "write_key", did you mean write_key_`)
}

// The loader's role forwards and sees how that goes; destinations are the migrator's to change.
func TestFederateAsLoader(t *testing.T) {
	t.Parallel()
	f := newForwards(t)
	suffix := "_" + pgtest.Value[string](t, pgtest.PoolAt(t, f.dsn), "select substr(md5(current_database()), 1, 8)")
	as := func(role string) string { return strings.Replace(f.dsn, "tapline@", role+suffix+"@", 1) }
	r := f.must(0, "roles", "--source", "Web", "--migrator", "ci"+suffix, "--loader", "lo"+suffix)
	if err := session(t, f.dsn, r.stdout); err != nil {
		t.Fatal(err)
	}
	f.must(0, "load", f.file("a.ndjson", purchases(40)), "-s", "Web", "-q", "--dsn", as("ci"))
	add := []string{
		"destination", "add", "segment", "--source", "Web", "--endpoint", f.url, "--write-key-env", "SEGMENT_KEY", "--allow-http", "--allow-private",
	}
	contains(t, f.must(1, append(add, "--dsn", as("lo"))...).stderr, "permission denied", "tapline doctor")
	f.must(0, append(add, "--dsn", as("ci"))...)
	// The roles were made before there was anything to forward; what is missing since then is told, and not tried for long.
	contains(t, f.must(1, "federate", "--once", "--dsn", as("lo")).stderr, "permission denied", "tapline doctor")
	check := []string{"roles", "--source", "Web", "--migrator", "ci" + suffix, "--loader", "lo" + suffix}
	contains(t, f.must(2, append(check, "--check")...).stdout, `grant update on table "tapline"."cursors" to "lo`+suffix+`"`)
	if err := session(t, f.dsn, f.must(0, check...).stdout); err != nil {
		t.Fatal(err)
	}
	f.must(0, append(check, "--check")...)
	contains(t, f.must(0, "federate", "--once", "--dsn", as("lo")).stdout, "40 events sent")
	contains(t, f.must(0, "destination", "status", "--dsn", as("lo")).stdout, "segment  active", "40")
	contains(t, f.must(0, "federate", "--from", "2026-01-01", "--dsn", as("lo")).stdout, "40 events sent")
	config := f.file("tapline.yaml", "sources: {Web: {}}\ndestinations:\n  other: {endpoint: \""+f.url+"\", write_key_env: SEGMENT_KEY, allow_http: true, allow_private: true}\n")
	contains(t, f.must(1, "federate", "--once", "--config", config, "--dsn", as("lo")).stderr, "run tapline destination apply as the migrator")
	f.must(0, "destination", "apply", "--config", config, "--dsn", as("ci"))
	contains(t, f.must(0, "federate", "--once", "--config", config, "--dsn", as("lo")).stdout, "other  40 events sent")
	f.arrived(f.ids("purchase_made"))
}

// A source that is renamed keeps its destinations, where they are, and the ids of what is sent again.
func TestRenameKeepsDestinations(t *testing.T) {
	t.Parallel()
	f := newForwards(t)
	f.must(0, "load", f.file("a.ndjson", purchases(7)), "-s", "Web", "-q")
	f.add("segment")
	f.must(0, "federate", "--once")
	want := f.ids("purchase_made")
	f.must(0, "source", "rename", "Web", "Shop")
	contains(t, f.must(0, "federate", "--once").stdout, "nothing to send")
	contains(t, f.must(0, "federate", "--from", "2026-01-01").stdout, "7 events sent")
	f.arrived(want)
}
