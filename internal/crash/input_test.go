package crash_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/gen"
)

// input is what is loaded: files whose events need new tables and columns all along, with bad records, repeats within a
// file and events that the file before has too.
type input struct {
	name          string
	files, events int
	every         int // every so many files need new tables and columns; 1 if that is 0
}

// paths makes the files once and returns their names. Whatever is compared must not depend on the order in which several
// loaders read them: no property has values of two types, and repeats are equal to the byte.
func (in input) paths(t *testing.T) []string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if paths, ok := shared.inputs[in.name]; ok {
		return paths
	}
	dir := filepath.Join(shared.dir, in.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var paths []string
	var before [][]byte
	for i := range in.files {
		var buf bytes.Buffer
		options := gen.Options{Seed: uint64(i + 1), Events: int64(in.events), Custom: 30, Hostile: 40, Duplicates: 50}
		if _, err := gen.Write(&buf, options); err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(buf.Bytes(), []byte("\n"))
		var out []byte
		for n, line := range lines {
			out = append(out, line...)
			if n%(in.events/20) == 0 {
				out = append(out, ownLines(i, n, i-i%max(in.every, 1))...)
			}
		}
		out = append(out, bytes.Join(before, nil)...)
		before = lines[:in.events/10]
		path := filepath.Join(dir, fmt.Sprintf("events-%02d.ndjson", i))
		if err := os.WriteFile(path, out, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	shared.inputs[in.name] = paths
	return paths
}

// lines counts the records of a file.
func lines(t *testing.T, path string) int64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return int64(bytes.Count(text, []byte("\n")))
}

// ownLines are calls that only this file has: an event whose columns come one after the other, a new column in a table of
// all files, and users and accounts that all files describe anew. Files of the same kind need the same columns.
func ownLines(file, n, kind int) []byte {
	var out []byte
	call := func(call, rest string) {
		// No two files have calls of one time: which of these is newer would depend on when their loads began.
		at := time.Date(2026, time.February, 1+file, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
		out = fmt.Appendf(out, `{"type":%q,"messageId":"%s-%d-%d","timestamp":%q,"userId":"u-%d",%s}`+"\n",
			call, call, file, n, at, n%7, rest)
	}
	call("track", fmt.Sprintf(`"event":"Only Kind %d","properties":{"n":%d,"from_%d":"x"}`, kind, n, n))
	call("identify", fmt.Sprintf(`"traits":{"name":"N %d","kind_%d":%d}`, n, file, n))
	call("group", fmt.Sprintf(`"groupId":"g-%d","traits":{"size":%d}`, n%3, file*1000+n))
	line := fmt.Sprintf(`"event":"Every File","properties":{"n":%d,"user_id":"not kept"`, n)
	if n > 0 {
		line += fmt.Sprintf(`,"kind_%d":true`, kind)
	}
	call("track", line+"}")
	return out
}
