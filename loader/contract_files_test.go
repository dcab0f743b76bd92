package loader_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

const contractFiles = "../testdata/contract/files/"

// fate is what becomes of a file.
type fate struct {
	failed                          file.Reason
	loaded, quarantined, duplicates int64
	reason                          schema.Reason // of what is quarantined
}

// contractFates are the fates of the contract's files, loaded in the order of their names: ok.ndjson.gz,
// plain_named_gz.ndjson.gz and same_content_other_name.ndjson hold the same events.
var contractFates = map[string]fate{
	"bad_crc.ndjson.gz":              {failed: file.BadChecksum},
	"bomb_64MiB_event.ndjson.gz":     {quarantined: 1, reason: schema.EventTooLarge},
	"concat_members2.ndjson.gz":      {loaded: 100},
	"csv_latin1.csv":                 {quarantined: 1, reason: schema.InvalidUTF8},
	"csv_ok.csv":                     {loaded: 4},
	"csv_ragged.csv":                 {loaded: 1, quarantined: 2, reason: schema.WrongFieldCount},
	"half_last_line.ndjson":          {loaded: 2, quarantined: 1, reason: schema.InvalidJSON},
	"no_final_newline.ndjson":        {loaded: 3},
	"nul_tail.ndjson":                {loaded: 3, quarantined: 1, reason: schema.InvalidJSON},
	"ok.ndjson.gz":                   {loaded: 100},
	"plain_named_gz.ndjson.gz":       {duplicates: 100},
	"same_content_other_name.ndjson": {duplicates: 100},
	"trailing_garbage.ndjson.gz":     {failed: file.TrailingGarbage},
	"truncated.ndjson.gz":            {failed: file.Truncated},
	"utf16le_bom.ndjson":             {failed: file.UnsupportedEncoding},
}

// TestContractFiles loads all files of the contract at once, then the good copy of one that had failed.
func TestContractFiles(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir := t.TempDir()
	entries, err := os.ReadDir(contractFiles)
	if err != nil {
		t.Fatal(err)
	}
	var failing []string
	for _, e := range entries {
		if e.IsDir() || e.Name() == "EXPECTED.md" {
			continue
		}
		f, ok := contractFates[e.Name()]
		if !ok {
			t.Errorf("%s has no fate", e.Name())
		}
		path := writeFile(t, filepath.Join(dir, e.Name()), readFile(t, contractFiles+e.Name()))
		if f.failed != "" {
			failing = append(failing, path)
		}
	}
	// Failing files alone leave nothing.
	report, err := tryLoad(t, pool, loader.Config{ChunkBytes: 20_000}, failing...)
	if err == nil || report.FailedUnits() != len(failing) || report.Accepted != 0 {
		t.Errorf("failing files: %+v, error %v", report, err)
	}
	s := readStored(t, pool, "clevertap_prod")
	if n := len(s.tables["file_case"].rows) + len(s.quarantine) + len(s.discards); n != 0 {
		t.Errorf("failing files left %d rows", n)
	}
	if n := pgtest.Value[int64](t, pool, "select count(*) from clevertap_prod._units"); n != 0 {
		t.Errorf("failing files left %d units as loaded", n)
	}
	report, err = tryLoad(t, pool, loader.Config{}, dir)
	if err == nil {
		t.Error("no error although files failed")
	}
	checkFates(t, report, contractFates)
	checkCSV(t, readStored(t, pool, "clevertap_prod"))
	loadGoodCopy(t, dir, func(path string) {
		good := load(t, pool, loader.Config{}, path)
		if good.Loaded != 5000 || good.Accepted != 5000 {
			t.Errorf("good copy: %+v, want 5000 loaded", good.Counts)
		}
	})
	rows := pgtest.Query(t, pool, "select count(*), count(*) filter (where id like 'tr-%') from clevertap_prod.file_case")
	if rows[0][0] != int64(5000+100+100+2+3+3) || rows[0][1] != int64(5000) {
		t.Errorf("file_case has %v rows, want 5208, 5000 of them of the good copy", rows[0])
	}
}

