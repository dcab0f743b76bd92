package clevertap

import (
	"context"
	"sync"
)

// gate keeps the windows that are on their way within a limit of bytes that wait to be loaded, and within a number of days.
type gate struct {
	limit int64
	days  int // 0 for any number

	mu      sync.Mutex
	bytes   int64
	open    map[Day]int   // windows that have begun and not ended
	changed chan struct{} // closed when bytes or open windows become fewer
}

func newGate(limit int64, days int) *gate {
	return &gate{limit: limit, days: days, open: map[Day]int{}, changed: make(chan struct{})}
}

func (g *gate) take(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bytes += n
}

func (g *gate) free(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bytes -= n
	g.wake()
}

// end says that a window of a day has ended.
func (g *gate) end(d Day) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[d]--; g.open[d] == 0 {
		delete(g.open, d)
	}
	g.wake()
}

func (g *gate) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// begin returns when there is room for a window of a day.
func (g *gate) begin(ctx context.Context, d Day) error {
	for {
		g.mu.Lock()
		changed, room := g.changed, g.room(d)
		if room && ctx.Err() == nil {
			g.open[d]++
		}
		g.mu.Unlock()
		if room {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

func (g *gate) room(d Day) bool {
	if g.bytes > g.limit {
		return false
	}
	for o := range g.open {
		if g.days > 0 && !o.After(d.Add(-g.days)) {
			return false
		}
	}
	return true
}
