//go:build linux

package door_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

// kill -9 keeps what the system has not written to disk yet; a loss of power does not. So strace looks at the program:
// before each answer 200 the block of the stream that holds the request was synced. With the server's own idea of when to
// sync, in a build that is broken on purpose, none was.
func TestSyncedBeforeAnswered(t *testing.T) {
	t.Parallel()
	const requests = 20
	for tags, want := range map[string]int{sound: requests, brokenSync: 0} {
		t.Run(tags, func(t *testing.T) {
			t.Parallel()
			b := &bench{
				t: t, binary: build(t, tags), dsn: pgtest.DSN(t), dir: t.TempDir(),
				traced: filepath.Join(t.TempDir(), "strace"), args: []string{"--load-every", "1h"}, // a purge syncs too
			}
			p := b.mustStart()
			s := &senders{key: b.key}
			s.sendTo(p)
			for i := range requests {
				if !s.post(t.Context(), batch(fmt.Sprint("b", i))) {
					t.Fatalf("request %d was not answered 200", i)
				}
			}
			s.http.CloseIdleConnections()
			var got int
			eventually(t, func() error {
				var err error
				got, err = syncedAnswers(b.traced, requests)
				return err
			})
			if got != want {
				t.Errorf("%d of %d requests were synced before they were answered, want %d", got, requests, want)
			}
			p.endTraced(b.traced)
		})
	}
}

// endTraced ends the program below strace.
func (p *program) endTraced(log string) {
	p.t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		p.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	<-p.done
}

var (
	errNotYet = errors.New("strace has not written all answers yet")
	answered  = regexp.MustCompile(`write\(\d+<(TCP|socket)[^"]*, "HTTP/1.1 200`)
	synced    = regexp.MustCompile(`f(data)?sync\(\d+<[^>]*\.blk>\) *= 0`)
	begun     = regexp.MustCompile(`f(data)?sync\(\d+<[^>]*\.blk> <unfinished`)
	resumed   = regexp.MustCompile(`<\.\.\. f(data)?sync resumed>.*= 0`)
)

// syncedAnswers counts the answers before which a block of the stream was synced, since the one before.
func syncedAnswers(log string, want int) (int, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return 0, err
	}
	var answers, before int
	done := false
	waiting := map[string]bool{} // threads whose sync has begun
	for line := range strings.Lines(string(text)) {
		thread, _, _ := strings.Cut(line, " ")
		switch {
		case begun.MatchString(line):
			waiting[thread] = true
		case waiting[thread] && resumed.MatchString(line):
			waiting[thread], done = false, true
		case synced.MatchString(line):
			done = true
		case answered.MatchString(line):
			answers++
			if done {
				before++
			}
			done = false
		}
	}
	if answers < want {
		return 0, errNotYet
	}
	return before, nil
}
