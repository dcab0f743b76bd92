package blob

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tapline/tapline/schema"
)

// TestPrefetchIsBounded opens units in order while others stay open, and checks after each how much is held.
func TestPrefetchIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const size, n, limit = 1000, 400, 20 * 1000
	line := make([]byte, size)
	for i := range line {
		line[i] = ' '
	}
	copy(line, `{"type":"track","event":"x","userId":"u"}`)
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d", i)), line, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := New(t.Context(), []string{"file://" + dir + "/"}, Options{Prefetch: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var us []*unit
	ahead := 0
	for u, err := range s.Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		us = append(us, u.(*unit))
	}
	if s.cache.used != 0 {
		t.Error("bytes were fetched before anything was opened")
	}
	for i, u := range us {
		r, err := u.Open(t.Context(), schema.NewPaths(0))
		if err != nil {
			t.Fatal(err)
		}
		s.cache.mu.Lock()
		if s.cache.used > limit || s.cache.used != int64(len(s.cache.order))*size {
			t.Fatalf("%d: %d bytes in %d objects are held, want at most %d", i, s.cache.used, len(s.cache.order), limit)
		}
		if i+1 < n && us[i+1].held != nil {
			ahead++
		}
		s.cache.mu.Unlock()
		if i%40 == 0 {
			defer r.Close() // stays open
		} else if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if ahead < n/2 {
		t.Errorf("%d of %d objects were fetched before they were opened", ahead, n)
	}
	r, err := us[n-1].Open(t.Context(), schema.NewPaths(0)) // again, as after a rollback
	if err != nil || us[n-1].held == nil {
		t.Errorf("opened again: %v, held %v", err, us[n-1].held)
	} else if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestRememberedIsBounded fills the memory of a watched source.
func TestRememberedIsBounded(t *testing.T) {
	t.Parallel()
	o, err := Options{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	r := newMemory(o.Again, o.Now)
	for i := range maxRemembered + 1000 {
		r.yielded(fmt.Sprint(i))
	}
	if len(r.units) > maxRemembered {
		t.Errorf("%d units are remembered, want at most %d", len(r.units), maxRemembered)
	}
}
