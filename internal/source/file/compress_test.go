package file_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

func zstdOf(t testing.TB, text []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(text, nil)
}

func gzipOf(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name = "a name that is part of the header"
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompression(t *testing.T) {
	t.Parallel()
	text := []byte(call("a", 0) + "\n" + call("b", 20_000) + "\n")
	gz, zst := gzipOf(t, text), zstdOf(t, text)
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 'x', 'y'}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := []struct {
		name    string
		content []byte
		events  int
		failed  file.Reason
	}{
		{"x.ndjson", gz, 2, ""},
		{"x.ndjson", zst, 2, ""},
		{"x.gz", zst, 2, ""},
		{"x.zst", join(zst, zst), 4, ""},
		{"x.zst", join(skippable, zst), 2, ""},
		{"x.zst", join(zst, skippable), 2, ""},
		{"x.gz", gzipOf(t, nil), 0, ""},
		{"x.ndjson", nil, 0, ""},
		{"x.csv", nil, 0, ""},
		{"x.gz", nil, 0, file.EmptyStream},
		{"x.ndjson.GZ", nil, 0, file.EmptyStream},
		{"x.zst", nil, 0, file.EmptyStream},
		{"x.zst", zst[:len(zst)-1], 0, file.Truncated},
		{"x.zst", zst[:len(zst)/2], 0, file.Truncated},
		{"x.zst", join(zst, []byte("garbage!")), 0, file.TrailingGarbage},
		{"x.zst", append(bytes.Clone(zst[:len(zst)-1]), zst[len(zst)-1]^1), 0, file.BadChecksum},
		{"x.zst", zstdOf(t, bytes.Repeat(text, 10_000), zstd.WithWindowSize(128<<20)), 0, file.UnsupportedEncoding},
		{"x.gz", gz[:2], 0, file.Truncated},
		{"x.gz", gz[:9], 0, file.Truncated},
		{"x.gz", gz[:20], 0, file.Truncated},
		{"x.gz", join(gz, gz[:20]), 0, file.Truncated}, // in the middle of the second header's file name
		{"x.gz", join(gz, gz[:1]), 0, file.Truncated},
		{"x.gz", join(gz, []byte{0}), 0, file.TrailingGarbage},
		{"x.gz", join(gz, zst), 0, file.TrailingGarbage},
		{"x.gz", gzipOf(t, gz), 0, file.UnknownFormat},
		{"x.gz", gzipOf(t, []byte("\xff\xfe{\x00")), 0, file.UnsupportedEncoding},
		{"x.ndjson", []byte("\xfe\xff\x00{"), 0, file.UnsupportedEncoding},
		{"x.ndjson", []byte("\xff\xfe\x00\x00{\x00\x00\x00"), 0, file.UnsupportedEncoding},
		{"x.ndjson", []byte("\x00\x00\xfe\xff\x00\x00\x00{"), 0, file.UnsupportedEncoding},
		{"x.parquet", []byte("PAR1 and so on"), 0, file.Truncated},
		{"x.parquet.gz", gzipOf(t, []byte("PAR1 and so on")), 0, file.Truncated},
		{"x.xml", []byte("<?xml version='1.0'?><e/>"), 0, file.XMLNotSupported},
		{"x.xml", []byte("\n <events><e/></events>"), 0, file.XMLNotSupported},
		{"x.zip", []byte("PK\x03\x04 and so on"), 0, file.UnknownFormat},
		{"x.bz2", []byte("BZh91AY"), 0, file.UnknownFormat},
		{"x.gz", []byte{0x1f}, 0, file.UnknownFormat},
	}
	for i, tt := range tests {
		events, err := readBytes(t, options(), tt.name, tt.content)
		if got := reasonOf(err); got != tt.failed || err == nil && len(events) != tt.events {
			t.Errorf("%d (%s): got %d events and %v, want %d and %q", i, tt.name, len(events), err, tt.events, tt.failed)
		}
	}
}

// TestBombs reads what grows a thousandfold. Allocations are counted: three blocks and a decompressor, not the text.
func TestBombs(t *testing.T) {
	dir := t.TempDir()
	path := func(name string, w func(io.Writer) io.WriteCloser, first string, size int64, last string) string {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z := w(f)
		chunk := bytes.Repeat([]byte("x"), 1<<20)
		_, err = io.WriteString(z, first)
		for n := int64(0); n < size && err == nil; n += int64(len(chunk)) {
			_, err = z.Write(chunk)
		}
		if err == nil {
			_, err = io.WriteString(z, last)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return f.Name()
	}
	gz := func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, 1); return z }
	zst := func(w io.Writer) io.WriteCloser {
		z, _ := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(8<<20))
		return z
	}
	lines := strings.Repeat(strings.Repeat("y", 40_000)+"\n", 500)
	for _, bomb := range []struct {
		path     string
		tooLarge int
		max      uint64
	}{
		{path("line.gz", gz, `{"a":"`, 1<<30, "\"}\n"+call("a", 0)), 1, 8 << 20},
		{path("line.zst", zst, `{"a":"`, 1<<30, "\"}\n"+call("a", 0)), 1, 48 << 20},
		{path("lines.gz", gz, "{\n"+lines, 1<<26, "\n"+call("a", 0)), 501, 8 << 20},
		{path("quote.csv.gz", gz, "event,userId,messageId\n\"", 1<<28, "\nE,u,a\n"), 1, 8 << 20},
	} {
		o := options()
		if strings.HasPrefix(filepath.Base(bomb.path), "lines") {
			o.Format = file.FormatSegment
		}
		u := oneUnit(t, o, bomb.path)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := u.Open(t.Context(), schema.NewPaths(0))
		if err != nil {
			t.Fatal(err)
		}
		n := map[schema.Reason]int{}
		var ev schema.Event
		for {
			if err = r.Next(&ev); err != nil {
				break
			}
			n[ev.Reason]++
		}
		runtime.ReadMemStats(&after)
		if !errors.Is(err, io.EOF) || n[schema.EventTooLarge] != bomb.tooLarge || n[""] != 1 {
			t.Errorf("%s: got %v and %v, want %d too large and one good", bomb.path, n, err, bomb.tooLarge)
		}
		total := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d KiB allocated in all", filepath.Base(bomb.path), total>>10)
		if total > bomb.max {
			t.Errorf("%s: %d MiB allocated in all, want at most %d", bomb.path, total>>20, bomb.max>>20)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
