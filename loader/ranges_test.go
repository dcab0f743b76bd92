package loader_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// rangeFiles are files of each format, full of what makes it hard to divide them: true twins, good and bad, records of
// several lines, lines that say something about all others, or seem to.
var rangeFiles = []struct {
	name, format string
	head, any    []string
	options      loader.FileOptions
}{
	{"segment", "", []string{track("first", "Started", `{}`)}, []string{
		`{"type":"track","event":"Twin","userId":"u","properties":{"a":1}}`,
		`{"type":"track","event":"Twin","userId":"u","timestamp":"never","properties":{"a":"x"}}`,
		`{"type":"identify","userId":"u","timestamp":"2026-01-01T00:00:00Z","traits":{"plan":"b"}}`,
		`{"batch":[{"type":"track","event":"Twin","userId":"u"},{"type":"page","anonymousId":"a"},{"type":"track"},7]}`,
		track("again", "Sent twice", `{"a":"x"}`), `{"type":"track","event":"Twin"}`, "{", "", "not \xff text",
		strings.Repeat("x", 40_000),
	}, loader.FileOptions{}},
	{"clevertap", "", []string{"Charged Once", `{"ts":20260101101010,"profile":{"identity":"u"},"eventProps":{"Amount":1}}`}, []string{
		`{"ts":20260101101010,"profile":{"identity":"u"},"eventProps":{"Amount":1}}`,
		`{"ts":20261025023010,"profile":{"identity":"u"},"eventProps":{"Amount":1}}`,
		`{"ts":20260101101010,"eventName":"App Launched","profile":{"objectId":"o"},"eventProps":{"CT Session Id":"7"}}`,
		`{"ts":20260101101010,"eventName":"App Launched","eventProps":{"nobody":1}}`,
		`{"ts":0,"profile":{"identity":"u"}}`, "App Launched", `"App Launched"`, "[]", "",
	}, loader.FileOptions{}},
	{"segment CSV", "", []string{`event,userId,anonymousId,messageId,timestamp,"prop:a` + "\nb\"", "Started,u,,,2026-01-01T00:00:00Z,1"}, []string{
		"Twin,u,,,2026-01-01T00:00:00Z,1", "Twin,u,,,2026-01-01T00:00:00Z,\"two\nlines, and \"\"quotes\"\"\n\"",
		"Twin,u,,,never,\"Twin,u,,,2026-01-01T00:00:00Z,1\nTwin,u,,,2026-01-01T00:00:00Z,1\"",
		"Twin,,,,,", "Twin,u", `Twin,u,,,,"a"b`, "", "Sent twice,u,,again,2026-01-01T00:00:00Z,x", "Twin,u,,,,\xff",
	}, loader.FileOptions{}},
	{"clevertap CSV", "clevertap-csv", []string{"ts,profile.identity,eventProps.Amount"}, []string{
		"20260101101010,u,1", "20260101101010,u,\"1\n20260101101010,u,1\n\"", "20261025023010,u,1", "20260101101010,,1", "0,u,",
		"20260101101010,u", "20260101101010,u,\"open", "", ",,",
	}, loader.FileOptions{Event: "Charged Once"}},
}

