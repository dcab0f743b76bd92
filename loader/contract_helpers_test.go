package loader_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// expectation is what one line of a case becomes, as one line of a file *.expected.jsonl. Outcome is load, quarantine,
// duplicate, skip, or state: a row of users or accounts, which no single line makes.
type expectation struct {
	Line     int
	Case     string
	Outcome  string
	Reason   string
	Table    string
	Columns  map[string]expectedValue
	Discards []expectedDiscard
}

type expectedValue struct {
	Type  string
	Value json.RawMessage
}

type expectedDiscard struct {
	Column, Reason, Value string
}

// readExpected reads a file of expectations.
func readExpected(t *testing.T, path string) []expectation {
	t.Helper()
	var out []expectation
	for _, line := range bytes.Split(readFile(t, path), []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e expectation
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("read %s: %v", path, err)
		}
		out = append(out, e)
	}
	return out
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func writeFile(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// text is the value as Postgres prints it.
func (v expectedValue) text(t *testing.T) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(v.Value, &s); err != nil {
		s = string(v.Value)
	}
	switch {
	case strings.HasPrefix(s, "<") && v.Type == "timestamptz":
		return s
	case v.Type == "timestamptz":
		at, err := time.Parse("2006-01-02T15:04:05.999999Z", s)
		if err != nil {
			t.Fatalf("expected value %s: %v", v.Value, err)
		}
		return at.Format("2006-01-02 15:04:05.999999+00")
	case v.Type == "double precision":
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("expected value %s: %v", v.Value, err)
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	case v.Type == "boolean":
		return s[:1]
	}
	return s
}

