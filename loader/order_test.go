package loader_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// TestRefusedBeforeWidening: what a bigint column had to refuse before it was widened is stored, as it is when the column
// is found wide: chunks of any size, a load that begins again and a plan agree.
func TestRefusedBeforeWidening(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("0", "Old", `{"v":7}`)))
	lines := []string{}
	for i, v := range []string{`1`, `"2.5"`, `9223372036854775808`, `"9007199254740993"`, `-0.0`, `"03"`, `2.5`} {
		lines = append(lines, track(fmt.Sprint(i+1), "New", `{"v":`+v+`}`), track(fmt.Sprint(i+1), "Old", `{"v":`+v+`}`))
	}
	path := write(t, lines...)
	src, err := loader.Files([]string{path}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	plan, err := l.Plan(t.Context(), src)
	if err != nil || plan.Loaded != 14 || plan.Discarded != 4 {
		t.Errorf("plan: %+v, %v; want 14 loaded, 4 discarded", plan.Counts, err)
	}
	report := load(t, pool, loader.Config{}, path)
	if report.Loaded != 14 || report.Discarded != 4 {
		t.Errorf("load: %+v, want 14 loaded, 4 discarded", report.Counts)
	}
	for _, table := range []string{"new", "old"} {
		equal(t, pool, `select id, v::text from clevertap_prod."`+table+`" where id > '0' order by id`,
			[]any{"1", "1"}, []any{"2", "2.5"}, []any{"3", "9223372036854775808"}, []any{"4", "9007199254740993"},
			[]any{"5", nil}, []any{"6", nil}, []any{"7", "2.5"})
	}
	consistent(t, pool)
}

// outcome is what a load made of the events of one table: types, rows, discards.
type outcome struct {
	Types    map[string]string
	Rows     map[string]map[string]string
	Discards map[string][]expectedDiscard
}

func outcomeOf(t *testing.T, pool *pgxpool.Pool, schemaName, table string) outcome {
	t.Helper()
	s := readStored(t, pool, schemaName)
	o := outcome{s.tables[table].columns, s.tables[table].rows, map[string][]expectedDiscard{}}
	for _, row := range o.Rows {
		delete(row, "uuid_ts")
		delete(row, "received_at") // of these two each load has its own
		for column, text := range row {
			// 2.0 is 2 in a column that was bigint when it came, and is the same number.
			if o.Types[column] == "numeric" && strings.Contains(text, ".") {
				row[column] = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
			}
		}
	}
	for key, ds := range s.discards {
		if key.table == table {
			slices.SortFunc(ds, func(a, b expectedDiscard) int { return strings.Compare(a.Column+a.Value, b.Column+b.Value) })
			o.Discards[key.id] = ds
		}
	}
	return o
}

// TestSameWhateverTheChunks loads random files with chunks of one record, of a few and of all, and with the schema that a
// load that was killed before its COMMIT leaves behind: the same comes out.
func TestSameWhateverTheChunks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir := t.TempDir()
	ways := []struct {
		source string
		chunk  int
		killed bool
	}{{"whole", 0, false}, {"single", 1, false}, {"few", 2000, false}, {"killed", 0, true}, {"killed_single", 1, true}}
	for _, w := range ways { // their schemas
		load(t, pool, loader.Config{Source: w.source}, write(t, track("0", "First", `{}`)))
	}
	n, failed := 0, false
	rapid.Check(t, func(r *rapid.T) {
		if n++; n > 12 && !failed {
			return // rapid wants a hundred, which is as many tables five times
		}
		event, table := fmt.Sprint("Prop ", n), fmt.Sprint("prop_", n)
		lines := make([]string, rapid.IntRange(2, 25).Draw(r, "events"))
		for i := range lines {
			lines[i] = track(fmt.Sprintf("m%02d", i), event, fmt.Sprintf(`{"a":%s,"b":%s,"%s":1}`, drawSimple(r), drawSimple(r),
				rapid.SampledFrom([]string{"c", "d", "e"}).Draw(r, "another column")))
		}
		path := writeFile(t, filepath.Join(dir, table), []byte(strings.Join(lines, "\n")))
		var want outcome
		for i, w := range ways {
			cfg := loader.Config{Source: w.source, ChunkBytes: w.chunk}
			load(t, pool, cfg, path)
			if w.killed {
				takeOut(t, pool, w.source, table)
				load(t, pool, cfg, path)
			}
			got := outcomeOf(t, pool, w.source, table)
			if i == 0 {
				want = got
			} else if diff := cmp.Diff(want, got); diff != "" {
				failed = true
				r.Fatalf("%s is other than %s (-%[2]s +%[1]s):\n%s\nof\n%s", w.source, ways[0].source, diff, strings.Join(lines, "\n"))
			}
		}
	})
}

// A number that is out of range asks for no column, is text in one that a later record asks for, and out of range in one of
// any other type: also if both are in one chunk.
func TestNumberBeforeItsColumn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	path := write(t, track("m0", "Prop", `{"a":1e400,"b":1e400,"c":1e400,"d":1e400}`),
		track("m1", "Prop", `{"a":"x","b":7,"c":true,"d":"2026-01-15T10:00:00Z"}`))
	var want outcome
	for i, chunk := range []int{0, 1} {
		source := []string{"whole", "single"}[i]
		load(t, pool, loader.Config{Source: source, ChunkBytes: chunk}, path)
		got := outcomeOf(t, pool, source, "prop")
		if got.Rows["m0"]["a"] != "1e400" || len(got.Discards["m0"]) != 3 {
			t.Errorf("%s: %+v; want the number as text, and three discards", source, got)
		}
		for _, d := range got.Discards["m0"] {
			if d.Reason != string(schema.NumberOutOfRange) {
				t.Errorf("%s: %+v, want %s", source, d, schema.NumberOutOfRange)
			}
		}
		if i == 0 {
			want = got
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("single (+) is other than whole (-):\n%s", diff)
		}
	}
}

// takeOut leaves of a load what stays if it is killed before COMMIT: columns and their types.
func takeOut(t *testing.T, pool *pgxpool.Pool, schemaName, table string) {
	t.Helper()
	for _, table := range []string{table, "_discards", "_units", "_loads"} {
		if _, err := pool.Exec(t.Context(), "truncate "+quote(schemaName, table)); err != nil {
			t.Fatal(err)
		}
	}
}

// drawSimple draws values that bigint, double precision and numeric columns take in different ways.
func drawSimple(r *rapid.T) string {
	return rapid.SampledFrom([]string{
		"1", "7", "7", "-3", "2.0", "0.5", "2.5", "-0.0", `"2.5"`, `"3"`, `"1e3"`, `"03"`, `"-0.0"`, `"x"`, "true", "null",
		"9007199254740993", `"9007199254740993"`, "9223372036854775807", "9223372036854775808", `"1e400"`, "1e400",
		"12345678901234567890123", `"0.1"`, "[1]",
	}).Draw(r, "value")
}
