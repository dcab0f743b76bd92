package blob

import (
	"context"
	"crypto/sha256"
	"iter"
	"time"

	"github.com/tapline/tapline/internal/source"
)

// watch lists the URLs again and again, and yields what is new: an object that was not there before, or another version
// of one. One that can be seen before it is complete must look the same in two listings.
func (s *Source) watch(ctx context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) {
		tick := time.NewTicker(s.opts.File.PollInterval)
		defer tick.Stop()
		w := &watcher{s: s, seen: newMemory(s.opts.Again, s.opts.Now), growing: map[string]string{}, yield: yield}
		told := map[string]bool{}
		for {
			now := map[string]bool{}
			for _, t := range s.targets {
				err := w.list(ctx, t)
				if w.stopped || ctx.Err() != nil {
					return
				}
				if err == nil {
					continue
				}
				now[err.Error()] = true
				if !told[err.Error()] && !yield(nil, err) {
					return
				}
			}
			told = now
			w.growing, w.before = nil, w.growing
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}

// watcher is what a watched source remembers between listings. All of it is bounded.
type watcher struct {
	s               *Source
	seen            *remembered
	growing, before map[string]string // names of objects that may grow, as this listing and the last one found them
	yield           func(source.Unit, error) bool
	stopped         bool // nobody wants more
}

// maxGrowing is how many objects that may grow are waited for at a time.
const maxGrowing = 100_000

// list yields what is new below a URL.
func (w *watcher) list(ctx context.Context, t *openTarget) error {
	for page, err := range w.s.pages(ctx, t) {
		if err != nil {
			return err
		}
		due := page[:0]
		for _, u := range page {
			if w.settled(u) && w.seen.due(u.key) {
				due = append(due, u)
			}
		}
		known, err := w.s.known(ctx, due)
		if err != nil {
			return err
		}
		fresh := due[:0]
		for _, u := range due {
			if known[u.key] {
				w.seen.finished(u.key)
			} else {
				fresh = append(fresh, u)
			}
		}
		for i, u := range fresh {
			u.more = i < len(fresh)-1
			w.seen.yielded(u.key)
			w.s.cache.expect(u)
			if !w.yield(u, nil) {
				w.stopped = true
				return nil
			}
		}
	}
	return nil
}

// settled reports whether an object is complete, as far as can be told.
func (w *watcher) settled(u *unit) bool {
	if !u.partial {
		return true
	}
	if w.growing == nil {
		w.growing = map[string]string{}
	}
	if len(w.growing) < maxGrowing {
		w.growing[u.Name()] = u.key
	}
	return w.before[u.Name()] == u.key
}

// remembered are the units that were yielded, or are known to be loaded, so that no listing asks for them again. What it
// forgets, since it holds so many at most, is asked for again and found in the ledger.
type remembered struct {
	again time.Duration
	now   func() time.Time
	units map[[12]byte]sighting
}

type sighting struct {
	due   int64 // when it may be yielded again, in Unix seconds; never if 0
	tries uint8
}

// maxRemembered bounds remembered: about 8 MiB.
const maxRemembered = 200_000

func newMemory(again time.Duration, now func() time.Time) *remembered {
	return &remembered{again: again, now: now, units: map[[12]byte]sighting{}}
}

func digest(key string) (d [12]byte) {
	sum := sha256.Sum256([]byte(key))
	copy(d[:], sum[:])
	return d
}

// due reports whether a unit may be yielded.
func (r *remembered) due(key string) bool {
	s, ok := r.units[digest(key)]
	return !ok || s.due > 0 && s.due <= r.now().Unix()
}

// yielded remembers a unit that may fail: then it is yielded again later, and later still.
func (r *remembered) yielded(key string) {
	d := digest(key)
	s := r.units[d]
	const most = 6 * time.Hour
	wait := min(r.again<<min(s.tries, 10), most)
	r.put(d, sighting{due: r.now().Add(wait).Unix(), tries: s.tries + 1})
}

// finished remembers a unit that is loaded.
func (r *remembered) finished(key string) { r.put(digest(key), sighting{}) }

func (r *remembered) put(d [12]byte, s sighting) {
	for old := range r.units {
		if len(r.units) < maxRemembered {
			break
		}
		delete(r.units, old)
	}
	r.units[d] = s
}