// sameText brings a stored double into the form of expectedValue.text; it keeps the sign of zero.
func sameText(typ, text string) string {
	if f, err := strconv.ParseFloat(text, 64); err == nil && typ == "double precision" {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return text
}

var generatedID = regexp.MustCompile(`^(ln|ct)_[0-9a-f]{32}$`)

// checkRows compares all rows and discards of s with the expectations: each expected row is there with exactly the
// expected values, and nothing else is: no row, no table, no column.
func (s *stored) checkRows(t *testing.T, want []expectation) {
	t.Helper()
	met := map[rowKey]bool{}
	columns := map[string]map[string]bool{}
	for _, generated := range []bool{false, true} { // rows of known ids first, so that the others cannot take theirs
		for _, e := range want {
			if e.Outcome != "load" && e.Outcome != "state" {
				continue
			}
			if columns[e.Table] == nil {
				columns[e.Table] = map[string]bool{}
			}
			for c := range e.Columns {
				columns[e.Table][c] = true
			}
			for _, d := range e.Discards {
				if d.Reason == string(schema.RowTooLarge) { // found out when the column is there already
					columns[e.Table][d.Column] = true
				}
			}
			id := e.Columns["id"].text(t)
			if (id == "<generated>") == generated {
				s.checkRow(t, e, id, met)
			}
		}
	}
	for name, table := range s.tables {
		for id := range table.rows {
			if !met[rowKey{name, id}] && columns[name] != nil || !met[rowKey{name, id}] && name != "users" && name != "accounts" {
				t.Errorf("%s has a row %q that no line makes: %v", name, id, table.rows[id])
			}
		}
		s.checkColumns(t, name, columns)
	}
	for key, d := range s.discards {
		if !met[key] {
			t.Errorf("discards of %v, which no line makes: %v", key, d)
		}
	}
}

// checkColumns finds columns that no value has asked for, and tables.
func (s *stored) checkColumns(t *testing.T, name string, columns map[string]map[string]bool) {
	t.Helper()
	if _, ok := schema.CatalogueTable(name); ok {
		return
	}
	if len(columns[name]) == 0 && name != "users" && name != "accounts" {
		t.Errorf("table %s is there for no row", name)
	}
	known := columns[name]
	switch name {
	case "users":
		known = columns["identifies"]
	case "accounts":
		known = columns["groups"]
	}
	for c := range s.tables[name].columns {
		standard := slices.ContainsFunc(schema.StandardColumnsOf(name), func(sc schema.Column) bool { return sc.Name == c })
		if !standard && !known[c] {
			t.Errorf("column %s.%s is there for no value", name, c)
		}
	}
}

func (s *stored) checkRow(t *testing.T, e expectation, id string, met map[rowKey]bool) {
	t.Helper()
	at := fmt.Sprintf("line %d (%s)", e.Line, e.Case)
	table, ok := s.tables[e.Table]
	if !ok {
		t.Errorf("%s: no table %q", at, e.Table)
		return
	}
	if id != "<generated>" {
		row, ok := table.rows[id]
		if !ok {
			t.Errorf("%s: no row %q in %s", at, id, e.Table)
			return
		}
		met[rowKey{e.Table, id}] = true
		if diff := s.diffRow(t, e, table, row); diff != "" {
			t.Errorf("%s: %s %q (-want +got):\n%s", at, e.Table, id, diff)
		}
		return
	}
	var last string
	for other, row := range table.rows {
		key := rowKey{e.Table, other}
		if met[key] || !generatedID.MatchString(other) {
			continue
		}
		if last = s.diffRow(t, e, table, row); last == "" {
			met[key] = true
			return
		}
	}
	t.Errorf("%s: no row of %s is as expected; the last one looked at (-want +got):\n%s", at, e.Table, last)
}

// diffRow compares one row and its discards with an expectation.
func (s *stored) diffRow(t *testing.T, e expectation, table storedTable, row map[string]string) string {
	t.Helper()
	want, got := map[string]string{}, map[string]string{}
	for c, v := range e.Columns {
		text := v.text(t)
		if c == "id" && text == "<generated>" {
			continue
		}
		if text == "<received_at>" {
			text = row["received_at"]
		}
		want[c] = v.Type + " " + text
		if table.columns[c] == "" {
			return fmt.Sprintf("no column %s", c)
		}
	}
	for c, text := range row {
		_, expected := e.Columns[c]
		if (c == "received_at" || c == "uuid_ts") && !expected || c == "id" && e.Columns["id"].text(t) == "<generated>" {
			continue
		}
		got[c] = table.columns[c] + " " + sameText(table.columns[c], text)
	}
	if row["received_at"] == "" || row["uuid_ts"] == "" {
		got["received_at, uuid_ts"] = row["received_at"] + ", " + row["uuid_ts"]
	}
	wantDiscards, gotDiscards := slices.Clone(e.Discards), slices.Clone(s.discards[rowKey{e.Table, row["id"]}])
	for _, d := range [][]expectedDiscard{wantDiscards, gotDiscards} {
		slices.SortFunc(d, func(a, b expectedDiscard) int {
			return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
		})
	}
	if len(wantDiscards) == 0 {
		wantDiscards = nil
	}
	if len(gotDiscards) == 0 {
		gotDiscards = nil
	}
	return cmp.Diff(want, got) + cmp.Diff(wantDiscards, gotDiscards)
}

// checkQuarantine compares the quarantine of one unit, read from text, with the expectations.
func (s *stored) checkQuarantine(t *testing.T, unit string, text []byte, want []expectation) {
	t.Helper()
	lines := bytes.SplitAfter(text, []byte("\n"))
	got := map[int64][]string{}
	for _, q := range s.quarantine {
		if !strings.HasSuffix(q.unit, unit) {
			continue
		}
		got[q.line] = append(got[q.line], q.reason)
		s.checkRecord(t, lines, &q)
	}
	expected := map[int64][]string{}
	for _, e := range want {
		if e.Outcome == "quarantine" {
			expected[int64(e.Line)] = append(expected[int64(e.Line)], e.Reason)
		}
	}
	for _, m := range []map[int64][]string{got, expected} {
		for _, reasons := range m {
			slices.Sort(reasons)
		}
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("quarantine of %s by line (-want +got):\n%s", unit, diff)
	}
}

// checkRecord compares the bytes that were kept with the line they came from.
func (s *stored) checkRecord(t *testing.T, lines [][]byte, q *storedRecord) {
	t.Helper()
	if q.line < 1 || int(q.line) > len(lines) {
		t.Errorf("quarantine has line %d of %d", q.line, len(lines))
		return
	}
	offset := 0
	for _, l := range lines[:q.line-1] {
		offset += len(l)
	}
	line := bytes.TrimSuffix(bytes.TrimSuffix(lines[q.line-1], []byte("\n")), []byte("\r"))
	if q.line == 1 && bytes.HasPrefix(line, []byte("\xef\xbb\xbf")) {
		line, offset = line[3:], 3
	}
	if bytes.Contains(line, []byte("writeKey")) || bytes.Contains(line, []byte(`"batch"`)) || q.reason == "unclosed_quote" {
		return // these have tests of their own
	}
	wantRaw := line
	if q.reason == string(schema.EventTooLarge) {
		wantRaw = line[:1024]
	}
	if int(q.offset) != offset || q.size != int64(len(line)) || !bytes.Equal(q.raw, wantRaw) {
		t.Errorf("line %d in quarantine: offset %d, size %d, raw %.80q; want %d, %d, %.80q",
			q.line, q.offset, q.size, q.raw, offset, len(line), wantRaw)
	}
}

// checkCounts compares a report's sums with the expectations.
func checkCounts(t *testing.T, got loader.Counts, want []expectation) {
	t.Helper()
	var sum loader.Counts
	for _, e := range want {
		switch e.Outcome {
		case "load":
			sum.Loaded++
		case "quarantine":
			sum.Quarantined++
		case "duplicate":
			sum.Duplicates++
		default:
			continue
		}
		sum.Accepted++
		sum.Discarded += int64(len(e.Discards))
	}
	got.Bytes = 0
	if got != sum {
		t.Errorf("got counts %+v, want %+v", got, sum)
	}
}

// filesReport loads paths with options of the test's own choice.
func filesReport(t *testing.T, pool *pgxpool.Pool, cfg loader.Config, o loader.FileOptions, paths ...string) (loader.Report, error) {
	t.Helper()
	if cfg.Source == "" {
		cfg.Source = "CleverTap_Prod"
	}
	src, err := loader.Files(paths, o)
	if err != nil {
		t.Fatalf("open %v: %v", paths, err)
	}
	l, err := loader.New(pool, cfg)
	if err != nil {
		t.Fatalf("new loader: %v", err)
	}
	defer l.Close()
	return l.Load(t.Context(), src)
}

// loadFiles is filesReport for loads that must succeed.
func loadFiles(t *testing.T, pool *pgxpool.Pool, cfg loader.Config, o loader.FileOptions, paths ...string) loader.Report {
	t.Helper()
	r, err := filesReport(t, pool, cfg, o, paths...)
	if err != nil {
		t.Fatalf("load %v: %v", paths, err)
	}
	return r
}

// zone is a time zone by its name.
func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
