package migrations_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

// numbered returns files of those numbers.
func numbered(versions ...uint) []migrations.File {
	files := make([]migrations.File, 0, len(versions))
	for _, v := range versions {
		files = append(files, migrations.File{Version: v, Name: "change", Up: "select 1;\nselect 2;\n", Down: "select 3;\n"})
	}
	return files
}

func applied(files []migrations.File) []migrations.File {
	for i := range files {
		files[i].AppliedAt = time.Unix(1, 0)
	}
	return files
}

// each takes joined errors apart.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	edit := func(files []migrations.File, do func(*migrations.File)) []migrations.File {
		do(&files[len(files)-1])
		return files
	}
	for name, c := range map[string]struct {
		files, applied []migrations.File
		want           []error
	}{
		"nothing":         {},
		"all applied":     {numbered(1, 2), applied(numbered(1, 2)), nil},
		"one waits":       {numbered(1, 2, 3), applied(numbered(1, 2)), nil},
		"kept, not there": {numbered(1), append(applied(numbered(1)), numbered(2)...), nil},
		"first missing":   {numbered(2), nil, []error{&migrations.GapError{From: 1, To: 1, Next: 2}}},
		"gap":             {numbered(1, 2, 6), nil, []error{&migrations.GapError{From: 3, To: 5, Next: 6}}},
		"missing": {numbered(1, 3), applied(numbered(1, 2, 3)), []error{
			&migrations.GapError{From: 2, To: 2, Next: 3}, &migrations.MissingError{Version: 2, Name: "change"},
		}},
		"late":  {numbered(1, 2, 3), applied(numbered(1, 3)), []error{&migrations.LateError{Version: 2, Name: "change", Applied: 3}}},
		"newer": {numbered(1, 2), applied(numbered(1, 2, 3, 4)), []error{&migrations.NewerError{Database: 4, Known: 2}}},
		"edited up": {
			edit(numbered(1, 2), func(f *migrations.File) { f.Up = "select 1;\nselect 4;\n" }), applied(numbered(1, 2)),
			[]error{&migrations.EditedError{Version: 2, Name: "change", Part: "up", Line: 2, Was: "change"}},
		},
		"edited down": {
			edit(numbered(1), func(f *migrations.File) { f.Down += "select 4;" }), applied(numbered(1)),
			[]error{&migrations.EditedError{Version: 1, Name: "change", Part: "down", Line: 2, Was: "change"}},
		},
		"another of that number": {
			edit(numbered(1), func(f *migrations.File) { f.Name = "other" }), applied(numbered(1)),
			[]error{&migrations.EditedError{Version: 1, Name: "other", Part: "name", Was: "change"}},
		},
		"line ends": {
			edit(numbered(1), func(f *migrations.File) { f.Up = "select 1;\r\nselect 2;" }), applied(numbered(1)), nil,
		},
		"text not known": {numbered(1), edit(applied(numbered(1)), func(f *migrations.File) { f.Up, f.Down = "", "" }), nil},
	} {
		got := each(migrations.Verify(c.files, c.applied))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, err := range got {
			if text := err.Error(); !strings.Contains(text, ":") && !strings.Contains(text, ". ") {
				t.Errorf("%s: no hint in %q", name, text)
			}
		}
	}
}

func TestReadFolder(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	files, err := migrations.ReadFolder(fstest.MapFS{
		"000010_later.up.sql": file("ten"), "000002_two.up.sql": file("two"), "000002_two.down.sql": file("back"),
		"3_again.up.sql": file("three"), "000003_three.up.sql": file("three"), "000004_x.down.sql": file("four"),
		"README.md": file("#"), "sub/000005_x.up.sql": file("five"), "000006_x.up.txt": file("six"),
	})
	want := []migrations.File{{Version: 2, Name: "two", Up: "two", Down: "back"}, {Version: 3, Name: "three", Up: "three"}, {Version: 10, Name: "later", Up: "ten"}}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var twice *migrations.DuplicateError
	var noUp *migrations.NoUpError
	if !errors.As(err, &twice) || twice.Version != 3 || !errors.As(err, &noUp) || noUp.Version != 4 {
		t.Errorf("error = %v, want a duplicate 3 and a 4 without up", err)
	}
}

func TestVerifyDatabase(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	if _, err := m.Evolve(t.Context(), purchases()); err != nil {
		t.Fatal(err)
	}
	files, err := m.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range [][]migrations.File{files, nil} {
		if err := m.Verify(t.Context(), known); err != nil {
			t.Errorf("Verify of %d files = %v", len(known), err)
		}
	}
	var newer *migrations.NewerError
	if err := m.Verify(t.Context(), files[:1]); !errors.As(err, &newer) || newer.Schema != shop || newer.Program {
		t.Errorf("an old folder: %v", err)
	}
	pgtest.Exec(t, pool, `update shop._migration_files set up = up || 'select 1;' where version = 2`)
	var edited *migrations.EditedError
	if err := m.Verify(t.Context(), files); !errors.As(err, &edited) || edited.Version != 2 || edited.Part != "up" {
		t.Errorf("an edited file: %v", err)
	}
	pgtest.Exec(t, pool, `insert into tapline._migration_files (version, name, applied_at) values (1000, 'later', now())`)
	newer = nil
	if err := m.Verify(t.Context(), nil); !errors.As(err, &newer) || !newer.Program || newer.Schema != "tapline" {
		t.Errorf("a control schema of a later release: %v", err)
	}
}

func TestVerifyBeforeTheFirst(t *testing.T) {
	t.Parallel()
	m := open(t, pgtest.Pool(t), migrations.Options{})
	if err := m.Verify(t.Context(), numbered(1, 2)); err != nil {
		t.Errorf("Verify of an empty database = %v", err)
	}
}

// A folder gets all files or none: half of them would be applied by whoever comes next.
func TestWriteFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := migrations.File{Version: 2, Name: strings.Repeat("x", 250), Up: "select 1;"} // no file can be called so
	if err := migrations.WriteFolder(dir, []migrations.File{{Version: 1, Name: "good", Up: "select 1;"}, long}); err == nil {
		t.Error("a name of more than 255 bytes was written")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left are %v, %v", entries, err)
	}
}
