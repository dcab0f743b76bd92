package loader_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// The tests' loads all happen at one time: the received_at of what has none is the same in both databases.
var loadTime = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// fixed is a configuration whose clock stands.
func fixed(mode loader.Mode) loader.Config {
	return loader.Config{Source: "Web", Evolve: mode, WidenMaxRows: -1, Now: func() time.Time { return loadTime }}
}

// replayed is a pair of databases: what auto makes of a file, and what managed makes of it once everything is there.
type replayed struct {
	*testing.T
	auto, managed *pgxpool.Pool
	options       loader.FileOptions
}

func newReplayed(t *testing.T) *replayed {
	t.Helper()
	r := &replayed{T: t, auto: pgtest.Pool(t), managed: pgtest.Pool(t)}
	evolve(t, r.managed, schema.Diff{})
	return r
}

func (r *replayed) load(pool *pgxpool.Pool, mode loader.Mode, path string) loader.Report {
	r.Helper()
	src, err := loader.Files([]string{path}, r.options)
	if err != nil {
		r.Fatal(err)
	}
	l, err := loader.New(pool, fixed(mode))
	if err != nil {
		r.Fatal(err)
	}
	defer l.Close()
	report, err := l.Load(r.Context(), src)
	if err != nil {
		r.Fatal(err)
	}
	return report
}

func (r *replayed) replay(s loader.Selection) loader.ReplayReport {
	r.Helper()
	cfg := fixed(loader.Managed)
	cfg.Now = func() time.Time { return loadTime.Add(time.Hour) } // what comes in late has arrived when it was first met
	report, err := tryReplay(r.T, r.managed, cfg, s)
	if err != nil {
		r.Fatal(err)
	}
	return report
}

func tryReplay(t *testing.T, pool *pgxpool.Pool, cfg loader.Config, s loader.Selection) (loader.ReplayReport, error) {
	t.Helper()
	l, err := loader.New(pool, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Replay(t.Context(), s)
}

// lines writes a file of events.
func lines(t *testing.T, lines ...string) string {
	t.Helper()
	return writeFile(t, filepath.Join(t.TempDir(), "events.ndjson"), []byte(strings.Join(lines, "\n")))
}

// migrate gives the managed database all that auto's has: what a team's reviewed migrations do.
func (r *replayed) migrate() {
	r.Helper()
	evolveTo(r.T, r.managed, schemaOf(r.T, r.auto))
}

// mustBeEqual compares all tables, by content.
func (r *replayed) mustBeEqual() {
	r.Helper()
	want, got := webContents(r.T, r.auto), webContents(r.T, r.managed)
	if len(want) == 0 {
		r.Fatal("auto has no tables")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Errorf("tables after the replay are not those of auto (-auto +replayed):\n%s", diff)
	}
}

// webContents returns every row of every event table as text, but for uuid_ts.
func webContents(t *testing.T, pool *pgxpool.Pool) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, name := range names(t, pool) {
		for _, row := range pgtest.Query(t, pool, `select (to_jsonb(t) - 'uuid_ts')::text from web.`+pgx.Identifier{name}.Sanitize()+` t order by id`) {
			out[name] = append(out[name], row[0].(string))
		}
	}
	return out
}

func names(t *testing.T, pool *pgxpool.Pool) (out []string) {
	t.Helper()
	for _, row := range pgtest.Query(t, pool, `select relname::text from pg_class c where relnamespace = 'web'::regnamespace
		and relkind in ('r', 'v') and relname not like '\_%' order by 1`) {
		out = append(out, row[0].(string))
	}
	return out
}

func waitingRows(t *testing.T, pool *pgxpool.Pool) (records, values int64) {
	t.Helper()
	return pgtest.Value[int64](t, pool, `select count(*) from web._quarantine where replayed_at is null`),
		pgtest.Value[int64](t, pool, `select count(*) from web._discards where replayed_at is null`)
}

