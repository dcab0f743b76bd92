package loader_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// small is a chunk size at which a few thousand events are dozens of chunks.
const small = 16 << 10

// track is the line of a track call. properties is JSON.
func track(id, event, properties string) string {
	name, _ := json.Marshal(event) // strings always encode
	return `{"type":"track","messageId":"` + id + `","event":` + string(name) +
		`,"userId":"u-1","timestamp":"2026-01-15T10:00:00Z","properties":` + properties + `}`
}

// events are n track calls of Purchase with a whole number each.
func events(prefix string, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = track(fmt.Sprintf("%s-%05d", prefix, i), "Purchase", fmt.Sprintf(`{"amount":%d,"currency":"EUR"}`, i))
	}
	return lines
}

// write writes lines into a file of the test's and returns its path.
func write(t *testing.T, lines ...string) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "*.ndjson")
	if err == nil {
		_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatalf("write events: %v", err)
	}
	return filepath.Clean(f.Name())
}

// equal compares the rows of a query.
func equal(t *testing.T, pool *pgxpool.Pool, sql string, want ...[]any) {
	t.Helper()
	if diff := cmp.Diff(want, pgtest.Query(t, pool, sql)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", sql, diff)
	}
}

// migrator opens the migrations of the source that load loads.
func migrator(t *testing.T, pool *pgxpool.Pool) *migrations.Migrator {
	t.Helper()
	m, err := migrations.Open(t.Context(), pool.Config().ConnConfig, "clevertap_prod", migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// consistent checks that what the schema says of itself is true: all migrations are numbered without gaps, kept and
// applied, _columns knows the columns that there are with their types, and tracks shows every track event.
func consistent(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	equal(t, pool, `select version, dirty from clevertap_prod._migrations`,
		[]any{pgtest.Value[int64](t, pool, `select count(*) from clevertap_prod._migration_files`), false})
	equal(t, pool, `select max(version) - count(*), count(*) filter (where applied_at is null or up is null and version > 1)
		from clevertap_prod._migration_files`, []any{int64(0), int64(0)})
	equal(t, pool, `select a.table_name, a.column_name, a.type, d.type
		from (select c.relname::text as table_name, attname::text as column_name,
				replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz') as type
			from pg_attribute join pg_class c on c.oid = attrelid
			where relnamespace = 'clevertap_prod'::regnamespace and relkind = 'r'
				and relname not in ('_loads', '_units', '_claims', '_quarantine', '_discards', '_columns', '_migrations', '_migration_files')
				and attnum > 0 and not attisdropped) a
		full join clevertap_prod._columns d on (a.table_name, a.column_name) = (d.table_name, d.column_name)
		where a.type is distinct from d.type`, pgtest.Query(t, pool, `select where false`)...)
	tracks, rows := pgtest.Value[int64](t, pool, `select count(*) from clevertap_prod.tracks`), int64(0)
	tables, err := migrator(t, pool).Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables.TracksTables() {
		rows += pgtest.Value[int64](t, pool, `select count(*) from clevertap_prod."`+table.Name+`"`)
	}
	if tracks != rows {
		t.Errorf("tracks has %d rows, its tables %d", tracks, rows)
	}
}

func TestSchemaOfTheLastPercent(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":9007199254740992,"currency":"INR"}`)))
	lines := append(events("e", 2000),
		track("p", "Purchase", `{"amount":1,"late":true}`),
		track("n", "New Event", `{"x":[1, 2.50]}`),
		track("w", "Purchase", `{"amount":0.1}`))
	report := load(t, pool, loader.Config{ChunkBytes: small}, write(t, lines...))
	if report.Loaded != 2003 || report.Discarded != 0 {
		t.Errorf("report %+v, want 2003 loaded and nothing discarded", report.Counts)
	}
	purchase := report.Tables["purchase"]
	if diff := cmp.Diff(&loader.TableReport{
		Loaded: 2002, NewColumns: []string{"late"}, Widened: []string{"amount"},
	}, purchase); diff != "" {
		t.Errorf("report of purchase (-want +got):\n%s", diff)
	}
	if n := report.Tables["new_event"]; n == nil || !n.New || n.Loaded != 1 {
		t.Errorf("report of new_event %+v, want a new table with a row", n)
	}
	equal(t, pool, `select id, amount, late from clevertap_prod.purchase where id !~ '^e' order by 1`,
		[]any{"old", float64(1 << 53), nil}, []any{"p", 1.0, true}, []any{"w", 0.1, nil})
	equal(t, pool, `select count(*), sum(amount) from clevertap_prod.purchase where id ~ '^e'`, []any{int64(2000), 1999000.0})
	equal(t, pool, `select x from clevertap_prod.new_event`, []any{"[1, 2.50]"})
	equal(t, pool, `select version, name from clevertap_prod._migration_files where version > 1 order by 1`,
		[]any{int64(2), "create_purchase"}, []any{int64(3), "create_new_event_and_2_more"})
	consistent(t, pool)
}

func TestWideningWithinAFile(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	lines := []string{
		track("1", "Purchase", `{"a":1,"b":9007199254740993}`),
		track("2", "Purchase", `{"a":-9007199254740992,"b":-3}`),
	}
	lines = append(append(lines, events("e", 500)...),
		track("3", "Purchase", `{"a":2.5,"b":0.25,"c":12345678901234567890}`),
		track("4", "Purchase", `{"a":9007199254740993,"b":7,"c":"1e3"}`))
	load(t, pool, loader.Config{ChunkBytes: small}, write(t, lines...))
	equal(t, pool, `select id, a, b::text, c::text from clevertap_prod.purchase where id !~ '^e' order by 1`,
		[]any{"1", 1.0, "9007199254740993", nil}, []any{"2", -float64(1 << 53), "-3", nil},
		[]any{"3", 2.5, "0.25", "12345678901234567890"}, []any{"4", nil, "7", "1000"})
	equal(t, pool, `select row_id, column_name, raw_value, reason from clevertap_prod._discards`,
		[]any{"4", "a", "9007199254740993", "type_mismatch"})
	consistent(t, pool)
}

func TestStoredValuesChooseTheWiderType(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{"a":9007199254740993,"b":9007199254740992}`)))
	load(t, pool, loader.Config{}, write(t, track("2", "Purchase", `{"a":0.5,"b":0.5}`)))
	equal(t, pool, `select a::text, pg_typeof(a)::text, b, pg_typeof(b)::text from clevertap_prod.purchase order by id`,
		[]any{"9007199254740993", "numeric", float64(1 << 53), "double precision"},
		[]any{"0.5", "numeric", 0.5, "double precision"})
	consistent(t, pool)
}

func TestUsersWidenWithIdentifies(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	identify := func(id, at, traits string) string {
		return `{"type":"identify","messageId":"` + id + `","userId":"u","timestamp":"2026-01-` + at + `T10:00:00Z","traits":` + traits + `}`
	}
	load(t, pool, loader.Config{}, write(t, identify("1", "01", `{"age":30,"n":1}`)))
	load(t, pool, loader.Config{}, write(t, identify("2", "02", `{"age":30.5,"vip":true}`)))
	equal(t, pool, `select id, age, n, vip from clevertap_prod.users`, []any{"u", 30.5, int64(1), true})
	equal(t, pool, `select age from clevertap_prod.identifies order by id`, []any{30.0}, []any{30.5})
	consistent(t, pool)
}

func TestTracksGetsNewContextColumnsAtItsEnd(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const columns = `select array_agg(attname::text order by attnum) from pg_attribute
		where attrelid = 'clevertap_prod.tracks'::regclass and attnum > 0`
	context := func(id, context string) string {
		return strings.Replace(track(id, "Purchase", `{}`), `"properties":{}`, `"context":`+context, 1)
	}
	load(t, pool, loader.Config{}, write(t, context("1", `{"ip":"203.0.113.7"}`)))
	before := pgtest.Value[[]string](t, pool, columns)
	load(t, pool, loader.Config{}, write(t, context("2", `{"aaa":{"build":7}}`), context("3", `{"Zone":1.5,"nothing":null}`)))
	if diff := cmp.Diff(append(before, "context_aaa_build", "context_zone"), pgtest.Value[[]string](t, pool, columns)); diff != "" {
		t.Errorf("columns of tracks (-want +got):\n%s", diff)
	}
	equal(t, pool, `select id, context_ip, context_aaa_build, context_zone from clevertap_prod.tracks order by 1`,
		[]any{"1", "203.0.113.7", nil, nil}, []any{"2", nil, "7", nil}, []any{"3", nil, nil, "1.5"})
	equal(t, pool, `select column_name, path::text, type, event from clevertap_prod._columns
		where column_name in ('context_aaa_build', 'context_zone') order by 1`,
		[]any{"context_aaa_build", `["context","aaa","build"]`, "bigint", "Purchase"},
		[]any{"context_zone", `["context","Zone"]`, "double precision", "Purchase"})
	consistent(t, pool)
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	names := []string{
		"a\x00b", "line\nbreak", `quote"d 'twice''`, "end*/; -- comment", `back\slash`, "$tapline$", "drop table x; --",
		"\u2028", "💥", strings.Repeat("long ", 40), "xmin", "select", "1st", "{schema}", "%s %d", "Users", "?!",
	}
	properties := map[string]int64{}
	for i, name := range names {
		properties[name] = int64(i)
	}
	all, err := json.Marshal(properties)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{track("all", "Hostile", string(all))}
	for i, name := range names {
		if !strings.Contains(name, "\x00") { // quarantined: an event's name is a value too
			lines = append(lines, track(fmt.Sprint("n", i), name, `{"n":`+fmt.Sprint(i)+`}`))
		}
	}
	report := load(t, pool, loader.Config{}, write(t, lines...))
	if report.Loaded != int64(len(lines)) || report.Discarded != 0 {
		t.Errorf("report %+v, want %d loaded and nothing discarded", report.Counts, len(lines))
	}
	for i, name := range names {
		column := schema.ColumnName(name)
		equal(t, pool, `select "`+column+`" from clevertap_prod.hostile`, []any{int64(i)})
		var path []string
		text := pgtest.Value[string](t, pool, `select path::text from clevertap_prod._columns
			where table_name = 'hostile' and column_name = $1`, column)
		if err := json.Unmarshal([]byte(text), &path); err != nil || len(path) != 1 || path[0] != name {
			t.Errorf("_columns says that %s was %q (%v), want %q", column, path, err, name)
		}
		if !strings.Contains(name, "\x00") {
			equal(t, pool, `select event_text, n from clevertap_prod."`+schema.TableName(name)+`"`, []any{name, int64(i)})
		}
	}
	consistent(t, pool)
}

// Postgres has one namespace for tables, indexes and constraints: the names that Tapline itself uses are no exception.
func TestEventsNamedLikeInternalTables(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	var lines []string
	for i, name := range []string{
		"_loads", "Units", "Quarantine", "Discards", "Columns", "Migrations", "Migration Files",
		"Loads Pkey", "Pk Loads", "Brin Quarantine Uuid Ts", "pg_class", "Tracks",
	} {
		lines = append(lines, track(fmt.Sprint(i), name, `{"n":1}`))
	}
	report := load(t, pool, loader.Config{}, write(t, lines...))
	if report.Loaded != int64(len(lines)) {
		t.Errorf("report %+v, want %d loaded", report.Counts, len(lines))
	}
	equal(t, pool, `select event_text from clevertap_prod.quarantine`, []any{"Quarantine"})
	equal(t, pool, `select count(*) from pg_index where indrelid = any(array['clevertap_prod.quarantine',
		'clevertap_prod._quarantine', 'clevertap_prod.loads']::regclass[])`, []any{int64(3 + 2 + 3)})
	consistent(t, pool)
}

func TestAllMigrationsDown(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{"a":1,"-- x\n":"y"}`), track("2", "Other", `{}`)))
	load(t, pool, loader.Config{}, write(t, track("3", "Purchase", `{"a":1.5,"b":true}`),
		`{"type":"identify","messageId":"i","userId":"u","traits":{"age":1}}`, track("4", "Third", `{"c":2}`)))
	pgtest.Exec(t, pool, `delete from clevertap_prod.purchase where a = 1.5`) // or the number would have to be rounded
	m := migrator(t, pool)
	if n, err := m.Down(t.Context(), migrations.All); err != nil || n != 3 {
		t.Fatalf("%d migrations down, %v; want 3", n, err)
	}
	equal(t, pool, `select relname::text from pg_class where relnamespace = to_regnamespace('clevertap_prod')`,
		pgtest.Query(t, pool, `select where false`)...)
	report := load(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{"a":"now text"}`)))
	if report.Loaded != 1 {
		t.Errorf("load after all migrations were taken back: %+v", report.Counts)
	}
	equal(t, pool, `select a from clevertap_prod.purchase`, []any{"now text"})
	consistent(t, pool)
}