// loadRanges loads a file in units of at most that size and returns the report. A max of 0 is the default: whole.
func loadRanges(t *testing.T, pool *pgxpool.Pool, cfg loader.Config, o loader.FileOptions, limit int64, path string) loader.Report {
	t.Helper()
	o.Account, o.Timezone, o.UnitMaxBytes = "ACC", zone(t, "Europe/Berlin"), limit
	cfg.Source = "CleverTap_Prod"
	src, err := loader.Files([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeSource(t, src)
	l, err := loader.New(pool, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	report, err := l.Load(t.Context(), src)
	if err != nil {
		t.Fatalf("load %s in ranges of %d: %v", path, limit, err)
	}
	return report
}

func closeSource(t *testing.T, src loader.Source) {
	t.Helper()
	if err := src.(io.Closer).Close(); err != nil {
		t.Error(err)
	}
}

// TestRangesAreTheWholeFile loads the same files whole and in ranges of random sizes, one after the other and side by
// side: tables, discards and quarantine are equal, with lines and offsets of the file, and so is what is counted.
func TestRangesAreTheWholeFile(t *testing.T) {
	t.Parallel()
	for _, f := range rangeFiles {
		for _, form := range []struct{ name, start, end, final string }{
			{"plain", "", "\n", "\n"}, {"BOM, CRLF, no final line end", "\xef\xbb\xbf", "\r\n", ""},
		} {
			t.Run(f.name+"/"+form.name, func(t *testing.T) {
				t.Parallel()
				seed := rand.Uint64()
				t.Log("seed", seed)
				random := rand.New(rand.NewPCG(seed, 0))
				lines := f.head
				for range 300 {
					lines = append(lines, f.any[random.IntN(len(f.any))])
				}
				text := form.start + strings.Join(append(lines, f.any[0]), form.end) + form.final
				path := writeFile(t, filepath.Join(t.TempDir(), "events"), []byte(text))
				o := f.options
				o.Format = f.format
				pool := pgtest.Pool(t)
				whole := loadRanges(t, pool, loader.Config{}, o, 0, path)
				want := contents(t, pool, "clevertap_prod")
				if len(whole.Units) != 1 || whole.Loaded < 50 || whole.Quarantined < 20 || len(want["_quarantine"]) < 20 {
					t.Fatalf("the whole file: %+v", whole)
				}
				for _, cfg := range []loader.Config{{}, {ChunkBytes: 2000}, {Workers: 3, LargeUnit: 1}} {
					limit := int64(500 + random.IntN(len(text)/2))
					pool := pgtest.Pool(t)
					if cfg.Workers > 1 { // or chance would decide whose first value gives a column its type
						loadRanges(t, pool, loader.Config{}, o, 0, path)
						empty(t, pool)
					}
					report := loadRanges(t, pool, cfg, o, limit, path)
					if n := (len(text)-1)/int(limit) + 1; len(report.Units) != n || report.Bytes != whole.Bytes {
						t.Errorf("%d units of %d bytes, want %d of %d", len(report.Units), report.Bytes, n, whole.Bytes)
					}
					if diff := cmp.Diff(want, contents(t, pool, "clevertap_prod")); diff != "" {
						t.Errorf("%+v: whole (-) and in ranges of %d (+):\n%s", cfg, limit, diff)
					}
					if report.Counts != whole.Counts || report.Notes != whole.Notes {
						t.Errorf("in ranges of %d: counted %+v, %+v; whole: %+v, %+v", limit, report.Counts, report.Notes, whole.Counts, whole.Notes)
					}
				}
			})
		}
	}
}

// empty removes what was loaded, but not the tables.
func empty(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, row := range pgtest.Query(t, pool, `select relname::text from pg_class where relnamespace = 'clevertap_prod'::regnamespace
		and relkind = 'r' and relname not in ('_columns', '_migrations', '_migration_files')`) {
		pgtest.Exec(t, pool, "truncate "+quote("clevertap_prod", row[0].(string)))
	}
}

// stopAfter ends its load when n units are done.
type stopAfter struct {
	loader.Source
	n      int
	cancel context.CancelFunc
}

func (s stopAfter) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		n := 0
		for u, err := range s.Source.Units(ctx) {
			if n == s.n {
				s.cancel()
			}
			if n++; !yield(u, err) {
				return
			}
		}
	}
}

// TestRangesGoOn ends loads of a file between two of its ranges, again and again, each time with another process's memory of
// it: none. Loaded ranges are skipped and the rest gets its ids as if nothing had been. A load that finds all of them does
// not scan the file: it needs no temporary file.
func TestRangesGoOn(t *testing.T) {
	t.Parallel()
	lines := events("a", 20)
	for i := range 500 {
		lines = append(lines, `{"type":"track","event":"Twin","userId":"u"}`, fmt.Sprintf(`{"bad":%d}`, i%3))
	}
	path := write(t, lines...)
	pool, clean := pgtest.Pool(t), pgtest.Pool(t)
	load(t, clean, loader.Config{}, path)
	const limit = 4000
	var units int
	for done := 0; ; done += 3 {
		src, err := loader.Files([]string{path}, loader.FileOptions{UnitMaxBytes: limit})
		if err != nil {
			t.Fatal(err)
		}
		l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod", SmallUnit: -1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		report, err := l.Load(ctx, stopAfter{src, done + 3, cancel})
		cancel()
		l.Close()
		closeSource(t, src)
		if report.SkippedUnits() != done {
			t.Fatalf("%d units skipped, want the %d that are loaded: %v", report.SkippedUnits(), done, err)
		}
		if err == nil {
			units = len(report.Units)
			break
		}
	}
	if units < 8 {
		t.Fatalf("%d units are too few", units)
	}
	want := contents(t, clean, "clevertap_prod")
	if diff := cmp.Diff(want, contents(t, pool, "clevertap_prod")); diff != "" {
		t.Errorf("loaded whole (-) and bit by bit (+):\n%s", diff)
	}
	again := loadRanges(t, pool, loader.Config{}, loader.FileOptions{TempDir: filepath.Join(t.TempDir(), "none")}, limit, path)
	if again.SkippedUnits() != units {
		t.Errorf("%d of %d units skipped", again.SkippedUnits(), units)
	}
	whole := loadRanges(t, pool, loader.Config{}, loader.FileOptions{}, 0, path)
	if whole.Loaded+whole.Quarantined != 0 || whole.Duplicates != whole.Accepted {
		t.Errorf("loaded whole after that: %+v, want duplicates only", whole.Counts)
	}
	equal(t, pool, "select unit from clevertap_prod._loads order by seq limit 1", []any{fmt.Sprintf("%s (part 1 of %d)", path, units)})
}

// between does something after the first unit of a source was loaded.
type between struct {
	loader.Source
	do func()
}

func (s between) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		for u, err := range s.Source.Units(ctx) {
			if !yield(u, err) {
				return
			}
			if s.do != nil {
				s.do()
				s.do = nil
			}
		}
	}
}

