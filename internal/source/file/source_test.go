package file_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

// tree makes files with one event each below a new folder.
func tree(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(call(name, 0)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// names returns the paths of units below dir.
func names(t testing.TB, dir string, us []source.Unit) []string {
	t.Helper()
	var all []string
	for _, u := range us {
		rel, err := filepath.Rel(dir, u.Name())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rel)
	}
	return all
}

func TestUnits(t *testing.T) {
	t.Parallel()
	dir := tree(t, "b.ndjson", "a.ndjson", "c/d/e.ndjson", "c/a.ndjson", ".hidden", ".git/x", "c/.part", "[x].ndjson")
	tests := []struct {
		name  string
		paths []string
		want  []string
	}{
		{"folder", []string{""}, []string{"[x].ndjson", "a.ndjson", "b.ndjson", "c/a.ndjson", "c/d/e.ndjson"}},
		{"files in the order given", []string{"b.ndjson", "a.ndjson"}, []string{"b.ndjson", "a.ndjson"}},
		{"a hidden file by name", []string{".hidden"}, []string{".hidden"}},
		{"glob", []string{"*.ndjson"}, []string{"[x].ndjson", "a.ndjson", "b.ndjson"}},
		{"glob of a folder", []string{"[a-c]"}, []string{"c/a.ndjson", "c/d/e.ndjson"}},
		{"glob of hidden files", []string{".h*"}, []string{".hidden"}},
		{"a name that looks like a glob", []string{"[x].ndjson"}, []string{"[x].ndjson"}},
		{"twice", []string{"c", "c/a.ndjson", "./b.ndjson", "*.ndjson"}, []string{
			"c/a.ndjson", "c/d/e.ndjson", "b.ndjson", "[x].ndjson", "a.ndjson",
		}},
	}
	for _, tt := range tests {
		var paths []string
		for _, p := range tt.paths {
			paths = append(paths, dir+"/"+p)
		}
		us, errs := units(t, options(), paths...)
		if diff := cmp.Diff(tt.want, names(t, dir, us)); diff != "" || len(errs) > 0 {
			t.Errorf("%s: errors %v, units (-want +got):\n%s", tt.name, errs, diff)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := tree(t, "a.ndjson")
	odd := options()
	odd.Format = "xml"
	watch := options()
	watch.Watch = true
	for _, tt := range []struct {
		paths []string
		opts  file.Options
		want  string
	}{
		{[]string{dir, dir + "/missing.gz"}, options(), dir + "/missing.gz: no such file"},
		{[]string{dir + "/*.gz"}, options(), dir + "/*.gz: no file matches"},
		{[]string{dir + "/["}, options(), "syntax error"},
		{nil, options(), "no paths"},
		{[]string{dir}, odd, `unknown format "xml"`},
		{[]string{"-"}, watch, "cannot be watched"},
	} {
		if _, err := file.New(tt.paths, tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want an error with %q", tt.paths, err, tt.want)
		}
	}
}

// TestNotRegular meets what is no file: each is an error of its own, and the others are read.
func TestNotRegular(t *testing.T) {
	t.Parallel()
	dir := tree(t, "a.ndjson", "sub/b.ndjson", "z.ndjson")
	check := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	outside := tree(t, "secret.ndjson")
	check(os.Symlink(filepath.Join(outside, "secret.ndjson"), filepath.Join(dir, "link")))
	check(os.Symlink(outside, filepath.Join(dir, "linkdir")))
	check(os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	check(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	check(err)
	defer l.Close()

	us, errs := units(t, options(), dir, "/dev/zero")
	if diff := cmp.Diff([]string{"a.ndjson", "sub/b.ndjson", "z.ndjson"}, names(t, dir, us)); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	var texts []string
	for _, err := range errs {
		var not *file.NotRegularError
		if !errors.As(err, &not) {
			t.Errorf("got %v, want a NotRegularError", err)
		}
		texts = append(texts, strings.ReplaceAll(err.Error(), dir+"/", ""))
	}
	want := []string{
		"refuse dangling: a symbolic link: give the path it leads to",
		"refuse link: a symbolic link: give the path it leads to",
		"refuse linkdir: a symbolic link: give the path it leads to",
		"refuse pipe: a named pipe: send it to the standard input and give - as the path",
		"refuse socket: a socket: only files and folders are read",
		"refuse /dev/zero: a device: only files and folders are read",
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// TestSwapped replaces a file between the listing and the opening.
func TestSwapped(t *testing.T) {
	t.Parallel()
	for name, swap := range map[string]func(path string) error{
		"link to itself": func(p string) error {
			return errors.Join(os.Rename(p, p+".moved"), os.Symlink(p+".moved", p))
		},
		"pipe":   func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) },
		"folder": func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) },
		"copy": func(p string) error {
			b, err := os.ReadFile(p)
			info, _ := os.Stat(p)
			return errors.Join(err, os.Rename(p, p+".moved"), os.WriteFile(p, b, 0o600),
				os.Chtimes(p, info.ModTime(), info.ModTime()))
		},
		"removed": os.Remove,
	} {
		path := write(t, "a.ndjson", []byte(call("a", 0)))
		u := oneUnit(t, options(), path)
		if err := swap(path); err != nil {
			t.Fatal(err)
		}
		events, err := read(t.Context(), t, u)
		var not *file.NotRegularError
		switch {
		case name == "copy" && reasonOf(err) == file.ChangedWhileRead:
		case name == "removed" && errors.Is(err, os.ErrNotExist):
		case errors.As(err, &not):
		default:
			t.Errorf("%s: got %d events and %v", name, len(events), err)
		}
	}
}

// TestChanged changes a file while it is read. What leaves its bytes alone does no harm.
func TestChanged(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	random := rand.NewChaCha8([32]byte{}) // so that gzip leaves more than is read ahead
	for range 5000 {
		var id [500]byte
		_, _ = random.Read(id[:])
		fmt.Fprintf(&b, "{\"type\":\"track\",\"event\":\"E\",\"userId\":\"u\",\"properties\":{\"p\":\"%x\"}}\n", id)
	}
	text := []byte(b.String())
	appended := func(p string) error {
		f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(call("late", 0))
		return errors.Join(err, f.Close())
	}
	for _, tt := range []struct {
		name   string
		change func(path string) error
		failed file.Reason
	}{
		{"appended", appended, file.ChangedWhileRead},
		{"truncated", func(p string) error { return os.Truncate(p, 1_000_000) }, file.ChangedWhileRead},
		{"emptied", func(p string) error { return os.Truncate(p, 0) }, file.ChangedWhileRead},
		{"overwritten", func(p string) error { return os.WriteFile(p, text, 0o600) }, file.ChangedWhileRead},
		{"removed", os.Remove, ""},
		{"renamed", func(p string) error { return os.Rename(p, p+".done") }, ""},
		{"replaced", func(p string) error {
			return errors.Join(os.WriteFile(p+".new", nil, 0o600), os.Rename(p+".new", p))
		}, ""},
	} {
		for _, content := range [][]byte{text, gzipOf(t, text)} {
			path := write(t, "a.ndjson", content)
			past := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, past, past); err != nil {
				t.Fatal(err)
			}
			if len(content) < 2_000_000 {
				t.Fatalf("%d bytes are too few", len(content))
			}
			r, err := oneUnit(t, options(), path).Open(t.Context(), schema.NewPaths(0))
			if err != nil {
				t.Fatal(err)
			}
			var ev schema.Event
			if err = r.Next(&ev); err != nil {
				t.Fatal(err)
			}
			if err = tt.change(path); err != nil {
				t.Fatal(err)
			}
			for err == nil {
				err = r.Next(&ev)
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if got := reasonOf(err); got != tt.failed {
				t.Errorf("%s: got %v, want %q", tt.name, err, tt.failed)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	path := write(t, "a b.ndjson", []byte(call("a", 0)))
	when := time.Unix(1700000000, 123456789)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	u := oneUnit(t, options(), path)
	want := fmt.Sprintf("file:%s:%d:%d:1700000000123456789", path, info.Sys().(*syscall.Stat_t).Ino, info.Size())
	if u.Key() != want {
		t.Errorf("key: got %s, want %s", u.Key(), want)
	}
	odd := oneUnit(t, options(), write(t, "a\xff\n", nil))
	if !strings.HasSuffix(odd.Name(), `a\xff\n"`) {
		t.Errorf("a name that is no text: got %s", odd.Name())
	}
}

func TestStdin(t *testing.T) {
	t.Parallel()
	content := gzipOf(t, []byte(call("a", 0)+"\n"+call("b", 0)))
	o := options()
	o.TempDir = t.TempDir()
	o.Stdin = strings.NewReader(string(content))
	u := oneUnit(t, o, "-")
	if want := fmt.Sprintf("stdin:%x", sha256.Sum256(content)); u.Key() != want || u.Name() != "stdin" ||
		u.Size() != int64(len(content)) {
		t.Errorf("got %s, %s, %d bytes, want %s", u.Key(), u.Name(), u.Size(), want)
	}
	for range 2 {
		events, err := read(t.Context(), t, u)
		if len(events) != 2 || err != nil {
			t.Errorf("got %d events and %v, want 2", len(events), err)
		}
	}
	if left, err := os.ReadDir(o.TempDir); len(left) > 0 || err != nil {
		t.Errorf("the spool has a name: %v, %v", left, err)
	}
	o.Stdin = io.MultiReader(strings.NewReader("{}\n"), brokenReader{})
	if _, errs := units(t, o, "-"); len(errs) != 1 || !errors.Is(errs[0], errBroken) {
		t.Errorf("broken pipe: got %v, want %v", errs, errBroken)
	}
}

var errBroken = errors.New("it broke")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// TestWatch sees a file once it is still, once, and again after it changed.
func TestWatch(t *testing.T) {
	t.Parallel()
	dir := tree(t, "a.ndjson")
	o := options()
	o.Watch, o.PollInterval = true, 5*time.Millisecond
	s, err := file.New([]string{dir, dir + "/../*.none"}, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.ndjson", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen []string
	for u, err := range s.Units(ctx) {
		if err != nil {
			seen = append(seen, "refused")
			continue
		}
		seen = append(seen, filepath.Base(u.Name()))
		switch len(seen) {
		case 2:
			err = os.WriteFile(dir+"/b.ndjson", []byte("x"), 0o600)
		case 3:
			err = os.WriteFile(dir+"/a.ndjson", []byte("changed"), 0o600)
		case 4:
			cancel()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"refused", "a.ndjson", "b.ndjson", "a.ndjson"}, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
}
