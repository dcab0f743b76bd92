package loader_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// feed loads lines as files of their own names into one database.
type feed struct {
	t    *testing.T
	pool *pgxpool.Pool
	dir  string
	n    int
}

func newFeed(t *testing.T) *feed {
	t.Helper()
	return &feed{t: t, pool: pgtest.Pool(t), dir: t.TempDir()}
}

// load loads the lines as one more file.
func (f *feed) load(cfg loader.Config, lines ...string) loader.Report {
	f.t.Helper()
	f.n++
	path := writeFile(f.t, filepath.Join(f.dir, fmt.Sprint(f.n)), []byte(strings.Join(lines, "\n")))
	return loadFiles(f.t, f.pool, cfg, loader.FileOptions{Format: "segment"}, path)
}

// column returns the values of a column as text, by id, and its type.
func (f *feed) column(table, column string) (map[string]string, string) {
	f.t.Helper()
	s := readStored(f.t, f.pool, "clevertap_prod")
	out := map[string]string{}
	for id, row := range s.tables[table].rows {
		if v, ok := row[column]; ok {
			out[id] = v
		}
	}
	return out, s.tables[table].columns[column]
}

// discards returns all discards as "id column reason value".
func (f *feed) discards() []string {
	f.t.Helper()
	var out []string
	for _, r := range pgtest.Query(f.t, f.pool, `select d from (select row_id || ' ' || column_name || ' ' || reason || ' ' || raw_value as d
		from clevertap_prod._discards) x order by d collate "C"`) {
		out = append(out, r[0].(string))
	}
	return out
}

// value is a call of the event E with one property v.
func value(id, v string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"event":"E","userId":"u","properties":{"v":%s}}`, id, v)
}

// TestWidenStored widens columns of tables that exist (rule 11).
func TestWidenStored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, second, wantType string
		want                    map[string]string
	}{
		"double":  {"9007199254740992", "0.5", "double precision", map[string]string{"a": "9.007199254740992e+15", "b": "0.5"}},
		"numeric": {"9007199254740993", "0.5", "numeric", map[string]string{"a": "9007199254740993", "b": "0.5"}},
		"below":   {"-9007199254740993", "0.5", "numeric", map[string]string{"a": "-9007199254740993", "b": "0.5"}},
		"string":  {"1", `"0.5"`, "bigint", map[string]string{"a": "1"}},
		"large":   {"1", "9223372036854775808", "bigint", map[string]string{"a": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t)
			f.load(loader.Config{}, value("a", c.first))
			report := f.load(loader.Config{}, value("b", c.second))
			got, typ := f.column("e", "v")
			if diff := cmp.Diff(c.want, got); diff != "" || typ != c.wantType {
				t.Errorf("got type %s, want %s; values (-want +got):\n%s", typ, c.wantType, diff)
			}
			wantDiscards := int64(2 - len(c.want))
			if report.Discards[schema.TypeMismatch] != wantDiscards || len(report.Blocked) != 0 {
				t.Errorf("got discards %v, blocked %v", report.Discards, report.Blocked)
			}
		})
	}
}

// TestWidenBlocked meets columns that cannot be widened now: the table is too large, or a view of somebody else uses the
// column (rule 11).
func TestWidenBlocked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg loader.Config
		sql string
	}{
		"rows": {loader.Config{WidenMaxRows: 2}, ""},
		"view": {loader.Config{}, "create view public.theirs as select v from clevertap_prod.e"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t)
			f.load(c.cfg, value("a", "1"), value("b", "2"), value("c", "3"))
			if c.sql != "" {
				pgtest.Exec(t, f.pool, c.sql)
			}
			report := f.load(c.cfg, value("d", "2.5"), value("e", "4"), value("f", "3.5"))
			got, typ := f.column("e", "v")
			if want := map[string]string{"a": "1", "b": "2", "c": "3", "e": "4"}; typ != "bigint" || !cmp.Equal(want, got) {
				t.Errorf("got %s %v, want bigint %v", typ, got, want)
			}
			if want := []string{"d v type_mismatch 2.5", "f v type_mismatch 3.5"}; !cmp.Equal(want, f.discards()) {
				t.Errorf("got discards %v, want %v", f.discards(), want)
			}
			if want := [][2]string{{"e", "v"}}; !cmp.Equal(want, report.Blocked) {
				t.Errorf("got blocked %v, want %v", report.Blocked, want)
			}
		})
	}
	t.Run("just small enough", func(t *testing.T) {
		t.Parallel()
		f := newFeed(t)
		f.load(loader.Config{WidenMaxRows: 2}, value("a", "1"), value("b", "2"))
		f.load(loader.Config{WidenMaxRows: 2}, value("c", "2.5"))
		if _, typ := f.column("e", "v"); typ != "double precision" {
			t.Errorf("got type %s, want double precision", typ)
		}
	})
}

// TestWidenTogether widens a trait in identifies and in users.
func TestWidenTogether(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	identify := func(id, v string) string {
		return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":%q,"traits":{"score":%s}}`, id, id, v)
	}
	f.load(loader.Config{}, identify("a", "1"))
	f.load(loader.Config{}, identify("b", "2.5"))
	for _, table := range []string{"identifies", "users"} {
		got, typ := f.column(table, "score")
		if want := map[string]string{"a": "1", "b": "2.5"}; typ != "double precision" || !cmp.Equal(want, got) {
			t.Errorf("%s: got %s %v", table, typ, got)
		}
	}
}