func TestReplayIsAnAutoLoad(t *testing.T) {
	t.Parallel()
	r := newReplayed(t)
	path := lines(t,
		`{"type":"track","event":"Order Paid","messageId":"1","userId":"u1","properties":{"total":12.5,"Items":["a",1],"at":"2026-01-02T03:04:05Z","big":123456789012345678901234567890},"context":{"ip":"1.2.3.4","app":{"build":7}}}`,
		`{"type":"track","event":"order paid","userId":"u1","properties":{"total":3,"ok":true},"receivedAt":"2026-01-01T00:00:00Z","timestamp":"2026-01-01T00:00:01+05:00"}`,
		`{"type":"track","event":"order paid","userId":"u1","properties":{"total":3,"ok":true},"receivedAt":"2026-01-01T00:00:00Z","timestamp":"2026-01-01T00:00:01+05:00"}`,
		`{"type":"track","event":"Secret","userId":"u2","writeKey":"k1","properties":{"writeKey":"k2","a":1}}`,
		`{"type":"track","event":"Secret","userId":"u2","writeKey":"k3","properties":{"writeKey":"k2","a":1}}`,
		`{"type":"identify","messageId":"i1","userId":"u1","traits":{"plan":"pro","Plan":"free","age":30,"note":"x"},"timestamp":"2026-01-01T00:00:00Z"}`,
		`{"type":"identify","messageId":"i2","userId":"u1","traits":{"plan":"max","score":1},"timestamp":"2026-01-02T00:00:00Z","context":{"os":{"name":"iOS"}}}`,
		`{"type":"group","messageId":"g1","userId":"u1","groupId":"acme","traits":{"seats":5}}`,
		`{"type":"page","messageId":"p1","userId":"u1","name":"Home","properties":{"url":"/","name":"other"}}`,
		`{"batch":[{"type":"track","event":"In Batch","messageId":"b1","userId":"u3","properties":{"n":1}},{"type":"track","event":"In Batch","userId":"u3","context":{"ip":"own"}},{"type":"track","event":"In Batch","messageId":"b1","userId":"second"}],"context":{"ip":"9.9.9.9","library":{"name":"js"}},"sentAt":"2026-01-01T00:00:10Z","receivedAt":"2026-01-01T00:00:20Z"}`,
		`{"type":"track","event":"App Launched","messageId":"a1","userId":"u1","properties":{"extra":"v","Extra":"w","n":4}}`,
		`{"type":"track","event":"App Launched","messageId":"a3","userId":"u1","properties":{"Extra":"w","extra":"v"}}`,
		`{"type":"track","event":"App Launched","messageId":"a2","userId":"u1","properties":{"extra":5,"n":4.5}}`,
		`no JSON`,
	)
	r.load(r.auto, loader.Auto, path)
	first := r.load(r.managed, loader.Managed, path)
	if first.Quarantine[schema.UnknownTable] == 0 || first.Discards[schema.UnknownColumn] == 0 {
		t.Fatalf("nothing waits: %+v", first)
	}
	if got := r.replay(loader.Selection{}); got.Records.Loaded != 0 || got.Values() != 0 || len(got.Loads) != 0 {
		t.Errorf("before the migration: %+v", got)
	}
	r.migrate()
	got := r.replay(loader.Selection{})
	if got.Records.Loaded+first.Loaded != 14 || got.Values() == 0 || got.Records.Refused[schema.InvalidJSON] != 1 {
		t.Errorf("replay: %+v", got)
	}
	r.mustBeEqual()
	if again := r.replay(loader.Selection{}); again.Records.Accepted != 0 || again.Values() != 0 || len(again.Loads) != 0 {
		t.Errorf("the second replay did something: %+v", again)
	}
	r.mustBeEqual()
	records, values := waitingRows(t, r.managed)
	t.Logf("%d records and %d values wait: %v %v", records, values, got.Kept,
		pgtest.Query(t, r.managed, `select table_name, row_id, column_name, raw_value, reason from web._discards where replayed_at is null order by 1,2,3,4`))
	reloaded := r.load(r.managed, loader.Managed, lines(t, string(readFile(t, path))))
	if reloaded.Loaded != 0 {
		t.Errorf("the file once more loads %d rows", reloaded.Loaded)
	}
	for _, id := range got.Loads {
		undo(t, r.managed, id)
	}
	if n, v := waitingRows(t, r.managed); n != first.Quarantined || v != first.Discarded {
		t.Errorf("after undo %d records and %d values wait, want %d and %d", n, v, first.Quarantined, first.Discarded)
	}
	r.replay(loader.Selection{})
	r.mustBeEqual()
}

func undo(t *testing.T, pool *pgxpool.Pool, id uuid.UUID) *admin.Undone {
	t.Helper()
	u, err := admin.Undo(t.Context(), pool, "web", id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
