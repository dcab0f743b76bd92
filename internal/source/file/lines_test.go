package file_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

// call returns a Segment call of that messageId and at least size bytes.
func call(id string, size int) string {
	c := fmt.Sprintf(`{"type":"track","messageId":"%s","event":"E","userId":"u","properties":{"p":"%%s"}}`, id)
	return fmt.Sprintf(c, strings.Repeat("x", max(size-len(c)+2, 0)))
}

func segment() file.Options {
	o := options()
	o.Format = file.FormatSegment
	return o
}

func TestLines(t *testing.T) {
	t.Parallel()
	a, b, full := call("a", 0), call("b", 0), call("full", decode.MaxEvent)
	la, lb := int64(len(a)), int64(len(b))
	over := call("over", decode.MaxEvent+1)
	tests := []struct {
		name, text string
		want       []got
	}{
		{"empty", "", nil},
		{"blank", "\n \t \r\n\n", nil},
		{"LF", a + "\n" + b + "\n", []got{{"", "a", a, 1, 0}, {"", "b", b, 2, la + 1}}},
		{"CRLF", a + "\r\n" + b + "\r\n", []got{{"", "a", a, 1, 0}, {"", "b", b, 2, la + 2}}},
		{"no final line end", a + "\n" + b, []got{{"", "a", a, 1, 0}, {"", "b", b, 2, la + 1}}},
		{"half a final CRLF", a + "\r", []got{{"", "a", a, 1, 0}}},
		{"blank between", "\n" + a + "\n\n  \n" + b, []got{{"", "a", a, 2, 1}, {"", "b", b, 5, la + 6}}},
		{"BOM", "\ufeff" + a + "\n", []got{{"", "a", a, 1, 3}}},
		{"second BOM", "\ufeff\ufeff" + a + "\n" + b, []got{
			{schema.InvalidJSON, "", "\ufeff" + a, 1, 3}, {"", "b", b, 2, la + 7},
		}},
		{"at the limit", full + "\n" + a, []got{{"", "full", full, 1, 0}, {"", "a", a, 2, decode.MaxEvent + 1}}},
		{"over the limit", over + "\n" + a, []got{
			{schema.EventTooLarge, "", over[:1024], 1, 0}, {"", "a", a, 2, decode.MaxEvent + 2},
		}},
		{"NUL tail", a + "\n" + strings.Repeat("\x00", 9000), []got{
			{"", "a", a, 1, 0}, {schema.InvalidJSON, "", strings.Repeat("\x00", 9000), 2, la + 1},
		}},
		{"batch", `{"batch":[` + a + "," + b + "]}\n" + b, []got{
			{"", "a", a, 1, 0}, {"", "b", b, 1, 0}, {"", "b", b, 2, la + lb + 14},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			events, err := readBytes(t, segment(), "x.ndjson", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBatchLines has lines up to 512,000 bytes that are a batch, and one byte more.
func TestBatchLines(t *testing.T) {
	t.Parallel()
	batch := func(size int) string {
		b := `{"batch":[`
		for n := 0; len(b) < size-40_000; n++ {
			b += call(fmt.Sprint(n), 30_000) + ","
		}
		return b + call("last", size-len(b)-2) + "]}"
	}
	fits, over := batch(decode.MaxBatch), batch(decode.MaxBatch+1)
	if len(fits) != decode.MaxBatch || len(over) != decode.MaxBatch+1 {
		t.Fatalf("the test's lines have %d and %d bytes", len(fits), len(over))
	}
	for _, end := range []string{"\n", "\r\n", ""} {
		// With CRLF the block ends between the two.
		first := call("a", 512<<10-decode.MaxBatch-2) + "\n"
		events, err := readBytes(t, segment(), "x.ndjson", []byte(first+fits+end))
		if err != nil {
			t.Fatal(err)
		}
		if n := reasons(events)[""]; n != len(events) || n < 17 || events[n-1].ID != "last" {
			t.Errorf("line end %q: got %d events, %v", end, len(events), reasons(events))
		}
		events, err = readBytes(t, segment(), "x.ndjson", []byte(first+over+end))
		if err != nil {
			t.Fatal(err)
		}
		want := map[schema.Reason]int{"": 1, schema.EventTooLarge: 1}
		if diff := cmp.Diff(want, reasons(events)); diff != "" {
			t.Errorf("line end %q: (-want +got):\n%s", end, diff)
		}
	}
}

// TestLinesAcrossBlocks puts line ends at and around every place where blocks meet.
func TestLinesAcrossBlocks(t *testing.T) {
	t.Parallel()
	const blockSize = 512 << 10
	for _, end := range []string{"\n", "\r\n"} {
		for shift := -3; shift <= 3; shift++ {
			var text strings.Builder
			want := 0
			for text.Len() < 3*blockSize {
				next := (text.Len()/blockSize + 1) * blockSize
				size := min(max(next+shift-text.Len()-len(end), 200), 30_000)
				text.WriteString(call(fmt.Sprint(want), size) + end)
				want++
			}
			events, err := readBytes(t, segment(), "x.ndjson", []byte(text.String()))
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range events {
				if e.ID != fmt.Sprint(i) || e.Line != int64(i+1) || !strings.HasPrefix(text.String()[e.Offset:], e.Raw+end) {
					t.Fatalf("end %q, shift %d, event %d: got id %s, line %d, offset %d", end, shift, i, e.ID, e.Line, e.Offset)
				}
			}
			if len(events) != want {
				t.Errorf("end %q, shift %d: got %d events, want %d", end, shift, len(events), want)
			}
		}
	}
}

// TestLargeLines digests lines that are never held: the digest and size are those of the line without its end, wherever
// blocks meet.
func TestLargeLines(t *testing.T) {
	t.Parallel()
	const blockSize = 512 << 10
	for _, end := range []string{"\n", "\r\n", "\r", ""} {
		for _, size := range []int{
			decode.MaxBatch + 1, decode.MaxBatch + 2, blockSize - 1, blockSize, blockSize + 1, 2*blockSize - 2,
			2*blockSize - 1, 2 * blockSize, 3_000_000,
		} {
			line := bytes.Repeat([]byte("0123456789\r"), size/11+1)[:size]
			line[size-1] = '.'
			text := string(line) + end
			tail := strings.HasSuffix(end, "\n")
			if tail {
				text += call("a", 0)
			}
			u := oneUnit(t, segment(), write(t, "x.ndjson", []byte(text)))
			r, err := u.Open(t.Context(), schema.NewPaths(0))
			if err != nil {
				t.Fatal(err)
			}
			var ev schema.Event
			if err := r.Next(&ev); err != nil {
				t.Fatal(err)
			}
			if ev.Reason != schema.EventTooLarge || ev.RawSize != int64(size) || ev.RawHash != sha256.Sum256(line) ||
				!bytes.Equal(ev.Raw, line[:1024]) {
				t.Errorf("%d bytes and %q: got %s, %d bytes, digest %x", size, end, ev.Reason, ev.RawSize, ev.RawHash[:4])
			}
			if tail {
				if err := r.Next(&ev); err != nil || string(ev.ID) != "a" || ev.Line != 2 {
					t.Errorf("%d bytes and %q: the line after: got %v, id %q, line %d", size, end, err, ev.ID, ev.Line)
				}
			}
			if err := r.Next(&ev); !errors.Is(err, io.EOF) {
				t.Errorf("%d bytes and %q: at the end: got %v, want EOF", size, end, err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
