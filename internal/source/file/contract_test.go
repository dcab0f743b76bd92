package file_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

const contractFiles = "../../../testdata/contract/files"

// TestContractFiles reads every file of the contract that is a file of events.
func TestContractFiles(t *testing.T) {
	t.Parallel()
	type want struct {
		reasons map[schema.Reason]int
		failed  file.Reason
	}
	loaded := func(n int) want { return want{reasons: map[schema.Reason]int{"": n}} }
	tests := map[string]want{
		"ok.ndjson.gz":                   loaded(100),
		"concat_members2.ndjson.gz":      loaded(100),
		"plain_named_gz.ndjson.gz":       loaded(100),
		"same_content_other_name.ndjson": loaded(100),
		"no_final_newline.ndjson":        loaded(3),
		"csv_ok.csv":                     loaded(4),
		"truncated.ndjson.gz":            {failed: file.Truncated},
		"bad_crc.ndjson.gz":              {failed: file.BadChecksum},
		"trailing_garbage.ndjson.gz":     {failed: file.TrailingGarbage},
		"utf16le_bom.ndjson":             {failed: file.UnsupportedEncoding},
		"bomb_64MiB_event.ndjson.gz":     {reasons: map[schema.Reason]int{schema.EventTooLarge: 1}},
		"half_last_line.ndjson":          {reasons: map[schema.Reason]int{"": 2, schema.InvalidJSON: 1}},
		"nul_tail.ndjson":                {reasons: map[schema.Reason]int{"": 3, schema.InvalidJSON: 1}},
		"csv_ragged.csv":                 {reasons: map[schema.Reason]int{"": 1, schema.WrongFieldCount: 2}},
		"csv_latin1.csv":                 {reasons: map[schema.Reason]int{schema.InvalidUTF8: 1}},
	}
	entries, err := os.ReadDir(contractFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := tests[e.Name()]; !ok && !e.IsDir() && e.Name() != "EXPECTED.md" {
			t.Errorf("%s is in no test", e.Name())
		}
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, err := read(t.Context(), t, oneUnit(t, options(), filepath.Join(contractFiles, name)))
			if failed := reasonOf(err); failed != want.failed {
				t.Fatalf("got error %v, want reason %q", err, want.failed)
			}
			if want.failed == "" && !cmp.Equal(reasons(events), want.reasons) {
				t.Errorf("reasons: %s", cmp.Diff(want.reasons, reasons(events)))
			}
			if err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("error %q does not name the file", err)
			}
		})
	}
}

// reasonOf returns the reason of a FormatError, or the text of another error.
func reasonOf(err error) file.Reason {
	var f *file.FormatError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &f):
		return f.Reason
	}
	return file.Reason(err.Error())
}

// TestTruncatedAnywhere cuts a good file at every byte: no cut passes for a whole file.
func TestTruncatedAnywhere(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(filepath.Join(contractFiles, "concat_members2.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for n := 2; n < len(whole); n++ {
		events, err := readBytes(t, options(), "cut.gz", whole[:n])
		between := n == 516 // the first member is a whole file too
		if got := reasonOf(err); got != file.Truncated && !between {
			t.Errorf("cut at %d: got %d events and %v, want %s", n, len(events), err, file.Truncated)
		}
	}
}

// TestFlippedBit changes one bit at a time, after the header, whose file name has no checksum.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(filepath.Join(contractFiles, "ok.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 10 + bytes.IndexByte(whole[10:], 0) + 1; i < len(whole); i++ {
		flipped := append([]byte(nil), whole...)
		flipped[i] ^= 1 << (i % 8)
		if events, err := readBytes(t, options(), "flipped.gz", flipped); err == nil {
			t.Errorf("bit flipped in byte %d: %d events and no error", i, len(events))
		}
	}
}
