package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestOutIsCompressedByName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var want bytes.Buffer
	runOK(t, &want, "-events", "300", "-seed", "5", "-hostile", "7")
	for _, name := range []string{"a.ndjson", "a.ndjson.gz", "a.ndjson.zst"} {
		path := filepath.Join(dir, name)
		summary := runOK(t, io.Discard, "-events", "300", "-seed", "5", "-hostile", "7", "-out", path)
		if !strings.HasPrefix(summary, "300 records, ") || strings.Count(summary, "\n") != 1 {
			t.Errorf("summary: got %q, want one line about 300 records", summary)
		}
		if got := plain(t, path); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: got %d bytes, not the %d of stdout", name, len(got), want.Len())
		}
	}
}

func runOK(t *testing.T, stdout io.Writer, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	if err := run(args, stdout, &stderr); err != nil {
		t.Fatalf("eventgen %q: %v", args, err)
	}
	return stderr.String()
}

// plain reads a file by its magic bytes, not its name: what is called .gz must be gzip.
func plain(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(data)
	switch {
	case strings.HasSuffix(path, ".gz"):
		r, err = gzip.NewReader(r)
	case strings.HasSuffix(path, ".zst"):
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return out
}

func TestOutDirHasAFilePerEvent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runOK(t, io.Discard, "-kind", "clevertap-csv", "-events", "2000", "-out-dir", dir)
	files, err := filepath.Glob(filepath.Join(dir, "*.csv.gz"))
	if err != nil || len(files) != 19 {
		t.Fatalf("got %d files, %v, want 19", len(files), err)
	}
	name := filepath.Join(dir, "1001-1769884200-App-Version-Changed-20260101-1-1.csv.gz")
	header, _, _ := strings.Cut(string(plain(t, name)), "\n")
	if !strings.HasPrefix(header, "ts,eventName,") || !strings.Contains(header, "eventProps.CT App Version Prev") {
		t.Errorf("header: got %q", header)
	}
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-kind", "xml"},
		{"-timezone", "Nowhere/Land"},
		{"-from", "yesterday"},
		{"-out", "a", "-out-dir", "b"},
		{"stray"},
		{"-out", filepath.Join(t.TempDir(), "no", "such", "folder")},
	} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("eventgen %q: no error", args)
		}
	}
}
