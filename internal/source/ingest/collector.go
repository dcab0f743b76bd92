package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/schema"
)

// CollectorOptions say how requests become frames. Broker is needed.
type CollectorOptions struct {
	// Broker holds the streams. It stays the caller's.
	Broker *stream.Broker
	// Schema returns the schema that a source's events are loaded into, after which its stream is named. Defaults to
	// schema.SchemaName.
	Schema func(nickname string) (string, error)
	// FrameBytes is the size at which a frame is full; a request that is larger makes a frame by itself. Defaults to 256 KiB.
	FrameBytes int
	// Linger is how long the first request of a frame waits for others. Defaults to 3 ms.
	Linger time.Duration
	// InFlight is how many frames of one source are sent to the server at once; when there are that many, the next one
	// collects requests until it is full. Defaults to 4.
	InFlight int
	// MaxPending is how many bytes of requests may wait for their acknowledgement; those beyond are refused with
	// ErrUnavailable at once. Defaults to 64 MiB.
	MaxPending int64
	// Logger gets why frames were not taken. Defaults to none.
	Logger *slog.Logger
}

func (o CollectorOptions) withDefaults() (CollectorOptions, error) {
	switch {
	case o.Broker == nil:
		return o, errors.New("ingest: no broker given")
	case o.FrameBytes < 0 || o.Linger < 0 || o.InFlight < 0 || o.MaxPending < 0:
		return o, errors.New("ingest: sizes and times must not be negative")
	case o.FrameBytes > stream.MaxFrame:
		return o, fmt.Errorf("ingest: frames of %d bytes: a stream takes %d", o.FrameBytes, stream.MaxFrame)
	}
	if o.Schema == nil {
		o.Schema = schema.SchemaName
	}
	if o.FrameBytes == 0 {
		o.FrameBytes = 256 << 10
	}
	if o.Linger == 0 {
		o.Linger = 3 * time.Millisecond
	}
	if o.InFlight == 0 {
		o.InFlight = 4
	}
	if o.MaxPending == 0 {
		o.MaxPending = 64 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// CollectorStats are sums since the start.
type CollectorStats struct {
	Requests, Frames, Bytes int64 // acknowledged
	Failed                  int64 // requests that were not
	Pending                 int64 // bytes that wait now
}

// Collector is the Intake that collects requests into frames of a stream: those of many goroutines share a frame, and so
// one write to disk.
type Collector struct {
	opts    CollectorOptions
	buffers sync.Pool

	mu     sync.RWMutex
	lanes  map[string]*lane // by source
	closed bool
	busy   sync.WaitGroup // of drafts

	publishing context.Context //nolint:containedctx // of all drafts; ends when nobody waits for them any more
	giveUp     context.CancelCauseFunc

	requests, frames, bytes, failed, pending atomic.Int64
}

var _ Intake = (*Collector)(nil)

// NewCollector returns a Collector. Close it after use, before its Broker.
func NewCollector(o CollectorOptions) (*Collector, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Collector{opts: o, lanes: map[string]*lane{}}
	c.publishing, c.giveUp = context.WithCancelCause(context.Background())
	return c, nil
}

// Errors of Append that are no fault of the stream.
var (
	errOverload = fmt.Errorf("%w: too many requests wait for their acknowledgement", ErrUnavailable)
	errClosed   = fmt.Errorf("%w: it is being stopped", ErrUnavailable)
)

// Append implements Intake.
func (c *Collector) Append(ctx context.Context, r *Request) error {
	size := int64(len(r.Body))
	if most := int64(stream.MaxFrame - header - maxSource - perBody); size > most || len(r.Source) > maxSource {
		return fmt.Errorf("append request: a body of %d bytes, %d fit into a frame", size, most)
	}
	if err := c.opts.Broker.Ready(); err != nil {
		c.failed.Add(1)
		return err
	}
	if c.pending.Add(size) > c.opts.MaxPending {
		c.pending.Add(-size)
		c.failed.Add(1)
		return errOverload
	}
	d, err := c.draft(r)
	if err != nil {
		c.pending.Add(-size)
		c.failed.Add(1)
		return err
	}
	if failpoint.BrokenAnswer {
		return nil
	}
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return context.Cause(ctx) // the frame is on its way all the same
	}
}

// draft puts the request into a frame.
func (c *Collector) draft(r *Request) (*draft, error) {
	c.mu.RLock()
	defer c.mu.RUnlock() // Close waits for what is in a frame
	if c.closed {
		return nil, errClosed
	}
	l := c.lanes[r.Source]
	if l == nil {
		c.mu.RUnlock()
		c.mu.Lock()
		if l = c.lanes[r.Source]; l == nil {
			l = &lane{c: c, source: r.Source}
			c.lanes[r.Source] = l
		}
		c.mu.Unlock()
		c.mu.RLock()
		if c.closed {
			return nil, errClosed
		}
	}
	return l.add(r)
}

// Ready implements Intake.
func (c *Collector) Ready() error {
	if c.pending.Load() > c.opts.MaxPending*9/10 {
		return errOverload
	}
	return c.opts.Broker.Ready()
}

// Stats returns sums since the start.
func (c *Collector) Stats() CollectorStats {
	return CollectorStats{
		Requests: c.requests.Load(), Frames: c.frames.Load(), Bytes: c.bytes.Load(), Failed: c.failed.Load(), Pending: c.pending.Load(),
	}
}

// GiveUp fails everything that is not acknowledged yet, and all that is appended from now on: whoever waits is told so.
func (c *Collector) GiveUp() { c.giveUp(errClosed) }

// closing is how long Close waits for a server that may not answer at all.
const closing = time.Second

// Close waits until everything that was appended is acknowledged or has failed. Append fails from then on. What a server does
// not acknowledge now fails, and whoever still waits is told: a long queue must not hold up the end of the process.
func (c *Collector) Close() error {
	c.mu.Lock()
	c.closed = true
	for _, l := range c.lanes {
		l.finish()
	}
	c.mu.Unlock()
	defer time.AfterFunc(closing, c.GiveUp).Stop()
	c.busy.Wait()
	c.giveUp(nil)
	return nil
}
