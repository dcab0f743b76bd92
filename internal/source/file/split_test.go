package file

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
)

// windowOf returns a window over text that comes in the pieces that r makes of it.
func windowOf(t testing.TB, r io.Reader, pool *sync.Pool) *window {
	t.Helper()
	a := newReadAhead(r, pool)
	w := newWindow(context.Background(), a)
	t.Cleanup(func() { a.close(); w.close() })
	return w
}

func newPool() *sync.Pool { return &sync.Pool{New: func() any { return new(block) }} }

// FuzzSplit compares with encoding/csv where that finds nothing wrong, and checks that every byte is in one record, in
// a line end or in a blank line.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", "a,b\n1,2\n", "\"a\"\"b\",c\r\n", "\"a\nb\",c", "a\"b,c\n", "\"a\"b\n\"c", "\"\r\n\r\n\",\r\n", "\"a\"\r", "x\r\r\n",
		strings.Repeat("\"x\n", 20_000), "\"" + strings.Repeat("x", 40_000) + "\"\n1", strings.Repeat("a,", 20_000) + "\n1",
		"\"" + strings.Repeat("\n", 32_765) + "\"\n", "\"" + strings.Repeat("\"\"", 16_384) + "\n1,2",
	} {
		f.Add([]byte(s))
	}
	pool := newPool()
	f.Fuzz(func(t *testing.T, text []byte) {
		w := windowOf(t, bytes.NewReader(text), pool)
		var s splitter
		var records [][]string
		clean := true
		consumed, counted, line := int64(0), int64(0), int64(1)
		for {
			before := w.offset
			rec, ok := s.nextRecord(w)
			if !ok {
				break
			}
			if skipped := text[before:rec.offset]; !blank(bytes.ReplaceAll(skipped, newline, nil)) {
				t.Fatalf("skipped %q", skipped)
			}
			size := int64(len(rec.raw))
			switch {
			case rec.outcome == tooLong:
				size = rec.large.size
			case size > decode.MaxEvent:
				t.Fatalf("a record of %d bytes", size)
			case !bytes.Equal(rec.raw, text[rec.offset:rec.offset+size]):
				t.Fatalf("record %q is not the text at %d", rec.raw, rec.offset)
			}
			if end := string(text[rec.offset+size : w.offset]); end != "\n" && end != "\r\n" && end != "\r" && end != "" {
				t.Fatalf("%q after a record", end)
			}
			line += int64(bytes.Count(text[counted:rec.offset], newline))
			if counted = rec.offset; rec.line != line {
				t.Fatalf("line: got %d, want %d", rec.line, line)
			}
			clean = clean && rec.outcome == whole
			consumed = w.offset
			var cells []string
			for _, c := range rec.cells {
				cells = append(cells, string(c))
			}
			records = append(records, cells)
		}
		if rest := text[consumed:]; !errors.Is(w.err, io.EOF) || !blank(bytes.ReplaceAll(rest, newline, nil)) {
			t.Fatalf("the end: %v, left %q", w.err, rest)
		}
		compare(t, text, records, clean)
	})
}

// compare compares with what encoding/csv makes of text, if it is well-formed.
func compare(t *testing.T, text []byte, records [][]string, clean bool) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	if err != nil || !clean {
		return
	}
	var want [][]string
	for _, rec := range all {
		if len(rec) > 1 || !blank([]byte(rec[0])) || strings.Contains(rec[0], "\n") {
			want = append(want, rec)
		}
	}
	var got [][]string
	for _, rec := range records {
		for i := range rec {
			rec[i] = strings.ReplaceAll(rec[i], "\r\n", "\n") // encoding/csv does that
		}
		if len(rec) > 1 || !blank([]byte(rec[0])) {
			got = append(got, rec)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-encoding/csv +got):\n%s", diff)
	}
}

// TestSplitInPieces feeds text byte by byte: fill hides it, so records are the same.
func TestSplitInPieces(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a,\"b\r\n\"\"c\"\"\",d\r\n", 1000)
	w := windowOf(t, iotest.OneByteReader(strings.NewReader(text)), newPool())
	var s splitter
	n := 0
	for {
		rec, ok := s.nextRecord(w)
		if !ok {
			break
		}
		n++
		if got := string(rec.cells[1]); got != "b\r\n\"c\"" {
			t.Fatalf("record %d: got %q", n, got)
		}
	}
	if n != 1000 || !errors.Is(w.err, io.EOF) {
		t.Errorf("got %d records and %v, want 1000 and EOF", n, w.err)
	}
}

func BenchmarkLines(b *testing.B) {
	line := strings.Repeat("x", 799) + "\n"
	text := bytes.Repeat([]byte(line), 256<<20/len(line))
	pool := newPool()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		a := newReadAhead(bytes.NewReader(text), pool)
		w := newWindow(b.Context(), a)
		n := 0
		for {
			if _, _, ok := w.nextLine(); !ok {
				break
			}
			n++
		}
		a.close()
		w.close()
		if n != len(text)/len(line) {
			b.Fatalf("%d lines", n)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	rec := "2026-01-15T10:00:00Z,\"App Launched\",u-1001,some text,42,\"a, \"\"b\"\"\",,true,1.5,end\n"
	text := bytes.Repeat([]byte(rec), 64<<20/len(rec))
	pool := newPool()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		a := newReadAhead(bytes.NewReader(text), pool)
		w := newWindow(b.Context(), a)
		var s splitter
		for {
			if _, ok := s.nextRecord(w); !ok {
				break
			}
		}
		a.close()
		w.close()
	}
}
