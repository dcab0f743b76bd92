package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

// pieces are what files of a format are made of, their first records first. Each has what makes a border hard to find,
// and records that are there many times.
var pieces = map[string]struct{ head, any []string }{
	file.FormatSegment: {[]string{call("first", 0)}, []string{
		call("a", 0), call("b", 40), `{"type":"track","event":"E","userId":"u"}`, `{"type":"track","event":"E","userId":"u2"}`,
		`{"batch":[{"type":"track","event":"E","userId":"u"},{"type":"track","event":"B","userId":"u"},3]}`,
		"", "  ", "{", `{"type":"track"}`, "\xff", "7", strings.Repeat("x", 33_000), strings.Repeat("y", 600_000),
	}},
	file.FormatCleverTap: {[]string{"Charged", `{"ts":20260101101010,"profile":{"identity":"u"}}`}, []string{
		`{"ts":20260101101010,"profile":{"identity":"u"}}`, `{"ts":20261025023010,"profile":{"identity":"u"}}`,
		`{"ts":20260101101010,"profile":{"identity":"u"},"eventName":"Sold"}`, "Charged", `"Sold"`, "", "{", "[]",
	}},
	file.FormatSegmentCSV: {[]string{"event,userId,prop:a"}, []string{
		"E,u,1", "E,u,\"a\n\n\"\"b\"\"\n\"", "E,u,\"\nE,u,1\nE,u,1\n\"", "E,u", "E,u,\"open", `E,u,"a"b`, "", "E,\xff,1", "E,u," + strings.Repeat("z", 33_000),
	}},
	file.FormatCleverTapCSV: {[]string{"ts,eventName,profile.identity"}, []string{
		"20260101101010,Sold,u", "20260101101010,Sold,\"u\n20260101101010,Sold,u\n\"", "20261025023010,Sold,u", "x,Sold,u", ",", "\"",
	}},
}

// draw makes a file of such pieces.
func draw(rt *rapid.T, format string) []byte {
	p := pieces[format]
	if strings.HasPrefix(p.any[0], "{") && rapid.IntRange(0, 4).Draw(rt, "undecided") == 0 {
		p.head = slices.Concat([]string{"{" + strings.Repeat("x", 600_000), "", "{" + strings.Repeat("y", 600_000)}, p.head)
	}
	lines := slices.Concat(
		rapid.SliceOfN(rapid.SampledFrom([]string{"", " "}), 0, 3).Draw(rt, "blank"), p.head,
		rapid.SliceOfN(rapid.SampledFrom(p.any), 1, 60).Draw(rt, "lines"),
	)
	end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(rt, "line end")
	text := rapid.SampledFrom([]string{"", "\xef\xbb\xbf"}).Draw(rt, "bom") + strings.Join(lines, end)
	return []byte(text + rapid.SampledFrom([]string{"", end}).Draw(rt, "final"))
}

// readAll reads all units. What a range has begins in it.
func readAll(t testing.TB, us []source.Unit) []got {
	t.Helper()
	var all []got
	for _, u := range us {
		events, err := read(t.Context(), t, u)
		if err != nil {
			t.Fatalf("read %s: %v", u.Name(), err)
		}
		var from, to int64
		key := u.Key()
		if n, err := fmt.Sscanf(key[strings.LastIndex(key, ":")+1:], "%d-%d", &from, &to); n == 2 && err == nil {
			for _, e := range events {
				if e.Offset < from || e.Offset >= to {
					t.Fatalf("%s has the record at %d", key, e.Offset)
				}
			}
		}
		all = append(all, events...)
	}
	return all
}

// TestFormatToldInALaterRange has a first line that is too long to tell the format from, and a border at each place
// between there and the header that tells it.
func TestFormatToldInALaterRange(t *testing.T) {
	t.Parallel()
	start := "{" + strings.Repeat("x", 600_000) + "\n\n\n\n"
	rest := "event,userId\n" + strings.Repeat("E,u\n", 200_000)
	path := write(t, "f", []byte(start+rest))
	whole := readAll(t, []source.Unit{oneUnit(t, options(), path)})
	if len(whole) != 200_001 {
		t.Fatalf("%d records", len(whole))
	}
	for border := len(start) - 4; border <= len(start)+len("event,userId\n")+1; border++ {
		text := start + rest[:2*border-len(start)-2]
		o := options()
		o.UnitMaxBytes = int64(border)
		us, errs := units(t, o, write(t, "f", []byte(text)))
		if len(us) != 2 || len(errs) > 0 || us[0].Size() != int64(border)-1 {
			t.Fatalf("%d units and %v", len(us), errs)
		}
		all := readAll(t, us)
		if n := len(all); n < 100_000 || !slices.Equal(all[:n-1], whole[:n-1]) {
			t.Errorf("border %d: %d records, other than those of the whole file", border, len(all))
		}
	}
}