// TestFileThatGrowsBetweenItsRanges appends to a file when its first range is loaded: the load fails, the range stays, and
// the next load of the file, which is another one by its key, completes it.
func TestFileThatGrowsBetweenItsRanges(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(`{"type":"track","event":"Twin","userId":"u"}`+"\n{\n", 300)
	path := writeFile(t, filepath.Join(t.TempDir(), "grows"), []byte(text))
	pool, clean := pgtest.Pool(t), pgtest.Pool(t)
	src, err := loader.Files([]string{path}, loader.FileOptions{UnitMaxBytes: 5000, Format: "segment"})
	if err != nil {
		t.Fatal(err)
	}
	defer closeSource(t, src)
	l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod", SmallUnit: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	report, err := l.Load(t.Context(), between{src, func() { writeFile(t, path, []byte(text+text)) }})
	if err == nil || !strings.Contains(err.Error(), "changed_while_read") || report.FinishedUnits() != 1 || report.Loaded < 10 {
		t.Errorf("%d units finished with %+v, error %v; want the first one and a file that changed", report.FinishedUnits(), report.Counts, err)
	}
	equal(t, pool, "select count(*) from clevertap_prod.twin", []any{report.Loaded})
	loadRanges(t, pool, loader.Config{}, loader.FileOptions{}, 5000, path)
	load(t, clean, loader.Config{}, path)
	if diff := cmp.Diff(contents(t, clean, "clevertap_prod"), contents(t, pool, "clevertap_prod")); diff != "" {
		t.Errorf("loaded once (-) and after it grew (+):\n%s", diff)
	}
}
