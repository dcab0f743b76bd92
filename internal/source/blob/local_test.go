package blob_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/source/blob"
	"github.com/tapline/tapline/internal/source/file"
)

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "exports")
	for _, name := range []string{"a/x.json", "a/b/y.json", "a/.hidden.json", "z.json"} {
		write(t, filepath.Join(dir, name), events(name, 2))
	}
	if err := os.Symlink(filepath.Join(dir, "z.json"), filepath.Join(dir, "a", "link.json")); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string][]string{
		"/":        {"a/b/y.json", "a/x.json", "z.json"},
		"/a":       {"a/b/y.json", "a/x.json"},
		"/**.json": {"a/b/y.json", "a/x.json", "z.json"},
		"/*.json":  {"z.json"},
		"/a/*/*":   {"a/b/y.json"},
		"/z.json":  {"z.json"},
	} {
		us, errs := units(t, open(t, options(), "file://"+dir+pattern))
		if diff := cmp.Diff(want, names(us)); diff != "" || errs != nil {
			t.Errorf("%s: %v (-want +got)\n%s", pattern, errs, diff)
		}
		for _, u := range us {
			if ids, err := read(t.Context(), t, u); err != nil || len(ids) != 2 {
				t.Errorf("read %s: %v, %v", u.Name(), ids, err)
			}
		}
	}
}

// TestFolderChanges: files that are written to while they are read are told, whatever their size.
func TestFolderChanges(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2, 40_000} {
		dir := t.TempDir()
		path := filepath.Join(dir, "x.json")
		write(t, path, events("a", size))
		us, _ := units(t, open(t, options(), "file://"+dir+"/"))
		if ids, err := read(t.Context(), t, us[0]); err != nil || len(ids) != size {
			t.Errorf("got %d events and %v", len(ids), err)
		}
		write(t, path, events("b", size+1))
		if ids, err := read(t.Context(), t, us[0]); reasonOf(err) != file.ChangedWhileRead {
			t.Errorf("grown: got %d events and %v", len(ids), err)
		}
		write(t, path, events("b", size)) // as many bytes
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if ids, err := read(t.Context(), t, us[0]); reasonOf(err) != file.ChangedWhileRead {
			t.Errorf("overwritten: got %d events and %v", len(ids), err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if ids, err := read(t.Context(), t, us[0]); reasonOf(err) != file.ChangedWhileRead {
			t.Errorf("removed: got %d events and %v", len(ids), err)
		}
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"s3:///x":                        "names no bucket",
		"s3://":                          "names no bucket",
		"s3://KEY:SECRET@bucket/x":       "credentials do not belong",
		"s3://buck*/x":                   "cannot be a pattern",
		"s3://b/x[?region=SECRET":        "[ without ]",
		"s3://b/x[z-a]":                  "[ ] that is none",
		"s3://b/x?region=%zz%SECRET":     "settings",
		"file://folder/x":                "file:///",
		"file:///SECRET-is-not-there/x":  "no such file",
		"s3://b/x?SECRET=1":              "unknown",
		"s3://b/x?anonymous=perhaps":     "anonymous",
		"azblob://c/x?SECRET_ACCOUNT=1":  "unknown",
		"https://example.com/x?y=SECRET": "unknown kind of store",
	} {
		_, err := blob.New(t.Context(), []string{raw}, options())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET@") || strings.Contains(err.Error(), "=SECRET") {
			t.Errorf("%s: got %v, want %q and no secret", raw, err, want)
		}
	}
	if _, err := blob.New(t.Context(), nil, options()); err == nil {
		t.Error("no URLs: no error")
	}
	late := options()
	late.Since, late.Until = time.Now(), time.Now().AddDate(0, 0, -2)
	if _, err := blob.New(t.Context(), []string{"file:///"}, late); err == nil {
		t.Error("until before since: no error")
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"s3://b/x/*.json":                     "s3://b/x/*.json",
		"s3://b/x?.json":                      "s3://b/x?.json",
		"s3://b/x?endpoint=http://u:p@h/&a=b": "s3://b/x?***",
		"s3://KEY:SECRET@b/x?a=b":             "s3://***@b/x?***",
		"events/a@b.json":                     "events/a@b.json",
		"-":                                   "-",
	} {
		if got := blob.Redact(raw); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

// TestNames: what the names of objects tell is used: the event of records that do not name theirs, the format, the day.
func TestNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := `{"ts":20261004101112,"profile":{"identity":"u-1"},"eventProps":{"a":1}}` + "\n"
	write(t, filepath.Join(dir, "171-1790000000-App-Launched-20261004-0-881.json"), []byte(record))
	write(t, filepath.Join(dir, "171-1790000000-App-Launched-20261005-0-881.json"), []byte(record))
	// What begins a file of unknown format would fail it; of Segment's logs it is one line.
	write(t, filepath.Join(dir, "segment-logs/abc/1791072000000/x.gz"), gzipOf(t, append([]byte("{}\n"), events("s", 1)...)))
	write(t, filepath.Join(dir, "other.json"), []byte(record))
	o := options()
	o.Since = time.Date(2026, 10, 4, 9, 0, 0, 0, time.UTC)
	o.Until = o.Since
	us, errs := units(t, open(t, o, "file://"+dir+"/"))
	if len(us) != 3 || errs != nil {
		t.Fatalf("got %v, %v: want all but the one of another day", names(us), errs)
	}
	for i, want := range []int{1, 1, 2} {
		if ids, err := read(t.Context(), t, us[i]); err != nil || len(ids) != want || i == 0 && !strings.HasPrefix(ids[0], "ct_") {
			t.Errorf("%s: got %q, %v", us[i].Name(), ids, err)
		}
	}
}
