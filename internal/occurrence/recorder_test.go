package occurrence_test

import (
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/tapline/tapline/internal/occurrence"
)

// TestReplayAnswersAsRecorded records stretches of random digests beside a Counter, and replays each of them, also while
// the recording goes on.
func TestReplayAnswersAsRecorded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		o := occurrence.Options{Dir: dir, Entries: 16}
		c, r := occurrence.New(o), occurrence.NewRecorder(o)
		defer c.Close()
		span := rapid.Uint64Range(1, 200).Draw(rt, "span")
		marks := []occurrence.Mark{0}
		var answers [][]uint64
		replay := func(k int) {
			p := r.Replay(marks[k], marks[k+1])
			for i, want := range answers[k] {
				if got, err := p.Next([32]byte{}); got != want || err != nil {
					rt.Fatalf("stretch %d, call %d: got %d and %v, want %d", k, i, got, err, want)
				}
			}
		}
		for k := range rapid.IntRange(1, 8).Draw(rt, "stretches") {
			var stretch []uint64
			for i, n := range rapid.SliceOfN(rapid.Uint64Range(1, span), 0, 300).Draw(rt, "digests") {
				want, err := c.Next(digest(n))
				if err != nil {
					rt.Fatal(err)
				}
				if got, err := r.Next(digest(n)); got != want || err != nil {
					rt.Fatalf("call %d: got %d and %v, want %d", i, got, err, want)
				}
				stretch = append(stretch, want)
			}
			m, err := r.Mark()
			if err != nil {
				rt.Fatal(err)
			}
			marks, answers = append(marks, m), append(answers, stretch)
			replay(k)
		}
		if err := r.Finish(); err != nil {
			rt.Fatal(err)
		}
		for k := range answers {
			replay(k)
		}
		if err := r.Close(); err != nil {
			rt.Fatal(err)
		}
		if _, err := r.Next(digest(0)); err == nil {
			rt.Fatal("Next of a closed recorder gives no error")
		}
	})
	if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

// TestRecordingIsSmall records one digest a million times: the recording is a few bytes a call, and none of it memory.
func TestRecordingIsSmall(t *testing.T) {
	t.Parallel()
	r := occurrence.NewRecorder(occurrence.Options{Dir: t.TempDir()})
	const calls = 1_000_000
	for range calls {
		if _, err := r.Next(digest(1)); err != nil {
			t.Fatal(err)
		}
	}
	end, err := r.Mark()
	if err != nil || end > 4*calls {
		t.Errorf("the recording has %d bytes, %v; want at most %d", end, err, 4*calls)
	}
	p := r.Replay(0, end)
	for n := range uint64(calls) {
		if got, err := p.Next(digest(2)); got != n+1 || err != nil {
			t.Fatalf("call %d: got %d and %v", n, got, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestReplayOfAClosedRecorder gives an error where it has to read, never a wrong answer.
func TestReplayOfAClosedRecorder(t *testing.T) {
	t.Parallel()
	r := occurrence.NewRecorder(occurrence.Options{Dir: t.TempDir()})
	for range 2 {
		if _, err := r.Next(digest(1)); err != nil {
			t.Fatal(err)
		}
	}
	end, err := r.Mark()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Replay(0, end).Next(digest(1)); err == nil {
		t.Errorf("got %d and no error", n)
	}
}

func TestRecorderNeedsItsFolder(t *testing.T) {
	t.Parallel()
	r := occurrence.NewRecorder(occurrence.Options{Dir: t.TempDir() + "/none"})
	if n, err := r.Next(digest(1)); n != 1 || err != nil {
		t.Errorf("first: got %d and %v: no file is needed yet", n, err)
	}
	for range 2 {
		if _, err := r.Next(digest(1)); err == nil {
			t.Error("repeated: no error")
		}
	}
}
