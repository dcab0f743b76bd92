package input_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/internal/source/input"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestMixture: paths and URLs are one source, in the order in which they were given.
func TestMixture(t *testing.T) {
	t.Parallel()
	a, b := folder(t, "a1", "a2"), folder(t, "b1")
	s, err := input.Open(t.Context(), []string{filepath.Join(a, "a2"), "file://" + b + "/*", filepath.Join(a, "a1")}, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []string
	for u, err := range s.Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.Base(u.Name()))
	}
	if diff := cmp.Diff([]string{"a2", "b1", "a1"}, got); diff != "" || !s.Remote() {
		t.Errorf("remote %v (-want +got)\n%s", s.Remote(), diff)
	}
	if _, err := input.Open(t.Context(), nil, input.Options{}); err == nil {
		t.Error("no paths: no error")
	}
	if _, err := input.Open(t.Context(), []string{a, "s3://"}, input.Options{}); err == nil {
		t.Error("a URL without a bucket: no error")
	}
}

// TestWatchMixture follows paths and URLs at once: neither waits for the other.
func TestWatchMixture(t *testing.T) {
	t.Parallel()
	a, b := folder(t, "a1"), folder(t, "b1")
	s, err := input.Open(t.Context(), []string{a, "file://" + b + "/"}, input.Options{File: file.Options{Watch: true, PollInterval: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	for u, err := range s.Units(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, filepath.Base(u.Name())); len(got) == 2 {
			break
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a1", "b1"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
