package feed

import (
	"sync"
	"time"

	"github.com/tapline/tapline/internal/stream"
)

// hand are the frames that a worker has taken and not yet acknowledged or given back. It keeps saying so to the server.
type hand struct {
	frames []*stream.Frame // taken, in their order
	bytes  int64
	oldest time.Time
	newest time.Time

	mu   sync.Mutex
	held map[*stream.Frame]struct{}
	last *stream.Frame // loaded, and acknowledged when the next one is

	every time.Duration // between two signs
	stop  chan struct{}
	done  sync.WaitGroup
}

func newHand(signEvery time.Duration) *hand {
	return &hand{held: map[*stream.Frame]struct{}{}, every: signEvery, stop: make(chan struct{})}
}

// take adds frames.
func (h *hand) take(frames []*stream.Frame) {
	if len(frames) == 0 {
		return
	}
	if len(h.frames) == 0 {
		h.done.Go(h.sign)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range frames {
		h.frames = append(h.frames, f)
		h.held[f] = struct{}{}
		h.bytes += int64(len(f.Data))
		if h.oldest.IsZero() || f.Stored.Before(h.oldest) {
			h.oldest = f.Stored
		}
		if f.Stored.After(h.newest) {
			h.newest = f.Stored
		}
	}
}

// sign keeps the frames from being given to others, until release.
func (h *hand) sign() {
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-tick.C:
		}
		h.mu.Lock()
		for f := range h.held {
			_ = f.InHand() // if the word does not get there, another worker loads the frame too, and finds it loaded
		}
		h.mu.Unlock()
	}
}

// ack acknowledges a frame that is loaded. If the word does not get there, it comes again, and is skipped.
func (h *hand) ack(f *stream.Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.held[f]; ok {
		delete(h.held, f)
		if h.last != nil {
			_ = h.last.Ack()
		}
		h.last = f
	}
}

// final returns the loaded frame that is to be acknowledged last, nil if none was loaded.
func (h *hand) final() *stream.Frame {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// loaded are the frames that were acknowledged.
func (h *hand) loaded() (out []*stream.Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.frames {
		if _, held := h.held[f]; !held {
			out = append(out, f)
		}
	}
	return out
}

// giveBack lets all frames that are left come again after a time.
func (h *hand) giveBack(after time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.held {
		_ = f.GiveBack(after) // else it comes again when nobody has said that it is in hand for long enough
	}
	clear(h.held)
}

// release ends the signs.
func (h *hand) release() {
	close(h.stop)
	h.done.Wait()
}