// TestColumnLimit fills a table up to its limit: context first, then properties in document order (rule 12).
func TestColumnLimit(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	cfg := loader.Config{MaxColumns: 4}
	line := func(id, properties, context string) string {
		return fmt.Sprintf(`{"type":"track","messageId":%q,"event":"E","userId":"u","properties":%s,"context":%s}`, id, properties, context)
	}
	f.load(cfg, line("a", `{"p1":null,"p2":"\ud800","p3":3,"p4":4,"p5":5}`, `{"c1":1,"c2":2}`))
	f.load(cfg, line("b", `{"new":1,"p4":44,"p2":2}`, `{"c3":3,"c1":11}`))
	s := readStored(t, f.pool, "clevertap_prod")
	want := map[string]string{"a": "1 2 3 4", "b": "11   44"}
	for id, row := range s.tables["e"].rows {
		if got := strings.Join([]string{row["context_c1"], row["context_c2"], row["p3"], row["p4"]}, " "); got != want[id] {
			t.Errorf("row %s: got %q, want %q", id, got, want[id])
		}
	}
	wantDiscards := []string{
		`a p2 invalid_unicode "\ud800"`, "a p5 column_limit 5", "b context_c3 column_limit 3", "b new column_limit 1", "b p2 column_limit 2",
	}
	if diff := cmp.Diff(wantDiscards, f.discards()); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
}

// TestTableLimit fills a source up to its limit of tables (rule 12).
func TestTableLimit(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	cfg := loader.Config{MaxTables: len(schema.BaselineTables()) + 2}
	event := func(id, event string) string {
		return fmt.Sprintf(`{"type":"track","messageId":%q,"event":%q,"userId":"u"}`, id, event)
	}
	report := f.load(cfg, event("1", "One"), event("2", "Two"), event("3", "Three"), event("4", "one"), event("5", "App Launched"),
		event("6", "Three"))
	if report.Loaded != 4 || report.Quarantine[schema.TableLimit] != 2 {
		t.Errorf("got %+v, %v, want 4 loaded, 2 over the limit", report.Counts, report.Quarantine)
	}
	report = f.load(loader.Config{}, event("3", "Three"))
	if report.Loaded != 1 {
		t.Errorf("limit raised: %+v", report.Counts)
	}
}

