package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// got is what a test looks at of an event.
type got struct {
	Reason       schema.Reason
	ID           string
	Raw          string
	Line, Offset int64
}

func options() file.Options { return file.Options{Timezone: time.UTC, Account: "ACC-1"} }

// units returns what a source over paths yields.
func units(t testing.TB, o file.Options, paths ...string) ([]source.Unit, []error) {
	t.Helper()
	s, err := file.New(paths, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	var us []source.Unit
	var errs []error
	for u, err := range s.Units(t.Context()) {
		if err != nil {
			errs = append(errs, err)
		} else {
			us = append(us, u)
		}
	}
	return us, errs
}

// oneUnit returns the unit of a path.
func oneUnit(t testing.TB, o file.Options, path string) source.Unit {
	t.Helper()
	us, errs := units(t, o, path)
	if len(us) != 1 || len(errs) != 0 {
		t.Fatalf("units of %s: got %d and errors %v, want one", path, len(us), errs)
	}
	return us[0]
}

// read reads a unit to its end. The error is nil for a clean end.
func read(ctx context.Context, t testing.TB, u source.Unit) ([]got, error) {
	t.Helper()
	r, err := u.Open(ctx, schema.NewPaths(0))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	var all []got
	var ev schema.Event
	for {
		if err := r.Next(&ev); err != nil {
			if _, again := r.Next(&ev), r.Next(&ev); !errors.Is(again, err) {
				t.Errorf("Next after the error: got %v, want %v again", again, err)
			}
			if errors.Is(err, io.EOF) {
				if r.Read() != u.Size() {
					t.Errorf("bytes read: got %d, want all %d", r.Read(), u.Size())
				}
				return all, nil
			}
			return all, err
		}
		all = append(all, got{ev.Reason, string(ev.ID), string(ev.Raw), ev.Line, ev.Offset})
	}
}

// write makes a file in a folder of the test.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readBytes reads content as a file of that name.
func readBytes(t testing.TB, o file.Options, name string, content []byte) ([]got, error) {
	t.Helper()
	return read(t.Context(), t, oneUnit(t, o, write(t, name, content)))
}

// reasons counts events by reason.
func reasons(events []got) map[schema.Reason]int {
	n := map[schema.Reason]int{}
	for _, e := range events {
		n[e.Reason]++
	}
	return n
}
