package loader_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// TestNewestState loads identify and group calls in every order: users and accounts end the same (rule 19).
func TestNewestState(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 512)
	files := []string{
		`{"type":"identify","messageId":"1","userId":"u1","timestamp":"2026-01-01T00:00:00Z","traits":{"plan":"old","email":"a@x","age":1}}
{"type":"identify","messageId":"2","anonymousId":"nobody","timestamp":"2026-01-01T00:00:00Z","traits":{"plan":"none"}}
{"type":"group","messageId":"3","userId":"u1","groupId":"g","timestamp":"2026-01-03T00:00:00Z","traits":{"name":"Acme","size":5}}`,
		`{"type":"identify","messageId":"4","userId":"u1","timestamp":"2026-01-03T00:00:00Z","traits":{"plan":"new","email":null,"age":2.5}}
{"type":"group","messageId":"5","userId":"u1","groupId":"g","timestamp":"2026-01-01T00:00:00Z","traits":{"name":"Old Acme","city":"Pune"}}`,
		fmt.Sprintf(`{"type":"identify","messageId":"6","userId":"u1","timestamp":"2026-01-02T00:00:00Z","traits":{"plan":"middle","extra":true}}
{"type":"identify","messageId":"7","userId":%q,"traits":{"plan":"x"}}
{"type":"identify","messageId":"8","userId":%q,"timestamp":"2026-01-02T00:00:00Z","traits":{"plan":"long"}}
{"type":"identify","messageId":"10","userId":"u2","timestamp":"2026-01-02T00:00:00Z","receivedAt":"2026-01-05T00:00:00Z","traits":{"plan":"later"}}
{"type":"identify","messageId":"9","userId":"u2","timestamp":"2026-01-02T00:00:00Z","receivedAt":"2026-01-04T00:00:00Z","traits":{"plan":"earlier"}}`, long+"x", long),
	}
	want := map[string]string{
		"users u1":        "plan=new email=a@x age=2.5 extra=t",
		"users u2":        "plan=later email= age= extra=",
		"users " + long:   "plan=long email= age= extra=",
		"accounts g":      "name=Acme size=5 city=Pune",
		"discard 7 users": "id id_too_long " + fmt.Sprintf("%q", long+"x"),
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			f := newFeed(t)
			for _, i := range order {
				f.load(loader.Config{}, files[i])
			}
			got := f.people()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("newest states (-want +got):\n%s", diff)
			}
		})
	}
}

// people returns the rows of users and accounts, and the discards that concern them.
func (f *feed) people() map[string]string {
	f.t.Helper()
	got := map[string]string{}
	s := readStored(f.t, f.pool, "clevertap_prod")
	for table, columns := range map[string][]string{"users": {"plan", "email", "age", "extra"}, "accounts": {"name", "size", "city"}} {
		for id, row := range s.tables[table].rows {
			var values []string
			for _, c := range columns {
				values = append(values, c+"="+row[c])
			}
			got[table+" "+id] = strings.Join(values, " ")
		}
	}
	for key, discards := range s.discards {
		for _, d := range discards {
			got["discard "+key.id+" "+key.table] = d.Column + " " + d.Reason + " " + d.Value
		}
	}
	return got
}

// canary is a write key. It must turn up nowhere.
const canary = "CANARY-9f3a"

