//go:build linux

package stream_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// strace sees whether a frame is on disk when it is acknowledged: between two acknowledgements, of which the process writes a
// line each, the file that holds the frame is synced, or was opened so that writing it syncs. With the server's own settings
// none is: so the test would notice.
func TestSyncedBeforeAcknowledged(t *testing.T) {
	t.Parallel()
	for sync, want := range map[string]int{"always": published, "": 0} {
		t.Run("sync "+sync, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "strace")
			trace := []string{"strace", "-f", "-y", "-s", "64", "-o", log, "-e", "trace=fsync,fdatasync,write,pwrite64,openat"}
			if got := start(t, "publish", trace, "DIR="+t.TempDir(), "SYNC="+sync); got != "ready" {
				t.Fatal(got)
			}
			var got int
			eventually(t, func() error {
				var err error
				got, err = syncedFrames(log)
				return err
			})
			if got != want {
				t.Errorf("%d of %d frames were synced before they were acknowledged, want %d", got, published, want)
			}
		})
	}
}

var (
	errNotYet    = errors.New("the process has not published all frames yet")
	acknowledged = regexp.MustCompile(`write\(1<[^>]*>, "acknowledged `)
	synced       = regexp.MustCompile(`f(data)?sync\(\d+<[^>]*\.blk>\)`)
	resumed      = regexp.MustCompile(`^\d+ +<\.\.\. f(data)?sync resumed>.*= 0`)
	begun        = regexp.MustCompile(`f(data)?sync\(\d+<[^>]*\.blk> <unfinished`)
)

// syncedFrames counts the acknowledgements before which a block of the stream was synced, since the one before.
func syncedFrames(log string) (int, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return 0, err
	}
	var frames, before int
	done := false
	waiting := map[string]bool{} // threads whose sync has begun
	for line := range strings.Lines(string(text)) {
		thread, _, _ := strings.Cut(line, " ")
		switch {
		case begun.MatchString(line):
			waiting[thread] = true
		case resumed.MatchString(line) && waiting[thread]:
			waiting[thread], done = false, true
		case synced.MatchString(line) && strings.Contains(line, "= 0"):
			done = true
		case acknowledged.MatchString(line):
			frames++
			if done {
				before++
			}
			done = false
		}
	}
	if frames < published {
		return 0, errNotYet
	}
	return before, nil
}
