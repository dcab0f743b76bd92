package loader_test

import (
	"bytes"
	"compress/gzip"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

const (
	contractEvents   = "../testdata/contract/events.ndjson"
	contractExpected = "../testdata/contract/events.expected.jsonl"
)

// TestContract loads the cases of the contract and reads every value back.
func TestContract(t *testing.T) {
	t.Parallel()
	text, want := readFile(t, contractEvents), readExpected(t, contractExpected)
	ways := map[string]struct {
		file string
		text []byte
		cfg  loader.Config
	}{
		"whole":       {"events.ndjson", text, loader.Config{}},
		"tiny chunks": {"events.ndjson", text, loader.Config{ChunkBytes: 3000}},
		"gzip":        {"events.ndjson.gz", gzipped(t, text), loader.Config{}},
		"zstd":        {"events.zst", zstdCompressed(t, text), loader.Config{}},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			dir := t.TempDir()
			report := load(t, pool, way.cfg, writeFile(t, filepath.Join(dir, way.file), way.text))
			checkCounts(t, report.Counts, want)
			s := readStored(t, pool, "clevertap_prod")
			s.checkRows(t, want)
			s.checkQuarantine(t, way.file, text, want)
			checkTracks(t, s, pgtest.Value[int64](t, pool, "select count(*) from clevertap_prod.tracks"))
			checkLedger(t, pool, report)
			if name != "whole" {
				return
			}
			before := contents(t, pool, "clevertap_prod")
			again := load(t, pool, way.cfg, writeFile(t, filepath.Join(dir, "again"), way.text))
			if again.Duplicates != report.Accepted || again.Accepted != report.Accepted || again.Discarded != 0 {
				t.Errorf("second load: %+v, want %d duplicates", again.Counts, report.Accepted)
			}
			if diff := cmp.Diff(before, contents(t, pool, "clevertap_prod")); diff != "" {
				t.Errorf("the second load changed something:\n%s", diff)
			}
		})
	}
}

// checkLedger compares the row of the only load with its report, and the rows of the load with it.
func checkLedger(t *testing.T, pool *pgxpool.Pool, report loader.Report) {
	t.Helper()
	got := pgtest.Query(t, pool, "select status, rows, quarantined, duplicates, discarded from clevertap_prod._loads")
	want := [][]any{{"finished", report.Loaded, report.Quarantined, report.Duplicates, report.Discarded}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
	for what, sql := range map[string]string{
		"rows of another load": "select count(*) from clevertap_prod.tracks where uuid_ts is distinct from (select uuid_ts from clevertap_prod._loads)",
		"discards of another load": "select count(*) from clevertap_prod._discards where (uuid_ts, load) is distinct from " +
			"(select (uuid_ts, load) from clevertap_prod._loads)",
		"discards at another time": "select count(*) from clevertap_prod._discards d left join clevertap_prod.tracks t " +
			"on t.event = d.table_name and t.id = d.row_id where t.received_at is distinct from d.received_at",
		"quarantine of another load": "select count(*) from clevertap_prod._quarantine where (uuid_ts, load) is distinct from " +
			"(select (uuid_ts, load) from clevertap_prod._loads)",
	} {
		if n := pgtest.Value[int64](t, pool, sql); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}

// checkTracks compares the view's number of rows with the rows that have an event.
func checkTracks(t *testing.T, s *stored, got int64) {
	t.Helper()
	var want int64
	for _, table := range s.tables {
		if table.columns["event_text"] != "" {
			want += int64(len(table.rows))
		}
	}
	if got != want {
		t.Errorf("tracks has %d rows, the tables have %d", got, want)
	}
}

func gzipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstdCompressed(t *testing.T, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(text, nil)
}
