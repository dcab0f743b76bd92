package blob

import (
	"context"
	"slices"
	"sync"

	"github.com/tapline/tapline/internal/source"
)

const (
	// smallObject is the size up to which an object is fetched ahead, in bytes.
	smallObject = 1 << 20
	// window is how many objects behind the one that was opened are fetched, and fetches how many of them at once.
	window  = 48
	fetches = 16
)

// cache holds the bytes of small objects: of those that come next, of those that are being read, and of those that were
// read lately, since a group of units that has to be loaded again reads them again. Together they are no more than the
// limit. It begins to fetch when an object is opened: then those that were yielded behind it are wanted soon, whoever
// else loads from the same bucket.
type cache struct {
	limit  int64
	ctx    context.Context //nolint:containedctx // of fetches, which outlive the call that began them
	cancel context.CancelFunc
	busy   sync.WaitGroup
	slots  chan struct{}

	mu    sync.Mutex
	used  int64
	next  []*unit // yielded, not opened yet
	order []*held // begun, oldest first
}

// held are the bytes of an object that are here, or on their way.
type held struct {
	u     *unit
	ready chan struct{}
	data  []byte
	err   error
	users int // readers that need data
}

func newCache(limit int64) *cache {
	c := &cache{limit: limit, slots: make(chan struct{}, fetches)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *cache) small(u *unit) bool { return u.size > 0 && u.size <= min(smallObject, c.limit/4) }

// expect says that a unit is about to be yielded.
func (c *cache) expect(u *unit) {
	if !c.small(u) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.next) >= 2*source.Ahead { // nobody opens them: they were loaded already
		c.next = slices.Delete(c.next, 0, len(c.next)/2)
	}
	c.next = append(c.next, u)
}

// take returns the bytes of a unit if they are here or on their way, and lets those of the next ones come. No held
// means that the unit has to be read by itself. What was taken has to be released.
func (c *cache) take(ctx context.Context, u *unit) (*held, error) {
	h := c.want(u)
	if h == nil {
		return nil, nil
	}
	var err error
	select {
	case <-h.ready:
		err = h.err
	case <-ctx.Done():
		err = u.bucket.explain(ctx, opRead, u.Name(), ctx.Err())
	}
	if err != nil {
		c.release(h)
		return nil, err
	}
	return h, nil
}

// want begins to fetch a unit that is opened, and those behind it.
func (c *cache) want(u *unit) *held {
	if !c.small(u) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pass(u)
	if !c.begin(u) {
		return nil
	}
	u.held.users++
	for _, n := range c.next[:min(window, len(c.next))] {
		if !c.begin(n) {
			break
		}
	}
	return u.held
}

// pass takes a unit that is opened, and those before it, out of the queue.
func (c *cache) pass(u *unit) {
	if i := slices.Index(c.next, u); i >= 0 {
		c.next = slices.Delete(c.next, 0, i+1)
	}
}

// begin begins to fetch a unit, unless it is held. It returns false if there is no room.
func (c *cache) begin(u *unit) bool {
	if u.held != nil {
		return true
	}
	if c.ctx.Err() != nil || !c.room(u.size) {
		return false
	}
	h := &held{u: u, ready: make(chan struct{})}
	u.held = h
	c.used += u.size
	c.order = append(c.order, h)
	c.busy.Go(func() { c.fetch(h) })
	return true
}

// room drops what was read, oldest first, until size bytes fit.
func (c *cache) room(size int64) bool {
	kept := c.order[:0]
	for i, h := range c.order {
		if c.used+size <= c.limit {
			kept = append(kept, c.order[i:]...)
			break
		}
		if h.users > 0 || !h.done() || c.waits(h.u) {
			kept = append(kept, h)
			continue
		}
		c.drop(h)
	}
	clear(c.order[len(kept):])
	c.order = kept
	return c.used+size <= c.limit
}

// waits reports whether a unit was fetched and not opened yet, but will be.
func (c *cache) waits(u *unit) bool {
	return slices.Contains(c.next[:min(window, len(c.next))], u)
}

// drop forgets bytes. They stay out of c.order, which is the caller's to see to.
func (c *cache) drop(h *held) {
	c.used -= h.u.size
	h.u.held = nil
}

func (h *held) done() bool {
	select {
	case <-h.ready:
		return true
	default:
		return false
	}
}

func (c *cache) fetch(h *held) {
	defer close(h.ready)
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
		h.data, h.err = h.u.fetch(c.ctx)
	case <-c.ctx.Done():
		h.err = c.ctx.Err()
	}
}

// release says that a reader is done with what it took. Bytes that did not come are not held any longer.
func (c *cache) release(h *held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.users--
	if h.users > 0 || !h.done() || h.err == nil || h.u.held != h {
		return
	}
	c.drop(h)
	c.order = slices.DeleteFunc(c.order, func(o *held) bool { return o == h })
}

// close ends the fetches and waits for them.
func (c *cache) close() {
	c.cancel()
	c.busy.Wait()
}