// TestRowOnPage loads rows whose values are small and many, so that alignment counts (rule 12): whatever the sum says,
// Postgres must take the row or values must go to discards.
func TestRowOnPage(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	row := func(id string, texts, size, rest int) string {
		var b strings.Builder
		for i := range 500 {
			if i > 0 {
				b.WriteByte(',')
			}
			switch {
			case i >= 2*texts:
				fmt.Fprintf(&b, `"c%03d":%q`, i, strings.Repeat("y", rest))
			case i%2 == 0:
				fmt.Fprintf(&b, `"c%03d":%q`, i, strings.Repeat("x", size))
			default:
				fmt.Fprintf(&b, `"c%03d":%d`, i, i)
			}
		}
		return fmt.Sprintf(`{"type":"track","messageId":%q,"event":%q,"userId":"u","properties":{%s}}`, id, "Page "+id, b.String())
	}
	for _, size := range []int{1, 9, 17, 18, 23, 24, 40, 100} {
		report := f.load(loader.Config{}, row(fmt.Sprint("r", size), 250, size, 0))
		if report.Loaded != 1 {
			t.Errorf("texts of %d bytes: %+v", size, report.Counts)
		}
	}
	// Each of 186 bigints is moved up to a multiple of 8: 9,100 bytes on the page, 7,800 by the sum of the sizes.
	report := f.load(loader.Config{}, row("padded", 186, 16, 23))
	size := pgtest.Value[int32](t, f.pool, "select pg_column_size(p.*) from clevertap_prod.page_padded p")
	if report.Loaded != 1 || report.Discards[schema.RowTooLarge] == 0 || size < 8100 {
		t.Errorf("padded: %+v, discards %v, %d bytes kept", report.Counts, report.Discards, size)
	}
}

// TestManagedMode loads what a schema that CI owns has no table or column for (rule 17).
func TestManagedMode(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	f.load(loader.Config{}, value("a", "1"))
	managed := loader.Config{Evolve: loader.Managed}
	report := f.load(managed,
		`{"type":"track","messageId":"b","event":"E","userId":"u","properties":{"v":2,"w":"new","null":null},"context":{"ip":"i"}}`,
		`{"type":"track","messageId":"c","event":"Unheard Of","userId":"u"}`,
		`{"type":"page","messageId":"d","userId":"u"}`, value("e", "2.5"))
	if report.Loaded != 2 || report.Quarantine[schema.UnknownTable] != 2 {
		t.Errorf("got %+v, %v, want 2 loaded, 2 without a table", report.Counts, report.Quarantine)
	}
	want := []string{`b context_ip unknown_column "i"`, `b w unknown_column "new"`, "e v type_mismatch 2.5"}
	if diff := cmp.Diff(want, f.discards()); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
	if n := pgtest.Value[int64](t, f.pool, "select max(version) from clevertap_prod._migration_files"); n != 2 {
		t.Errorf("managed mode made migration %d", n)
	}
}

// TestOnce loads the same ids from several loaders at a time (rule 16).
func TestOnce(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	f.load(loader.Config{}, value("other", "0"))
	lines := make([]string, 300)
	for i := range lines {
		lines[i] = value(fmt.Sprint(i), fmt.Sprint(i))
	}
	var paths []string
	for i := range 3 {
		paths = append(paths, writeFile(t, filepath.Join(f.dir, fmt.Sprint("w", i)), []byte(strings.Join(lines, "\n"))))
	}
	var wg sync.WaitGroup
	reports, errs := make([]loader.Report, len(paths)), make([]error, len(paths))
	for i, path := range paths {
		wg.Go(func() {
			reports[i], errs[i] = filesReport(t, f.pool, loader.Config{ChunkBytes: 3000}, loader.FileOptions{}, path)
		})
	}
	wg.Wait()
	var loaded, duplicates int64
	for i, r := range reports {
		if errs[i] != nil {
			t.Error(errs[i])
		}
		loaded += r.Loaded
		duplicates += r.Duplicates
	}
	if loaded != 300 || duplicates != 600 {
		t.Errorf("got %d loaded, %d duplicates, want 300 and 600", loaded, duplicates)
	}
	if got, _ := f.column("e", "v"); len(got) != 301 || got["7"] != "7" {
		t.Errorf("table has %d rows", len(got))
	}
}