// checkFates compares what became of each file with what should have.
func checkFates(t *testing.T, report loader.Report, want map[string]fate) {
	t.Helper()
	got := map[string]fate{}
	for _, u := range report.Units {
		f := fate{loaded: u.Loaded, quarantined: u.Quarantined, duplicates: u.Duplicates}
		var format *file.FormatError
		if errors.As(u.Err, &format) {
			f.failed = format.Reason
		}
		if (u.Status == loader.Failed) != (f.failed != "") || u.Accepted != u.Loaded+u.Quarantined+u.Duplicates {
			t.Errorf("%s: %+v", u.Unit, u)
		}
		got[filepath.Base(u.Unit)] = f
	}
	without := maps.Clone(want)
	for name, f := range without {
		f.reason = ""
		without[name] = f
	}
	if diff := cmp.Diff(without, got, cmp.AllowUnexported(fate{})); diff != "" {
		t.Errorf("fates (-want +got):\n%s", diff)
	}
	reasons := map[schema.Reason]int64{}
	for _, f := range want {
		if f.reason != "" {
			reasons[f.reason] += f.quarantined
		}
	}
	if diff := cmp.Diff(reasons, report.Quarantine); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func checkCSV(t *testing.T, s *stored) {
	t.Helper()
	want := map[string]string{
		"c-1": "1.5|plain", "c-2": "|", "c-3": `2|a "quoted" word, and a comma`, "c-4": "3|two\r\nlines", "c-8": "1|x",
	}
	got := map[string]string{}
	for id, row := range s.tables["csv_case"].rows {
		got[id] = row["amount"] + "|" + row["note"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows of CSV (-want +got):\n%s", diff)
	}
	for _, q := range s.quarantine {
		if strings.HasSuffix(q.unit, "nul_tail.ndjson") && q.line != 4 || strings.HasSuffix(q.unit, "half_last_line.ndjson") && q.line != 3 {
			t.Errorf("quarantine of %s names line %d", q.unit, q.line)
		}
		if strings.HasSuffix(q.unit, "bomb_64MiB_event.ndjson.gz") && (len(q.raw) != 1024 || q.size < 64<<20) {
			t.Errorf("the bomb is kept as %d bytes of %d, want 1024 of 64 MiB", len(q.raw), q.size)
		}
	}
}

// loadGoodCopy writes the whole of truncated.ndjson.gz in its place.
func loadGoodCopy(t *testing.T, dir string, load func(path string)) {
	t.Helper()
	var text bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&text, `{"type":"track","messageId":"tr-%d","event":"File Case","userId":"u%d",`+
			`"timestamp":"2026-01-15T10:00:00Z","properties":{"n":%d}}`+"\n", i, i%100, i)
	}
	path := filepath.Join(dir, "truncated.ndjson.gz")
	load(writeFile(t, path, gzipped(t, text.Bytes())))
}

// TestStreams loads files that are made here: empty ones, broken streams, other encodings (rules 27 and 29).
func TestStreams(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir := t.TempDir()
	var text []byte
	for i := range 2000 {
		text = fmt.Appendf(text, `{"type":"track","messageId":"s%d","event":"Stream","userId":"u","properties":{"v":"%x"}}`+"\n", i, i*i*7919)
	}
	gz, zst := gzipped(t, text), zstdCompressed(t, text)
	flipped := bytes.Clone(gz)
	flipped[len(gz)/2] ^= 0x10
	wrongSize := bytes.Clone(gz)
	wrongSize[len(gz)-1]++
	badFrame := bytes.Clone(zst)
	badFrame[len(zst)-1] ^= 0xff
	utf16be := []byte{0xfe, 0xff}
	for _, c := range utf16.Encode([]rune(`{"type":"track"}`)) {
		utf16be = append(utf16be, byte(c>>8), byte(c))
	}
	files := map[string][]byte{
		"a-empty.ndjson": {}, "b-empty.ndjson.gz": {}, "c-flipped.gz": flipped, "d-size.gz": wrongSize,
		"e-cut.zst": zst[:len(zst)*2/3], "f-checksum.zst": badFrame, "g-header.gz": gz[:5],
		"h-utf16be": utf16be, "i-blank.ndjson": []byte("\n \r\n\t"), "j-zeros": bytes.Repeat([]byte{0}, 5000),
		"k-good.csv": zst, "l-members": append(bytes.Clone(gz), gzipped(t, []byte(`{"type":"track","messageId":"m","event":"Stream","userId":"u"}`))...),
		"m-xml": []byte("<?xml version=\"1.0\"?><a/>"), "n.parquet": []byte("PAR1\x00\x00PAR1"),
	}
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), content)
	}
	report, err := tryLoad(t, pool, loader.Config{ChunkBytes: 20_000}, dir)
	if err == nil {
		t.Error("no error although files failed")
	}
	failed := map[string]bool{}
	for _, u := range report.Units {
		failed[filepath.Base(u.Unit)] = u.Status == loader.Failed
	}
	for name := range files {
		want := !strings.Contains("a-empty.ndjson i-blank.ndjson k-good.csv l-members", name)
		if failed[name] != want {
			t.Errorf("%s: failed %v, want %v", name, failed[name], want)
		}
	}
	if report.Loaded != 2001 || report.Duplicates != 2000 || report.Quarantined != 0 {
		t.Errorf("got %+v, want 2001 loaded, 2000 duplicates", report.Counts)
	}
}

