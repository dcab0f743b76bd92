package feed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// grace is how long a load may go on after the worker was told to stop; what the loader then needs to roll it back comes on
// top.
const grace = 3 * time.Second

// frames are units in their order.
type frames []*stream.Frame

// Units implements source.Source.
func (f frames) Units(context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) {
		for i := range f {
			if !yield(ingest.NewUnit(f[i], i < len(f)-1), nil) {
				return
			}
		}
	}
}

// load loads the frames in hand and acknowledges those that are committed.
func (l *line) load(ctx context.Context) error {
	limited, cancel := withGrace(ctx)
	defer cancel()
	start := time.Now()
	failpoint.Hit("after-fetch")
	if failpoint.BrokenAck {
		for _, f := range l.hand.frames {
			l.hand.ack(f)
		}
		l.heard(limited)
	}
	report, err := l.loader.Load(limited, frames(l.hand.frames))
	if err == nil {
		for _, f := range l.hand.frames {
			l.hand.ack(f)
		}
	}
	l.loaded(&report, time.Since(start))
	l.heard(limited)
	failpoint.Hit("after-ack")
	var units *loader.UnitsError
	switch {
	case err == nil:
		l.faults = 0
		if time.Now().After(l.blocked) {
			l.set(Running, "")
		}
		return nil
	case ctx.Err() != nil:
		l.hand.giveBack(0)
		return nil
	case errors.As(err, &units):
		// Frames that cannot be loaded as a whole, such as those of a later release, hold up nobody else.
		l.faults = 0
		l.blocked = time.Now().Add(l.w.opts.PauseRetry + 2*l.w.opts.LoadEvery) // by then they were tried again
		l.set(Paused, err.Error())
		l.hand.giveBack(l.w.opts.PauseRetry)
		return nil
	case loader.Passes(err):
		l.faults++
		wait := l.backOff()
		l.hand.giveBack(wait)
		l.fault(ctx, Retrying, err, wait)
	default:
		l.faults++
		l.hand.giveBack(l.w.opts.PauseRetry)
		l.fault(ctx, Paused, err, l.w.opts.PauseRetry)
	}
	return nil
}

// withGrace is ctx, ended a little later.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-limited.Done():
		case <-time.After(grace):
			cancel(fmt.Errorf("the worker is stopped: %w", context.Cause(ctx)))
		}
	})
	return limited, func() {
		stop()
		cancel(nil)
	}
}

// ended is told of each unit by the loader, once it is certain what became of it.
func (l *line) ended(u loader.Unit, r loader.UnitReport) {
	if frame, ok := u.(*ingest.Unit); ok && r.Status != loader.Failed {
		failpoint.Hit("before-ack")
		l.hand.ack(frame.Frame())
	}
}

// loaded counts what was committed.
func (l *line) loaded(report *loader.Report, took time.Duration) {
	h := l.hand
	h.mu.Lock()
	acked := len(h.frames) - len(h.held)
	h.mu.Unlock()
	if acked == 0 {
		return
	}
	l.purge = true
	for _, f := range h.loaded() {
		l.above = append(l.above, above{f.Sequence, time.Now()})
	}
	l.mu.Lock()
	l.status.LastLoad, l.status.LastDuration = time.Now(), took
	l.status.Frames += int64(acked)
	l.status.Events += report.Loaded
	l.mu.Unlock()
	l.w.opts.Loaded(Load{
		Source: l.source, Schema: l.schema, Report: *report, Frames: acked, Bytes: h.bytes,
		Oldest: h.oldest, Newest: h.newest, Duration: took,
	})
}

// heard acknowledges the last frame so that the server's answer comes after it has heard all, and lets the server forget what is
// loaded. Neither is needed for anything to be right: what comes again is skipped.
func (l *line) heard(ctx context.Context) {
	last := l.hand.final()
	if last == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, hearing)
	defer cancel()
	if err := last.AckSync(ctx); err != nil {
		l.w.opts.Logger.WarnContext(ctx, "acknowledgement not heard: frames may come again, and are skipped then", "source", l.source, "cause", err)
		return
	}
	_ = l.clean(ctx) // else it is done when there is nothing to load
}

// hearing is how long the server may take to confirm what it has heard.
const hearing = 2 * time.Second
