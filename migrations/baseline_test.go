package migrations_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

const (
	upPath   = "sql/source/000001_baseline.up.sql"
	downPath = "sql/source/000001_baseline.down.sql"
	upMark   = "-- Below this line: generated"
	downMark = "-- Above this line: generated"
)

// TestBaselineFile keeps number 1 of a source's schema equal to the event catalogue; with -update it writes the files.
func TestBaselineFile(t *testing.T) {
	up, down := migrations.Render("{schema}", nil, schema.Diff{Tables: schema.BaselineTables()})
	wantUp := head(t, upPath, upMark) + up
	wantDown := down + tail(t, downPath, downMark)
	if flag.Lookup("update").Value.String() == "true" {
		write(t, upPath, wantUp)
		write(t, downPath, wantDown)
	}
	if diff := cmp.Diff(wantUp, read(t, upPath)); diff != "" {
		t.Errorf("%s is not what the catalogue says; run the test with -update (-want +got):\n%s", upPath, diff)
	}
	if diff := cmp.Diff(wantDown, read(t, downPath)); diff != "" {
		t.Errorf("%s is not what the catalogue says; run the test with -update (-want +got):\n%s", downPath, diff)
	}
}

// head returns the text of a file up to the end of the line that begins with mark.
func head(t *testing.T, path, mark string) string {
	t.Helper()
	before, after, found := strings.Cut(read(t, path), mark)
	if !found {
		t.Fatalf("%s: no line %q", path, mark)
	}
	rest, _, _ := strings.Cut(after, "\n")
	return before + mark + rest + "\n"
}

// tail returns the text of a file from the line on that begins with mark.
func tail(t *testing.T, path, mark string) string {
	t.Helper()
	_, after, found := strings.Cut(read(t, path), mark)
	if !found {
		t.Fatalf("%s: no line %q", path, mark)
	}
	return mark + after
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

var _ = flag.Bool("update", false, "write the generated files")
