package blob_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/blob"
	"github.com/tapline/tapline/internal/source/blob/blobtest"
)

// follower takes what a watched source yields.
type follower struct {
	t     *testing.T
	found chan source.Unit
	errs  chan error
}

func follow(t *testing.T, o blob.Options, urls ...string) *follower {
	t.Helper()
	o.File.Watch = true
	s := open(t, o, urls...)
	f := &follower{t: t, found: make(chan source.Unit), errs: make(chan error)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for u, err := range s.Units(ctx) {
			if err != nil {
				select {
				case f.errs <- err:
				case <-ctx.Done():
				}
				continue
			}
			select {
			case f.found <- u:
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return f
}

// next is the next unit's name and its events.
func (f *follower) next() (name string, ids []string) {
	f.t.Helper()
	select {
	case u := <-f.found:
		ids, err := read(f.t.Context(), f.t, u)
		if err != nil {
			f.t.Errorf("read %s: %v", u.Name(), err)
		}
		return u.Name()[strings.LastIndexByte(u.Name(), '/')+1:], ids
	case err := <-f.errs:
		f.t.Fatalf("error %v", err)
	case <-time.After(time.Minute):
		f.t.Fatal("nothing came within a minute")
	}
	return "", nil
}

// want checks that the next unit is one of that name with n events.
func (f *follower) want(name string, n int) {
	f.t.Helper()
	if got, ids := f.next(); got != name || len(ids) != n {
		f.t.Errorf("got %s with %d events, want %s with %d", got, len(ids), name, n)
	}
}

// TestWatch: what is new comes, and what was overwritten, and nothing twice.
func TestWatch(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	s3.Put(t, "in/a.json", events("a", 1))
	f := follow(t, options(), s3.URL("in/*.json"))
	f.want("a.json", 1)
	s3.Put(t, "in/c.json", events("c", 1))
	f.want("c.json", 1)
	s3.Put(t, "in/other.txt", events("o", 1))
	s3.Put(t, "in/b.json", events("b", 2))
	f.want("b.json", 2)
	s3.Put(t, "in/a.json", events("a", 3))
	f.want("a.json", 3)
}

// clock is a clock that stands.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// TestWatchAgain: what the ledger knows never comes; what it still does not know comes again, later and later.
func TestWatchAgain(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	s3.Put(t, "known.json", events("a", 1))
	s3.Put(t, "x.json", events("b", 1))
	c := &clock{now: time.Now()}
	asked := make(chan []string, 1)
	o := options()
	o.Now, o.Again = c.Now, time.Hour
	o.Known = func(ctx context.Context, keys []string) (map[string]bool, error) {
		select {
		case asked <- keys:
		case <-ctx.Done():
		}
		known := map[string]bool{}
		for _, k := range keys {
			known[k] = strings.Contains(k, "known.json")
		}
		return known, nil
	}
	question := func(n int) {
		t.Helper()
		select {
		case keys := <-asked:
			if len(keys) != n {
				t.Errorf("asked for %v, want %d", keys, n)
			}
		case <-time.After(time.Minute):
			t.Fatal("the ledger was not asked within a minute")
		}
	}
	f := follow(t, o, s3.URL(""))
	question(2)
	f.want("x.json", 1)
	c.add(time.Hour)
	question(1)
	f.want("x.json", 1)
	c.add(2*time.Hour - time.Minute)
	s3.Put(t, "y.json", events("c", 1))
	question(1) // for y alone
	f.want("y.json", 1)
	c.add(time.Hour)
	question(2) // both are due
	f.want("x.json", 1)
	f.want("y.json", 1)
}

// TestWatchErrors tells of a store that refuses once, and goes on when it does no longer.
func TestWatchErrors(t *testing.T) {
	t.Parallel()
	s3 := blobtest.S3(t)
	refuse := func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code></Error>`))
	}
	s3.Fault(refuse)
	f := follow(t, options(), s3.URL(""))
	lists := 0
	select {
	case err := <-f.errs:
		var why *blob.Error
		if !errors.As(err, &why) {
			t.Errorf("got %v, want a *blob.Error", err)
		}
		lists = s3.Lists()
	case <-time.After(time.Minute):
		t.Fatal("no error within a minute")
	}
	for deadline := time.Now().Add(time.Minute); s3.Lists() < lists+3; {
		select {
		case err := <-f.errs:
			t.Fatalf("told again: %v", err)
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the store is not asked again")
		}
	}
	s3.Put(t, "x.json", events("x", 1))
	s3.Fault(nil)
	f.want("x.json", 1)
}

// TestWatchFolder leaves a file alone as long as it grows.
func TestWatchFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.json")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		f, err := os.Create(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := f.Write(events("x", 1)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	o := options()
	o.File.PollInterval = 30 * time.Millisecond
	f := follow(t, o, "file://"+dir+"/*")
	write(t, filepath.Join(dir, "z.json"), events("z", 2))
	f.want("z.json", 2) // two listings found it the same; the other changes all the time
	close(stop)
	<-stopped
	if name, ids := f.next(); name != "x.json" || len(ids) == 0 {
		t.Errorf("got %s with %d events, want all of x.json", name, len(ids))
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
