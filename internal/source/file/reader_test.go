package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

const cleverTap = `{"ts":20260102030405,"eventName":"App Launched","profile":{"identity":"u-1"},"eventProps":{"n":1}}`

func TestDetection(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		events     int
		failed     file.Reason
	}{
		{"CleverTap", cleverTap + "\n" + cleverTap, 2, ""},
		{"event name on top", "App Launched\n" + strings.Replace(cleverTap, `"eventName":"App Launched",`, "", 1), 1, ""},
		{"blank lines and a BOM on top", "\ufeff\n \n" + cleverTap, 1, ""},
		{"CleverTap's CSV", "ts,eventName,profile.identity\n20260102030405,App Launched,u\n", 1, ""},
		{"only blank lines", " \n\n", 0, ""},
		{"unknown object", `{"a":1}` + "\n" + cleverTap, 0, file.UnknownFormat},
		{"prose", "Dear all,\nplease find attached\n", 0, file.UnknownFormat},
		{"NUL", strings.Repeat("\x00", 2_000_000), 0, file.UnknownFormat},
		{"long lines on top", strings.Repeat(`{"a":"`+strings.Repeat("x", 600_000)+"\"}\n", 3) + cleverTap + "\n", 4, ""},
		{"nothing but a long line", `{"a":"` + strings.Repeat("x", 600_000), 1, ""},
		{"prose after a long line", `{"a":"` + strings.Repeat("x", 600_000) + "\nDear all\n", 1, file.UnknownFormat},
		{"blanks without end", strings.Repeat(" ", 2_000_000), 0, file.UnknownFormat},
		{"blank lines without end", strings.Repeat("\n", 2_000_000) + cleverTap, 1, ""},
	}
	for _, tt := range tests {
		events, err := readBytes(t, options(), "x", []byte(tt.text))
		if got := reasonOf(err); got != tt.failed || len(events) != tt.events {
			t.Errorf("%s: got %d events and %v, want %d and %q", tt.name, len(events), err, tt.events, tt.failed)
		}
		if tt.failed != "" && !strings.Contains(err.Error(), "--format") {
			t.Errorf("%s: error %q does not name --format", tt.name, err)
		}
	}
	if events, err := readBytes(t, segment(), "x", []byte("Dear all\n"+call("a", 0))); err != nil ||
		len(events) != 2 || events[0].Reason != schema.InvalidJSON {
		t.Errorf("with a format: got %v and %v", events, err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	path := write(t, "x.json", []byte(cleverTap))
	for flag, o := range map[string]file.Options{
		"give --timezone and --account": {}, "give --timezone": {Account: "A"}, "give --account": {Timezone: time.UTC},
	} {
		_, err := read(t.Context(), t, oneUnit(t, o, path))
		var setting *file.SettingError
		if !errors.As(err, &setting) || !strings.HasSuffix(err.Error(), flag) || !strings.Contains(err.Error(), path) {
			t.Errorf("without %s: got %v", flag, err)
		}
	}
	if _, err := readBytes(t, file.Options{}, "x.json", []byte(call("a", 0))); err != nil {
		t.Errorf("a Segment file needs no settings: got %v", err)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	o := options()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o.Timezone = berlin
	o.LoadStart = schema.Micros(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	at := func(ts string) string { return strings.Replace(cleverTap, "20260102030405", ts, 1) + "\n" }
	u := oneUnit(t, o, write(t, "x.json", []byte(at("20260102030405")+at("20260329023000")+at("20251026023000")+at("20260701000000"))))
	r, err := u.Open(t.Context(), schema.NewPaths(0))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var ev schema.Event
	for err == nil {
		err = r.Next(&ev)
	}
	want := source.Notes{AmbiguousHours: 1, MissingHours: 1, Future: 1, TimeZone: "Europe/Berlin"}
	if !errors.Is(err, io.EOF) || r.Notes() != want {
		t.Errorf("got %+v and %v, want %+v", r.Notes(), err, want)
	}
}

// TestTwins reads a file twice: equal records get ids of their own, and the same ones again.
func TestTwins(t *testing.T) {
	t.Parallel()
	u := oneUnit(t, options(), write(t, "x.json", []byte(strings.Repeat(cleverTap+"\n", 3))))
	first, err := read(t.Context(), t, u)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(t.Context(), t, u)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for i := range first {
		ids[first[i].ID] = true
		if first[i].ID != again[i].ID {
			t.Errorf("record %d: got id %s, then %s", i, first[i].ID, again[i].ID)
		}
	}
	if len(ids) != 3 {
		t.Errorf("got %d ids, want 3", len(ids))
	}
}

// TestCloseEarly closes readers whose read-ahead is in the middle of a file: TestMain sees if its goroutine stays.
func TestCloseEarly(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat(call("a", 1000)+"\n", 10_000))
	for _, content := range [][]byte{text, gzipOf(t, text), zstdOf(t, text)} {
		u := oneUnit(t, options(), write(t, "x", content))
		for n := range 3 {
			r, err := u.Open(t.Context(), schema.NewPaths(0))
			if err != nil {
				t.Fatal(err)
			}
			var ev schema.Event
			for range n * 700 {
				if err := r.Next(&ev); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if err := r.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			if err := r.Next(&ev); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("Next after Close: got %v, want an error", err)
			}
		}
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	u := oneUnit(t, options(), write(t, "x", []byte(strings.Repeat(call("a", 1000)+"\n", 10_000))))
	ctx, cancel := context.WithCancelCause(t.Context())
	r, err := u.Open(ctx, schema.NewPaths(0))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	why := errors.New("enough")
	cancel(why)
	var ev schema.Event
	for err == nil {
		err = r.Next(&ev)
	}
	if !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}

// TestManyFiles leaves no file descriptor behind.
func TestManyFiles(t *testing.T) {
	fds := func() int {
		open, err := os.ReadDir("/dev/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(open)
	}
	before := fds()
	for range 50 {
		for _, name := range []string{"ok.ndjson.gz", "bad_crc.ndjson.gz", "utf16le_bom.ndjson", "csv_ok.csv"} {
			_, _ = read(t.Context(), t, oneUnit(t, options(), filepath.Join(contractFiles, name)))
		}
	}
	if after := fds(); after != before {
		t.Errorf("open files: got %d, want %d", after, before)
	}
}

func TestNoAllocation(t *testing.T) {
	u := oneUnit(t, segment(), write(t, "x", []byte(strings.Repeat(call("a", 500)+"\n", 20_000))))
	r, err := u.Open(t.Context(), schema.NewPaths(0))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var ev schema.Event
	next := func() {
		if err := r.Next(&ev); err != nil {
			t.Fatal(err)
		}
	}
	for range 5000 { // all blocks have been made
		next()
	}
	if n := testing.AllocsPerRun(10_000, next); n != 0 {
		t.Errorf("allocations an event: got %v, want 0", n)
	}
}

func BenchmarkReader(b *testing.B) {
	text := []byte(strings.Repeat(call("a", 700)+"\n", 100_000))
	for name, content := range map[string][]byte{"plain": text, "gzip": gzipOf(b, text), "zstd": zstdOf(b, text)} {
		b.Run(name, func(b *testing.B) {
			u := oneUnit(b, segment(), write(b, "x", content))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := u.Open(b.Context(), schema.NewPaths(0))
				if err != nil {
					b.Fatal(err)
				}
				var ev schema.Event
				for err == nil {
					err = r.Next(&ev)
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
