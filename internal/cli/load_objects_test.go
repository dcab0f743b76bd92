package cli_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/cli"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/blob/blobtest"
)

// tracks are n events with ids that begin like name.
func tracks(name, event string, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"type":"track","event":%q,"userId":"u","messageId":"%s-%d","properties":{"n":%d}}`+"\n", event, name, i, i)
	}
	return b.Bytes()
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// loadDocument is what the tests read of load --json.
type loadDocument struct {
	Counts struct{ Accepted, Loaded, Duplicates, Quarantined int64 }
	Files  struct{ Finished, Skipped, Failed int }
	Units  []struct{ Unit, Error string }
}

// TestLoadObjects loads objects and a file in one command: small and large, one of them broken, then again.
func TestLoadObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s3 := blobtest.S3(t)
	for i := range 40 {
		name := fmt.Sprintf("in/%02d", i)
		s3.Put(t, name+".json.gz", packed(t, tracks(name, fmt.Sprintf("Event %d", i%3), 1+i%5)))
	}
	s3.Put(t, "in/large.json", tracks("large", "Large", 20_000))
	broken := packed(t, tracks("broken", "Broken", 3))
	s3.Put(t, "in/17-broken.json.gz", broken[:len(broken)-9])
	file := w.file("local.json", string(tracks("local", "Event 0", 2)))

	var got loadDocument
	w.json(1, &got, "load", s3.URL("in/**"), file, "--source", "Web")
	if got.Files.Finished != 42 || got.Files.Failed != 1 || got.Counts.Loaded != 20_000+40*3+2 {
		t.Errorf("got %+v, want 42 units and 20122 events, and one that failed", got)
	}
	pool := pgtest.PoolAt(t, w.dsn)
	if n := pgtest.Value[int64](t, pool, "select count(*) from web.tracks where event like 'event_%'"); n != 40*3+2 {
		t.Errorf("got %d rows in the small tables, want 122", n)
	}
	kinds := pgtest.Value[int64](t, pool, "select count(*) from web._units where kind = 'object' and unit_key like 'object:s3://exports/in/%'")
	if kinds != 41 {
		t.Errorf("got %d objects in the ledger, want 41", kinds)
	}

	s3.Put(t, "in/17-broken.json.gz", broken)
	reads := s3.Reads("in/00.json.gz")
	got = loadDocument{}
	w.json(0, &got, "load", s3.URL("in/**"), file, "--source", "Web")
	if got.Files.Finished != 1 || got.Files.Skipped != 42 || got.Counts.Loaded != 3 || s3.Reads("in/00.json.gz") != reads {
		t.Errorf("got %+v and %d reads of what was loaded, want one unit with 3 events and none", got, s3.Reads("in/00.json.gz")-reads)
	}
}

// TestLoadObjectsErrors: what goes wrong with a store is told without the settings of its URL.
func TestLoadObjectsErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s3 := blobtest.S3(t)
	s3.Put(t, "x.json", tracks("x", "X", 1))
	url := s3.URL("x*.json")
	setting := url[strings.Index(url, "?"):]
	for _, args := range [][]string{
		{"load", s3.URL("none/**"), "--source", "Web"},
		{"load", s3.URL("none/**"), "--source", "Web", "--json"},
		{"load", url + "&nonsense=1", "--source", "Web"},
		{"load", url, "--source", "Web", "--since", "yesterday"},
		{"load", url, "--source", "Web", "--since", "2026-10-02", "--until", "2026-10-01"},
		{"load", url, "--source", "Web", "--dry-run", "--watch", "1s"},
	} {
		r := w.run(args...)
		if r.code == 0 || strings.Contains(r.stdout+r.stderr, setting[1:]) || strings.Contains(r.stdout+r.stderr, "endpoint=") {
			t.Errorf("%v: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	s3.Fault(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) })
	if r := w.must(1, "load", url, "--source", "Web"); !strings.Contains(r.stdout+r.stderr, "credentials") || strings.Contains(r.stdout+r.stderr, "endpoint=") {
		t.Errorf("stdout %s\nstderr %s", r.stdout, r.stderr)
	}
}

// TestLoadWatch follows a bucket and a folder at once, until it is interrupted.
func TestLoadWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s3 := blobtest.S3(t)
	s3.Put(t, "in/a.json", tracks("a", "A", 1))
	folder := filepath.Join(w.dir, "in")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	stdout, in := io.Pipe()
	code := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		code <- cli.Run(ctx, []string{"load", s3.URL("in/**"), folder, "--source", "Web", "--watch", "20ms", "--json", "--share"},
			strings.NewReader(""), in, &stderr, []string{"DATABASE_URL=" + w.dsn})
		in.Close()
	}()
	documents := json.NewDecoder(stdout)
	loaded := func(want int64, failed int) {
		t.Helper()
		var n int64
		var broken int
		for n < want || broken < failed {
			var d loadDocument
			if err := documents.Decode(&d); err != nil {
				t.Fatalf("after %d of %d events: %v", n, want, err)
			}
			if d.Files.Failed > failed {
				t.Errorf("failed: %+v", d.Units)
			}
			n += d.Counts.Loaded
			broken += d.Files.Failed
		}
		if n != want || broken != failed {
			t.Errorf("got %d events and %d failures, want %d and %d", n, broken, want, failed)
		}
	}
	loaded(1, 0)
	s3.Put(t, "in/b.json", tracks("b", "A", 2))
	loaded(2, 0)
	w.file("in/c.json", string(tracks("c", "B", 3)))
	loaded(3, 0)
	s3.Put(t, "in/d.json.gz", []byte("\x1f\x8b\x08broken"))
	loaded(0, 1)
	s3.Put(t, "in/d.json.gz", packed(t, tracks("d", "A", 4)))
	loaded(4, 0)
	interrupt()
	if _, err := documents.Token(); err != io.EOF {
		t.Errorf("after the interrupt: %v", err)
	}
	if c := <-code; c != 0 {
		t.Errorf("exit code %d\n%s", c, stderr.String())
	}
	if n := pgtest.Value[int64](t, pgtest.PoolAt(t, w.dsn), "select count(*) from web.tracks"); n != 10 {
		t.Errorf("got %d rows, want 10", n)
	}
}