// TestWriteKeysAreNowhere loads write keys in every place, readable and not, and looks for them in all tables, in the log
// and in errors.
func TestWriteKeysAreNowhere(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir := t.TempDir()
	lines := []string{
		`{"type":"track","messageId":"1","event":"K","userId":"u","writeKey":"KEY"}`,
		`{"type":"track","messageId":"2","event":"K","userId":"u","properties":{"writeKey":"KEY","a":{"writeKey":{"b":"KEY"}},"l":[{"writeKey":"KEY"}]}}`,
		`{"type":"track","messageId":"3","event":"K","userId":"u","context":{"writeKey":"KEY","library":{"write\u004bey":["KEY"]}}}`,
		`{"type":"track","messageId":"4","event":"K","userId":"u","properties":{"writeKey":"KEY","writeKey":"KEY2"}}`,
		`{"type":"track","messageId":"5","event":"K","userId":"u","properties":{"id":{"writeKey":"KEY"},"user_id":[{"writeKey":"KEY"}]}}`,
		`{"type":"track","messageId":"6","event":"K","userId":"u","timestamp":{"writeKey":"KEY"}}`,
		`{"type":"track","messageId":"7","event":"K","writeKey":"KEY"}`,
		`{"writeKey":"KEY","type":"track",`,
		`{"writeKey" : "KEY`,
		`{"a":"\"x","writeKey":"KEY"]`,
		`{"writeKey":KEY,"a"}`,
		`{"write\u004bey":"KEY"`,
		`{"a":"b"c","writeKey":"KEY"}`,
		`[{"writeKey":"KEY"}]`,
		`{writeKey:"KEY"}`,
		`{'writeKey':'KEY'}`,
		`{"writeKey":"KEY","pad":"` + strings.Repeat("x", 40_000) + `"}`,
		`{"writeKey":"KEY","batch":[{"type":"track","messageId":"8","event":"K","userId":"u","writeKey":"KEY"},{"writeKey":"KEY"}]}`,
		`{"type":"track","messageId":"9","event":"K","userId":"u","writeKey":"KEY","writeKey":"KEY"}`,
		`{"type":"identify","messageId":"10","userId":"u","traits":{"writeKey":"KEY"}}`,
		`{"type":"nonsense","userId":"u","properties":{"writeKey":12345678,"x":"KEY2"}}`,
		// JSON in strings
		`{"type":"track","messageId":"11","event":"K","userId":"u","properties":{"p":"{\"writeKey\":\"KEY\"}","l":["{\"writeKey\":\"KEY\"}"],` +
			`"q":"{\"a\":\"{\\\"write\\u004bey\\\":\\\"KEY\\\"}\"}","r":"{\u0022writeKey\u0022 : \u0022KEY\u0022}"}}`,
		`{"type":"track","messageId":"12","event":"{\"writeKey\":\"KEY\"}","userId":"u","properties":{"id":"{\"writeKey\":\"KEY\"}"}}`,
		`{"type":"track","messageId":"13","event":"K","userId":"u","timestamp":"{\"writeKey\":\"KEY\"}","context":{"c":"{\"writeKey\":{\"a\":\"KEY\"}}"}}`,
		`{"type":"track","messageId":"14","event":"K","userId":"u","properties":{"o":"{\"writeKey\":\"KEY\"}","o":1,"O":"{\"writeKey\":\"KEY\"}"}}`,
		`{"type":"nonsense","userId":"u","body":"{\"writeKey\":\"KEY\",\"x\":\"{\\\"writeKey\\\":\\\"KEY\\\"}\"}"}`,
		`{"type":"track","body":"{\u0022writeKey\u0022:\u0022KEY`,
		`{"body":"{\"writeKey\":\"KEY","pad":"` + strings.Repeat("x", 40_000) + `"}`,
		`writeKey: KEY`,
		`POST /v1/batch?writeKey=KEY`,
		`"writeKey=KEY"`,
	}
	files := map[string]string{
		"a.ndjson": strings.Join(lines, "\n"),
		"b.csv": "messageId,event,userId,writeKey,prop:note,prop:writeKey\n" +
			"c1,K,u,KEY,n,KEY\nc2,K,u,KEY\nc3,K,,KEY,n,KEY\nc4,K,u,\"KEY,n,KEY\nc5,K,u,KEY,\"open,KEY\nc6,K,u,KEY,caf\xe9,KEY\n" +
			"c7,K,u,KEY,\"{\"\"writeKey\"\":\"\"KEY\"\"}\",KEY\nc8,K,,KEY,\"{\"\"writeKey\"\":\"\"KEY\"\"}\",KEY\n" +
			"c9,K\nu,KEY,n,KEY\n", // torn apart: KEY is in other columns
		"c.csv": "ts,eventName,profile.objectId,eventProps.writeKey\n20260115100000,K,o,KEY\n20260115100000,,o,KEY\n20260115100000,K,o,KEY,x\n",
	}
	var log bytes.Buffer
	cfg := loader.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	var text strings.Builder
	for _, name := range []string{"a.ndjson", "b.csv", "c.csv"} {
		path := writeFile(t, filepath.Join(dir, name), []byte(strings.ReplaceAll(files[name], "KEY", canary)))
		report, err := filesReport(t, pool, cfg, loader.FileOptions{Timezone: zone(t, "UTC"), Account: "A", Logger: cfg.Logger}, path)
		fmt.Fprintln(&text, name, report, err)
		if report.Accepted == 0 || report.Quarantined == 0 || report.Loaded == 0 {
			t.Errorf("%s: %+v proves nothing", name, report.Counts)
		}
	}
	text.WriteString(log.String())
	dump(t, pool, &text)
	for _, line := range strings.Split(text.String(), "\n") {
		if strings.Contains(strings.ReplaceAll(line, canary+"2\"}}", ""), canary) {
			t.Errorf("a write key is in: %.300s", line)
		}
	}
	if !strings.Contains(text.String(), "***") {
		t.Error("no masked key: the dump proves nothing")
	}
}

// dump writes all values of all tables of the database as text, one row a line.
func dump(t *testing.T, pool pgtest.Conn, out *strings.Builder) {
	t.Helper()
	for _, r := range pgtest.Query(t, pool, `select format('%I.%I', n.nspname, c.relname)::text,
		string_agg(case when a.atttypid = 'bytea'::regtype then format('encode(%I, ''escape'')', a.attname)
			else format('%I::text', a.attname) end, ', ' order by a.attnum)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
		where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and not a.attisdropped
		group by 1`) {
		for _, row := range pgtest.Query(t, pool, "select concat_ws('|', "+r[1].(string)+") from "+r[0].(string)) {
			fmt.Fprintln(out, r[0], row[0])
		}
	}
}

// TestAdoptedTypes loads into columns that somebody else has made: they keep their type (rule 10).
func TestAdoptedTypes(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	f.load(loader.Config{}, `{"type":"track","messageId":"a","event":"E","userId":"u"}`)
	pgtest.Exec(t, f.pool, `alter table clevertap_prod.e add i bigint, add n numeric, add d double precision, add t text,
		add v varchar(10), add z timestamptz, add b boolean, add j jsonb`)
	report := f.load(loader.Config{}, `{"type":"track","messageId":"b","event":"E","userId":"u","properties":{"i":"7","n":"1e2","d":3,"t":4,`+
		`"z":"2026-01-15T10:00:00Z","b":"true","j":{"x":1}}}`,
		`{"type":"track","messageId":"c","event":"E","userId":"u","properties":{"i":"x","n":true,"d":"y","z":5,"b":0,"j":"text"}}`)
	s := readStored(t, f.pool, "clevertap_prod")
	var got []string
	for _, c := range []string{"i", "n", "d", "t", "z", "b", "j", "j_x"} {
		got = append(got, s.tables["e"].columns[c]+"="+s.tables["e"].rows["b"][c])
	}
	want := []string{
		"bigint=7", "numeric=100", "double precision=3", "text=4", "timestamptz=2026-01-15 10:00:00+00", "boolean=t", "jsonb=", "bigint=1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if report.Discards[schema.TypeMismatch] != 6 || len(f.discards()) != 6 {
		t.Errorf("got discards %v, want 6", f.discards())
	}
}
