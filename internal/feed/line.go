package feed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// line is the loading of one source.
type line struct {
	w                        *Worker
	source, schema, revision string
	loader                   *loader.Loader
	cancel                   context.CancelFunc
	stopped                  chan struct{}

	consumer *stream.Consumer // nil until there is a stream
	purge    bool             // something was acknowledged since the last purge
	purged   time.Time
	above    []above
	faults   int       // in a row
	blocked  time.Time // until then frames wait that cannot be loaded as a whole
	hand     *hand

	mu     sync.Mutex
	status Status
}

func (l *line) start(ctx context.Context) {
	ctx, l.cancel = context.WithCancel(ctx)
	go func() {
		defer close(l.stopped)
		defer l.loader.Close()
		for ctx.Err() == nil {
			l.after(ctx, l.cycle(ctx))
		}
	}()
}

func (l *line) stop() { l.cancel() }

const (
	// looking is how often a source without a stream is looked at, waiting how long a fetch waits for frames.
	looking = time.Second
	waiting = 500 * time.Millisecond
	// purging is how often an idle stream is purged, which also finds out that it is another one now.
	purging = 15 * time.Second
	// maxFrames is how many frames are loaded at once.
	maxFrames = 4096
)

// cycle collects frames and loads them.
func (l *line) cycle(ctx context.Context) error {
	if l.consumer == nil {
		c, err := l.w.opts.Broker.Consumer(ctx, l.schema)
		if err != nil {
			return err
		}
		if c == nil {
			l.idle()
			pause(ctx, looking)
			return nil
		}
		l.consumer = c
	}
	l.hand = newHand(l.consumer.SignEvery())
	defer l.hand.release()
	err := l.gather(ctx)
	if len(l.hand.frames) == 0 {
		if err == nil && (l.purge || l.overdue() || time.Since(l.purged) > l.purging()) {
			err = l.clean(ctx)
		}
		return err
	}
	if ctx.Err() != nil {
		l.hand.giveBack(0)
		return nil
	}
	if err = l.load(ctx); err == nil && ctx.Err() == nil && l.overdue() {
		err = l.clean(ctx)
	}
	return err
}

// gather takes frames until LoadEvery has passed since the first, or there are LoadBytes of them. After a fault it takes one
// alone, to see whether it is over.
func (l *line) gather(ctx context.Context) error {
	o := &l.w.opts
	frames, bytes := maxFrames, o.LoadBytes
	if l.faults > 0 {
		frames, bytes = 1, 1
	}
	var deadline time.Time
	for ctx.Err() == nil {
		wait := waiting
		if !deadline.IsZero() {
			wait = min(wait, time.Until(deadline))
		}
		if wait <= 0 || len(l.hand.frames) >= frames || l.hand.bytes >= bytes {
			return nil
		}
		got, err := l.consumer.Fetch(min(stepFrames, frames-len(l.hand.frames)), bytes-l.hand.bytes, max(wait, minWait))
		l.hand.take(got)
		if err != nil {
			return err
		}
		if deadline.IsZero() {
			if len(got) == 0 {
				return nil
			}
			deadline = time.Now().Add(o.LoadEvery)
		}
	}
	return nil
}

const (
	stepFrames = 256
	minWait    = 10 * time.Millisecond
)

// after decides what follows a cycle: on success the next one at once, after a fault one when it may be over.
func (l *line) after(ctx context.Context, err error) {
	switch {
	case err == nil:
		return
	case ctx.Err() != nil:
		return
	case errors.Is(err, stream.ErrGone):
		l.consumer, l.above = nil, nil
		return
	}
	l.consumer = nil // it may be another one when the server is back
	var setting *stream.SettingError
	if errors.As(err, &setting) {
		l.fault(ctx, Paused, err, l.w.opts.PauseRetry)
		return
	}
	l.faults++
	l.fault(ctx, Retrying, err, l.backOff())
}

// fault notes why loading does not go on, and waits.
func (l *line) fault(ctx context.Context, state State, err error, wait time.Duration) {
	l.set(state, err.Error())
	l.w.opts.Logger.WarnContext(ctx, "source is not loaded now", "source", l.source, "state", string(state), "again", wait, "cause", err)
	pause(ctx, wait)
}

// backOff is twice as long after each fault, give or take a quarter.
func (l *line) backOff() time.Duration {
	o := &l.w.opts
	d := min(o.RetryMin<<min(l.faults-1, 16), o.RetryMax)
	return d*3/4 + rand.N(d/2+1)
}

// set notes a state, and tells who wants to know.
func (l *line) set(state State, reason string) {
	l.mu.Lock()
	same := l.status.State == state && l.status.Reason == reason
	if l.status.State != state {
		l.status.Since = time.Now()
	}
	l.status.State, l.status.Reason = state, reason
	status := l.status
	l.mu.Unlock()
	if !same {
		l.w.opts.Changed(status)
	}
}

// above is a frame that was loaded and is not known to be purged.
type above struct {
	sequence uint64
	loaded   time.Time
}

// clean purges what is acknowledged up to the first frame that is not. Loaded frames that have long been waiting for that one
// are removed one by one: until somebody has mended what is wrong with it the stream must not fill up with them.
func (l *line) clean(ctx context.Context) error {
	floor, left, err := l.consumer.Purge(ctx)
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	if left == 0 {
		l.idle()
	}
	l.above = slices.DeleteFunc(l.above, func(a above) bool { return a.sequence <= floor })
	for l.overdue() {
		if err := l.consumer.Remove(ctx, l.above[0].sequence); err != nil {
			return err
		}
		l.above = l.above[1:]
	}
	l.purge, l.purged = false, time.Now()
	return nil
}

// purging is how often an idle stream is looked at: more often while it is said that something is wrong.
func (l *line) purging() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.State != Running {
		return min(purging, l.w.opts.PauseRetry)
	}
	return purging
}

// idle notes that nothing waits: whatever was wrong, it keeps nothing from being loaded. Others may have loaded what could
// not be loaded here.
func (l *line) idle() {
	l.faults, l.blocked = 0, time.Time{}
	l.set(Running, "")
}

// overdue reports whether a loaded frame has waited too long to be purged.
func (l *line) overdue() bool {
	return len(l.above) > 0 && time.Since(l.above[0].loaded) > l.w.opts.PauseRetry
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