func TestColumnAndTableLimit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	report := load(t, pool, loader.Config{MaxColumns: 2, MaxTables: 22, ChunkBytes: small}, write(t,
		track("1", "A", `{"a":null,"b":1,"c":2,"d":3}`), track("2", "B", `{}`), track("3", "C", `{}`),
		track("4", "D", `{}`), track("5", "A", `{"d":4,"b":5}`)))
	if report.Loaded != 4 || report.Quarantine[schema.TableLimit] != 1 || report.Discards[schema.ColumnLimit] != 2 {
		t.Errorf("report %+v, want 19 + 3 tables and 2 columns", report)
	}
	equal(t, pool, `select id, b, c from clevertap_prod.a order by 1`,
		[]any{"1", int64(1), int64(2)}, []any{"5", int64(5), nil})
	equal(t, pool, `select row_id, column_name, raw_value from clevertap_prod._discards order by 1`,
		[]any{"1", "d", "3"}, []any{"5", "d", "4"})
	consistent(t, pool)
}

func TestDoublesAreBitExact(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	want := map[string]float64{
		"0.1": 0.1, "-0.0": math.Copysign(0, -1), "5e-324": 5e-324, "1.7976931348623157e308": math.MaxFloat64,
		"123456789012345678.9": 123456789012345678.9, "1E2": 100, "0.30000000000000004": 0.30000000000000004,
	}
	var lines []string
	for lit := range want {
		lines = append(lines, track(lit, "Purchase", `{"v":`+lit+`}`))
	}
	load(t, pool, loader.Config{}, write(t, lines...))
	for _, row := range pgtest.Query(t, pool, `select id, v from clevertap_prod.purchase`) {
		if got := row[1].(float64); math.Float64bits(got) != math.Float64bits(want[row[0].(string)]) {
			t.Errorf("%s is stored as %v (%x)", row[0], got, math.Float64bits(got))
		}
	}
}