// TestBatchAtTheBorder has a batch that begins in the range where the format was told late, and is its last line: all its
// events are in the range, though its bytes go on behind it.
func TestBatchAtTheBorder(t *testing.T) {
	t.Parallel()
	batch := `{"batch":[{"type":"track","event":"E","userId":"u"},{"type":"track","event":"B","userId":"u"},3]}` + "\n"
	text := "{" + strings.Repeat("x", 600_000) + "\n" + call("first", 0) + "\n" + batch
	text += strings.Repeat("\n", len(text)-2*len(batch)+10)
	o := options()
	o.UnitMaxBytes = int64(len(text)/2) + 1
	us, errs := units(t, o, write(t, "f", []byte(text)))
	if len(us) != 2 || len(errs) > 0 {
		t.Fatalf("%d units and %v", len(us), errs)
	}
	if all := readAll(t, us); len(all) != 5 {
		t.Errorf("%d records, want the long line, the first call and the batch's three", len(all))
	}
}

// TestRangesAreTheFile reads files whole and in ranges: the records, their ids, lines and offsets are the same, and so are
// the ranges themselves when they are read again, in another order.
func TestRangesAreTheFile(t *testing.T) {
	t.Parallel()
	for format := range pieces {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rapid.Check(t, func(rt *rapid.T) {
				text := draw(rt, format)
				path := filepath.Join(dir, "f")
				if err := os.WriteFile(path, text, 0o600); err != nil {
					rt.Fatal(err)
				}
				o := options()
				o.Event = "Unnamed"
				if rapid.Bool().Draw(rt, "format given") || format == file.FormatCleverTapCSV {
					o.Format = format
				}
				one := oneUnit(t, o, path)
				whole := readAll(t, []source.Unit{one})
				o.UnitMaxBytes = rapid.Int64Range(max(1, int64(len(text)/40)), int64(len(text))).Draw(rt, "max")
				us, errs := units(t, o, path)
				if n := (int64(len(text))-1)/o.UnitMaxBytes + 1; int64(len(us)) != n || len(errs) > 0 {
					rt.Fatalf("%d units and %v, want %d", len(us), errs, n)
				}
				var size int64
				keys := map[string]bool{}
				for _, u := range us {
					size += u.Size()
					if len(us) > 1 && !strings.HasPrefix(u.Key(), one.Key()+":") {
						rt.Fatalf("key %s of a range of %s", u.Key(), one.Key())
					}
					keys[u.Key()] = true
				}
				if size != int64(len(text)) || len(keys) != len(us) {
					rt.Fatalf("%d bytes and %d keys in %d units, want %d bytes", size, len(keys), len(us), len(text))
				}
				if diff := cmp.Diff(whole, readAll(t, us)); diff != "" {
					rt.Fatalf("whole (-) and in %d ranges (+):\n%s", len(us), diff)
				}
				slices.Reverse(us)
				var again []got
				for _, u := range us {
					again = append(readAll(t, []source.Unit{u}), again...)
				}
				if diff := cmp.Diff(whole, again); diff != "" {
					rt.Fatalf("whole (-) and in ranges from the last (+):\n%s", diff)
				}
			})
		})
	}
}

// TestRangesOfTwins is about records that are all equal, good and bad ones: their numbers go on from range to range.
func TestRangesOfTwins(t *testing.T) {
	t.Parallel()
	o := options()
	o.TempDir, o.UnitMaxBytes = t.TempDir(), 1000
	twin := `{"type":"track","event":"E","userId":"u"}` + "\n{\n"
	us, errs := units(t, o, write(t, "a.ndjson", []byte(strings.Repeat(twin, 3000))))
	if len(errs) > 0 || len(us) < 100 {
		t.Fatalf("%d units and %v", len(us), errs)
	}
	ids := map[string]bool{}
	last := uint64(0)
	for _, u := range us {
		r, err := u.Open(t.Context(), schema.NewPaths(0))
		if err != nil {
			t.Fatal(err)
		}
		var ev schema.Event
		for err = r.Next(&ev); err == nil; err = r.Next(&ev) {
			if ev.Reason == "" {
				ids[string(ev.ID)] = true
			} else if last++; ev.Nth != last {
				t.Fatalf("line %d has number %d among its like, want %d", ev.Line, ev.Nth, last)
			}
		}
		if closed := r.Close(); closed != nil || !errors.Is(err, io.EOF) {
			t.Fatal(err, closed)
		}
	}
	if len(ids) != 3000 || last != 3000 {
		t.Errorf("got %d ids and %d bad records, want 3000 each", len(ids), last)
	}
	if left, err := os.ReadDir(o.TempDir); len(left) > 0 || err != nil {
		t.Errorf("the recordings have names: %v, %v", left, err)
	}
}

