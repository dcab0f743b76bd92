package feed_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// The contract's lines come to the same whether they are read from a file or taken by the door, as single calls or in
// batches: the same rows, columns, discards and quarantine. Only what depends on the arrival differs.
func TestContractLinesAreAsFromAFile(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(line []byte) []byte{
		"track": func(line []byte) []byte { return line },
		"":      func(line []byte) []byte { return append(append([]byte(`{"batch":[`), line...), `]}`...) },
	} {
		t.Run("call "+name, func(t *testing.T) {
			t.Parallel()
			lines := contractLines(t, name)
			pool := pgtest.Pool(t)
			loadFile(t, pool, bytes.Join(lines, []byte("\n")))
			b := broker(t, stream.Options{})
			c := intake(t, b)
			for _, line := range lines {
				r := ingest.Request{Source: nickname, Received: time.Now(), Call: name, Body: body(line)}
				if err := c.Append(t.Context(), &r); err != nil {
					t.Fatal(err)
				}
			}
			work(t, options(b, pool, loader.Config{}))
			drained(t, b)
			same(t, pool)
		})
	}
}

// contractLines are the lines that the door takes. A path that names a call is the type of lines that say none.
func contractLines(t *testing.T, call string) (out [][]byte) {
	t.Helper()
	const dir = "../../testdata/contract"
	all, err := os.ReadFile(filepath.Join(dir, "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(filepath.Join(dir, "events.expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimPrefix(all, []byte("\xef\xbb\xbf")), []byte("\n"))
	for text := range bytes.Lines(said) {
		var e struct {
			Line            int
			Outcome, Reason string
		}
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		line := bytes.TrimSuffix(lines[e.Line-1], []byte("\r"))
		switch {
		case e.Outcome == "skip", call != "" && len(line) > decode.MaxEvent, call != "" && e.Reason == "missing_type":
			continue
		}
		switch e.Reason {
		case "invalid_json", "not_an_object", "invalid_utf8": // which the door refuses
			continue
		}
		out = append(out, line)
	}
	if len(out) < 150 {
		t.Fatalf("only %d lines", len(out))
	}
	return out
}

// loadFile loads text as a file of another source.
func loadFile(t *testing.T, pool *pgxpool.Pool, text []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	files, err := loader.Files([]string{path}, loader.FileOptions{Format: "segment"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := loader.New(pool, loader.Config{Source: "File"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Load(t.Context(), files); err != nil {
		t.Fatal(err)
	}
}

// same compares the schemas file and shop.
func same(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	names := pgtest.Query(t, pool, `select table_name::text from information_schema.tables
		where table_schema = 'file' and table_type = 'BASE TABLE' and table_name !~ '^_' order by 1`)
	if len(names) < 30 {
		t.Errorf("only %d tables", len(names))
	}
	queries := []string{
		`select table_name::text, column_name::text, data_type::text from information_schema.columns where table_schema = '%s' and table_name !~ '^_' order by 1, 2`,
		`select reason, raw_text from (select reason, convert_from(raw, 'UTF8') raw_text from %s._quarantine) q order by 1, 2`,
		`select table_name, column_name, raw_value, reason from %s._discards order by 1, 2, 3, 4`,
	}
	for _, name := range names {
		// An id that is made has the bytes of the line in it, and here also the frame.
		queries = append(queries, fmt.Sprintf(`select case when id like 'ln\_%%%%' then 'made' else id end,
			(to_jsonb(q) - 'id' - 'received_at' - 'uuid_ts' - 'timestamp')::text from %%s."%s" q order by 1, 2`, name[0]))
	}
	for _, query := range queries {
		var want []string
		for _, row := range pgtest.Query(t, pool, fmt.Sprintf(query, "file")) {
			want = append(want, fmt.Sprint(row...))
		}
		got := []string{}
		for _, row := range pgtest.Query(t, pool, fmt.Sprintf(query, "shop")) {
			got = append(got, fmt.Sprint(row...))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s\ngot  %q\nwant %q", query, got, want)
		}
	}
}
