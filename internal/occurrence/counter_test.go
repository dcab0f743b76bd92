package occurrence_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/tapline/tapline/internal/occurrence"
)

func digest(n uint64) [32]byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return sha256.Sum256(b[:])
}

func newCounter(t testing.TB, entries int) *occurrence.Counter {
	t.Helper()
	c := occurrence.New(occurrence.Options{Dir: t.TempDir(), Entries: entries})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

// TestNextMatchesMap compares with a map. Table sizes are tiny, so that runs, merges and several pages happen; half of
// the digests differ in few bits only, as a digest of an attacker's choice may.
func TestNextMatchesMap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		c := occurrence.New(occurrence.Options{Dir: dir, Entries: rapid.IntRange(4, 40).Draw(rt, "entries")})
		defer c.Close()
		want := map[[32]byte]uint64{}
		span := rapid.Uint64Range(1, 1000).Draw(rt, "span")
		near := rapid.Bool().Draw(rt, "near")
		seed := rapid.Uint64().Draw(rt, "seed")
		steps := rapid.IntRange(0, 1500).Draw(rt, "steps")
		for i := range steps {
			seed = seed*6364136223846793005 + 1442695040888963407
			n := seed >> 33 % span
			d := digest(n)
			if near {
				d = [32]byte{7: byte(n >> 8), 15: byte(n)}
			}
			want[d]++
			got, err := c.Next(d)
			if err != nil {
				rt.Fatalf("step %d: %v", i, err)
			}
			if got != want[d] {
				rt.Fatalf("step %d: digest %x: got %d, want %d", i, d[:16], got, want[d])
			}
		}
	})
}

// TestTwoMillion makes runs of real size, merges them, and then meets every hundredth digest a second time and more.
func TestTwoMillion(t *testing.T) {
	t.Parallel()
	const n = 2_000_000
	c := newCounter(t, 1<<16)
	for round := uint64(1); round <= 3; round++ {
		step := uint64(1)
		if round > 1 {
			step = 100
		}
		for i := uint64(0); i < n; i += step {
			got, err := c.Next(digest(i))
			if err != nil {
				t.Fatal(err)
			}
			if got != round {
				t.Fatalf("digest %d: got %d, want %d", i, got, round)
			}
		}
	}
}

// TestMemory holds ten million digests. The table is 12 MiB, filters and fences are about as much.
func TestMemory(t *testing.T) {
	c := newCounter(t, 0)
	var now runtime.MemStats
	var peak uint64
	for i := range uint64(10_000_000) {
		// A digest without sha256: a permutation of i.
		var d [32]byte
		x := (i + 1) * 0x9E3779B97F4A7C15
		x ^= x >> 29
		x *= 0xBF58476D1CE4E5B9
		x ^= x >> 32
		binary.BigEndian.PutUint64(d[:], x)
		binary.BigEndian.PutUint64(d[8:], x*0x94D049BB133111EB^x>>31)
		got, err := c.Next(d)
		if err != nil {
			t.Fatal(err)
		}
		if got != 1 {
			t.Fatalf("digest %d: got %d, want 1", i, got)
		}
		if i%(1<<20) == 0 || i == 10_000_000-1 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
	}
	t.Logf("live heap %d KiB", peak>>10)
	if peak > 40<<20 {
		t.Errorf("live heap: got %d MiB, want less than 40", peak>>20)
	}
}

func TestNoAllocation(t *testing.T) {
	c := newCounter(t, 1<<10)
	i := uint64(0)
	for i = range 500 {
		if _, err := c.Next(digest(i)); err != nil {
			t.Fatal(err)
		}
	}
	got := testing.AllocsPerRun(400, func() {
		i++
		if _, err := c.Next(digest(i)); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("allocations a Next: got %v, want 0", got)
	}
}

func TestFilesHaveNoName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := occurrence.New(occurrence.Options{Dir: dir, Entries: 8})
	for i := range uint64(1000) {
		if _, err := c.Next(digest(i)); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Fatalf("after %d digests: %s has a name", i+1, left[0].Name())
		}
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestSpillFails(t *testing.T) {
	t.Parallel()
	c := occurrence.New(occurrence.Options{Dir: filepath.Join(t.TempDir(), "missing"), Entries: 2})
	var err error
	for i := uint64(0); i < 10 && err == nil; i++ {
		_, err = c.Next(digest(i))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v, want the error of the folder that does not exist", err)
	}
	if _, again := c.Next(digest(0)); !errors.Is(again, err) {
		t.Errorf("after the error: got %v, want the same", again)
	}
}

func BenchmarkNext(b *testing.B) {
	c := newCounter(b, 0)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if _, err := c.Next(digest(i)); err != nil {
			b.Fatal(err)
		}
	}
}