// TestFormats loads files of no known shape, and CSV files whose header does not do (rules 26, 30 and 31).
func TestFormats(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	good := `{"type":"track","messageId":"f1","event":"Format","userId":"u"}` + "\n"
	for name, c := range map[string]struct {
		text, wantErr string
	}{
		"unknown object": {`{"foo":1}` + "\n" + good, "--format"},
		"prose":          {"hello world\n" + good, "--format"},
		"array":          {"[1]\n" + good, "--format"},
		"no event":       {"messageId,userId\nx,u\n", "--format"},
		"header twice":   {"messageId,event,userId,prop:a,prop:a\nx,e,u,1,2\n", "twice"},
		"header empty":   {"messageId,event,userId,\nx,e,u,1\n", "no name"},
	} {
		path := writeFile(t, filepath.Join(t.TempDir(), "f"), []byte(c.text))
		report, err := filesReport(t, pool, loader.Config{}, loader.FileOptions{}, path)
		if err == nil || !strings.Contains(err.Error(), c.wantErr) || report.Accepted != 0 || report.FailedUnits() != 1 {
			t.Errorf("%s: got %+v, error %v, want one with %q", name, report.Counts, err, c.wantErr)
		}
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "f"), []byte(`{"foo":1}`+"\nhello\n"+good))
	report := loadFiles(t, pool, loader.Config{}, loader.FileOptions{Format: "segment"}, path)
	want := map[schema.Reason]int64{schema.MissingType: 1, schema.InvalidJSON: 1}
	if diff := cmp.Diff(want, report.Quarantine); diff != "" || report.Loaded != 1 {
		t.Errorf("format given: %+v, reasons (-want +got):\n%s", report.Counts, diff)
	}
	path = writeFile(t, filepath.Join(t.TempDir(), "g"), []byte("messageId,userId\nx,u\n"))
	if _, err := filesReport(t, pool, loader.Config{}, loader.FileOptions{Format: "segment-csv"}, path); err == nil {
		t.Error("CSV without a column event: no error")
	}
}

