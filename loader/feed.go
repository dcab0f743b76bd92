package loader

import (
	"context"
	"iter"
	"sync"

	"github.com/tapline/tapline/internal/source"
)

// feed asks a source for its units ahead of their loading, so that it is known which small ones are there.
type feed struct {
	cfg   *Config
	items chan item
	held  *item // came, and does not belong to the group before it
	ended sync.WaitGroup
}

// item is what a source yields.
type item struct {
	unit Unit
	err  error
	done chan struct{} // closed when the source may be asked for more; nil if it may at once
}

// newFeed starts to ask. It ends with ctx at the latest; wait then.
func newFeed(ctx context.Context, cfg *Config, src Source) *feed {
	f := &feed{cfg: cfg, items: make(chan item, source.Ahead)}
	f.ended.Go(func() {
		defer close(f.items)
		for unit, err := range src.Units(ctx) {
			i := item{unit: unit, err: err}
			if err == nil && !f.cfg.small(unit) {
				i.done = make(chan struct{})
			}
			select {
			case f.items <- i:
			case <-ctx.Done():
				return
			}
			if i.done == nil {
				continue
			}
			select {
			case <-i.done:
			case <-ctx.Done():
				return
			}
		}
	})
	return f
}

// wait waits until nobody asks the source any more.
func (f *feed) wait() { f.ended.Wait() }

// groups yields units that are to be loaded together, in the source's order, and its errors.
func (f *feed) groups() iter.Seq2[[]Unit, item] {
	return func(yield func([]Unit, item) bool) {
		for {
			first, ok := f.next(true)
			switch {
			case !ok:
				return
			case first.err != nil:
				ok = yield(nil, first)
			case first.done != nil:
				ok = yield([]Unit{first.unit}, item{})
				close(first.done)
			default:
				ok = yield(f.group(first.unit), item{})
			}
			if !ok {
				return
			}
		}
	}
}

// next returns the next item. Without wait it is one that is there now.
func (f *feed) next(wait bool) (i item, ok bool) {
	if f.held != nil {
		i, f.held = *f.held, nil
		return i, true
	}
	if wait {
		i, ok = <-f.items
		return i, ok
	}
	select {
	case i, ok = <-f.items:
	default:
	}
	return i, ok
}

// group returns a small unit and the units after it that share its transaction. It waits for no unit, unless the one before says
// that it comes.
func (f *feed) group(first Unit) []Unit {
	group, size := []Unit{first}, first.Size()
	keys := map[string]bool{first.Key(): true}
	for len(group) < f.cfg.groupUnits() {
		more, says := saysMore(group[len(group)-1])
		if says && !more {
			break
		}
		i, ok := f.next(more)
		if !ok {
			break
		}
		u := i.unit
		if i.err != nil || i.done != nil || source.KindOf(u) != source.KindOf(first) || keys[u.Key()] || size+u.Size() > int64(f.cfg.ChunkBytes) {
			f.held = &i
			break
		}
		keys[u.Key()] = true
		group, size = append(group, u), size+u.Size()
	}
	return group
}

// small reports whether a unit may share its transaction.
func (c *Config) small(u Unit) bool {
	switch source.KindOf(u) {
	case source.KindReplay, source.KindWindow:
		return false
	}
	size := u.Size()
	return size > 0 && size < c.SmallUnit && size < c.LargeUnit
}

// groupUnits is how many small units share a transaction at most. Who takes many at a time leaves others without.
func (c *Config) groupUnits() int {
	if c.Share {
		return GroupUnits / 4
	}
	return GroupUnits
}

// saysMore asks a unit whether its source yields another one without delay, if it can say.
func saysMore(u Unit) (more, says bool) {
	if m, ok := u.(interface{ More() bool }); ok {
		return m.More(), true
	}
	return false, false
}