// TestOneUnit lists large files that are one unit all the same: compressed ones, and ones that are no files of records.
func TestOneUnit(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat(call("a", 0)+"\n", 1000))
	noise := bytes.Repeat([]byte("\xff\xfe{\x00}\x00"), 1000)
	for name, tt := range map[string]struct {
		content []byte
		failed  file.Reason
	}{
		"gzip":          {gzipOf(t, text), ""},
		"zstd":          {zstdOf(t, text), ""},
		"exactly":       {text[:len(call("a", 0))+1], ""},
		"UTF-16":        {noise, file.UnsupportedEncoding},
		"unknown":       {bytes.Repeat([]byte("{}\n"), 1000), file.UnknownFormat},
		"bad header":    {bytes.Repeat([]byte("event,userId,a,a\n"), 1000), file.DuplicateHeader},
		"nothing in it": {bytes.Repeat([]byte("\n"), 10_000), ""},
	} {
		o := options()
		o.UnitMaxBytes = int64(len(call("a", 0)) + 1)
		u := oneUnit(t, o, write(t, "f", tt.content))
		if u.Size() != int64(len(tt.content)) || strings.Contains(u.Name(), "part") {
			t.Errorf("%s: got unit %s of %d bytes", name, u.Name(), u.Size())
		}
		if _, err := read(t.Context(), t, u); reasonOf(err) != tt.failed {
			t.Errorf("%s: got %v, want %q", name, err, tt.failed)
		}
	}
}

// TestRangesOfStdin reads the standard input in ranges, whose keys are of its digest.
func TestRangesOfStdin(t *testing.T) {
	t.Parallel()
	o := options()
	o.TempDir, o.UnitMaxBytes = t.TempDir(), 20_000
	text := strings.Repeat(call("a", 0)+"\n", 1000)
	o.Stdin = strings.NewReader(text)
	us, errs := units(t, o, "-")
	if n := (len(text)-1)/20_000 + 1; len(us) != n || len(errs) > 0 {
		t.Fatalf("got %d units and %v, want %d", len(us), errs, n)
	}
	if events := readAll(t, us); len(events) != 1000 || events[999].Line != 1000 {
		t.Errorf("got %d events", len(events))
	}
	first := us[0].Size()
	if !strings.HasSuffix(us[0].Key(), fmt.Sprintf(":0-%d", first)) || !strings.HasPrefix(us[0].Key(), "stdin:") ||
		us[0].Name() != fmt.Sprintf("stdin (part 1 of %d)", len(us)) {
		t.Errorf("got key %s and name %s", us[0].Key(), us[0].Name())
	}
}

// TestRangesOfAChangedFile changes a file after its first range was read: the rest fails, once.
func TestRangesOfAChangedFile(t *testing.T) {
	t.Parallel()
	o := options()
	text := []byte(strings.Repeat(call("a", 0)+"\n", 1000))
	o.UnitMaxBytes = int64(len(text)/10) + 1
	path := write(t, "f", text)
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	s, err := file.New([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	var failed, fine int
	for u, err := range s.Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		switch _, err := read(t.Context(), t, u); {
		case err == nil:
			fine++
		case reasonOf(err) == file.ChangedWhileRead:
			failed++
		default:
			t.Errorf("%s: %v", u.Name(), err)
		}
		if err := os.WriteFile(path, append(text, "{}\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The scan is a range ahead: it may have read the second range before the change.
	if fine != 1 || failed < 1 || failed > 2 {
		t.Errorf("%d ranges were read and %d failed, want 1 and the next", fine, failed)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestClosedSource opens a range after its source was closed, and one of a source that is being closed.
func TestClosedSource(t *testing.T) {
	t.Parallel()
	o := options()
	text := strings.Repeat(call("", 100)+"\n", 20_000)
	o.UnitMaxBytes = int64(len(text)/2) + 1
	s, err := file.New([]string{write(t, "f", []byte(text))}, o)
	if err != nil {
		t.Fatal(err)
	}
	for u, err := range s.Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := read(cancelled, t, u); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: got %v", err)
		}
		if _, err := read(t.Context(), t, u); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if events, err := read(t.Context(), t, u); err == nil || len(events) > 0 {
				t.Errorf("closed: got %d events and %v, want an error", len(events), err)
			}
		}
	}
}

// TestWatchRanges sees the ranges of a large file, each once.
func TestWatchRanges(t *testing.T) {
	t.Parallel()
	o := options()
	text := strings.Repeat(call("a", 0)+"\n", 100)
	o.Watch, o.PollInterval, o.UnitMaxBytes = true, time.Millisecond, int64(len(text)/4)+1
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := file.New([]string{dir}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var us []source.Unit
	for u, err := range s.Units(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if us = append(us, u); len(us) == 4 {
			more := []byte(call("b", 0))
			if err := os.WriteFile(filepath.Join(dir, "b"), more, 0o600); err != nil {
				t.Fatal(err)
			}
			if n := len(readAll(t, us)); n != 100 {
				t.Errorf("%d events, want 100", n)
			}
		}
		if len(us) == 5 {
			break
		}
	}
	if len(us) != 5 || filepath.Base(us[4].Name()) != "b" {
		t.Errorf("got %d units, want 4 ranges and a file", len(us))
	}
}