// TestRegularFiles loads what is no regular file (rule 32), and the standard input.
func TestRegularFiles(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir, outside := t.TempDir(), t.TempDir()
	line := `{"type":"track","messageId":"%s","event":"Regular","userId":"u"}` + "\n"
	secret := writeFile(t, filepath.Join(outside, "target"), fmt.Appendf(nil, line, "outside"))
	writeFile(t, filepath.Join(dir, "b"), fmt.Appendf(nil, line, "inside"))
	if err := os.Symlink(secret, filepath.Join(dir, "a-link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "c-link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "d-fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := tryLoad(t, pool, loader.Config{}, dir, "/dev/null")
	var irregular *file.NotRegularError
	if !errors.As(err, &irregular) || report.FailedUnits() != 4 || report.Loaded != 1 {
		t.Errorf("got %+v, error %v, want 1 loaded, 4 refused", report.Counts, err)
	}
	in := bytes.NewReader(gzipped(t, fmt.Appendf(nil, line, "stdin")))
	report = loadFiles(t, pool, loader.Config{}, loader.FileOptions{Stdin: in}, "-")
	if report.Loaded != 1 || pgtest.Value[int64](t, pool, "select count(*) from clevertap_prod.regular where id in ('inside', 'stdin')") != 2 {
		t.Errorf("standard input: %+v, want 1 loaded", report.Counts)
	}
	broken := bytes.NewReader(gzipped(t, fmt.Appendf(nil, line, "broken"))[:40])
	report, err = filesReport(t, pool, loader.Config{}, loader.FileOptions{Stdin: broken}, "-")
	if err == nil || report.Loaded != 0 {
		t.Errorf("broken standard input: %+v, error %v", report.Counts, err)
	}
}

// TestUnitKeys loads a file again, touched, renamed and longer (rule 33).
func TestUnitKeys(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir := t.TempDir()
	line := `{"type":"track","event":"Unit","userId":"u","properties":{"v":1}}` + "\nnot JSON\n"
	path := writeFile(t, filepath.Join(dir, "a"), []byte(line))
	o := loader.FileOptions{Format: "segment"}
	check := func(what string, path string, want loader.Counts, skipped int) {
		t.Helper()
		r := loadFiles(t, pool, loader.Config{}, o, path)
		if r.Bytes = 0; r.Counts != want || r.SkippedUnits() != skipped {
			t.Errorf("%s: %+v, %d skipped, want %+v, %d", what, r.Counts, r.SkippedUnits(), want, skipped)
		}
	}
	check("first", path, loader.Counts{Accepted: 2, Loaded: 1, Quarantined: 1}, 0)
	check("again", path, loader.Counts{}, 1)
	later := time.Now().Add(time.Nanosecond * 1001)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	check("touched", path, loader.Counts{Accepted: 2, Duplicates: 2}, 0)
	if err := os.Rename(path, path+"b"); err != nil {
		t.Fatal(err)
	}
	check("renamed", path+"b", loader.Counts{Accepted: 2, Duplicates: 2}, 0)
	writeFile(t, path+"b", []byte(line+line))
	check("longer", path+"b", loader.Counts{Accepted: 4, Loaded: 1, Quarantined: 1, Duplicates: 2}, 0)
}

// TestBatchLimit loads batches of the largest size, and of one byte more (rule 28).
func TestBatchLimit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	batch := func(id string, size int) []byte {
		var b bytes.Buffer
		b.WriteString(`{"batch":[`)
		for i := range 16 {
			fmt.Fprintf(&b, `{"type":"track","messageId":"%s%d","event":"Batch","userId":"u","properties":{"v":"%s"}},`,
				id, i, strings.Repeat("x", 30_000))
		}
		fmt.Fprintf(&b, `{"type":"track","messageId":"%s16","event":"Batch","userId":"u"}],"pad":"`, id)
		b.WriteString(strings.Repeat("p", size-b.Len()-2) + `"}`)
		return b.Bytes()
	}
	path := writeFile(t, t.TempDir()+"/f", bytes.Join([][]byte{
		batch("a", 512_000), batch("b", 512_001), []byte(`{"type":"track","messageId":"c","event":"Batch","userId":"u"}`),
	}, []byte("\n")))
	r := loadFiles(t, pool, loader.Config{}, loader.FileOptions{Format: "segment"}, path)
	if r.Loaded != 18 || r.Quarantine[schema.EventTooLarge] != 1 || r.Accepted != 19 {
		t.Errorf("got %+v, want 17 + 1 loaded, 1 too large", r.Counts)
	}
}

// TestNicknames makes a schema for each nickname that is accepted (rule 34).
func TestNicknames(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	var cases []struct {
		Nickname, Schema string
		Refused          bool
	}
	if err := json.Unmarshal(readFile(t, "../testdata/contract/nicknames.json"), &cases); err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, t.TempDir()+"/f", []byte(`{"type":"track","messageId":"n","event":"Nick","userId":"u"}`))
	owner := map[string]string{}
	for _, c := range cases {
		got, err := schema.SchemaName(c.Nickname)
		if (err != nil) != c.Refused || got != c.Schema {
			t.Errorf("%q: got %q, %v, want %q, refused %v", c.Nickname, got, err, c.Schema, c.Refused)
			continue
		}
		if c.Refused {
			if _, err := loader.New(pool, loader.Config{Source: c.Nickname}); err == nil {
				t.Errorf("%q: a loader was made", c.Nickname)
			}
			continue
		}
		report, err := filesReport(t, pool, loader.Config{Source: c.Nickname}, loader.FileOptions{}, path)
		if other := owner[c.Schema]; other != "" {
			if err == nil || !strings.Contains(err.Error(), other) {
				t.Errorf("%q: schema %q is %q's, got %+v, error %v", c.Nickname, c.Schema, other, report.Counts, err)
			}
			continue
		}
		owner[c.Schema] = c.Nickname
		if err != nil || pgtest.Value[int64](t, pool, "select count(*) from "+quote(c.Schema, "nick")) != 1 {
			t.Errorf("%q: got %+v, error %v", c.Nickname, report.Counts, err)
		}
	}
	// A schema can be given by hand.
	loadFiles(t, pool, loader.Config{Source: "clevertap-prod", Schema: "of_its_own"}, loader.FileOptions{}, path)
	if n := pgtest.Value[int64](t, pool, "select count(*) from of_its_own.nick"); n != 1 {
		t.Errorf("schema given: %d rows", n)
	}
	for _, name := range []string{"public", "pg_x", "information_schema", "tapline", `a"b`} {
		if _, err := loader.New(pool, loader.Config{Source: "x", Schema: name}); err == nil {
			t.Errorf("schema %q is accepted", name)
		}
	}
	for _, source := range []string{"a\tb", "a\u0085b", "a\xffb"} {
		if _, err := loader.New(pool, loader.Config{Source: source, Schema: "mine"}); err == nil {
			t.Errorf("nickname %q is accepted where the schema is given", source)
		}
	}
}
