package ingest

import (
	"sync"
	"time"
)

// lane is the way of one source's requests to its stream. Sources do not wait for each other.
type lane struct {
	c      *Collector
	source string

	mu     sync.Mutex
	open   *draft   // collects
	due    bool     // open has lingered, and goes as soon as one in flight has landed
	queue  []*draft // full
	flying int
}

// draft is a frame until it is acknowledged, or has failed.
type draft struct {
	buf      []byte
	schema   string
	requests int64
	bytes    int64 // of bodies
	done     chan struct{}
	err      error // valid once done is closed
}

// add puts a request into the frame that collects now. A request that does not fit there begins the next.
func (l *lane) add(r *Request) (*draft, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != nil && len(l.open.buf)+perBody+len(r.Body) > l.c.opts.FrameBytes {
		l.full()
	}
	if l.open == nil {
		if err := l.begin(); err != nil {
			return nil, err
		}
	}
	d := l.open
	d.buf = add(d.buf, r)
	d.requests++
	d.bytes += int64(len(r.Body))
	if len(d.buf) >= l.c.opts.FrameBytes {
		l.full()
	}
	return d, nil
}

// begin makes a frame that collects.
func (l *lane) begin() error {
	schema, err := l.c.opts.Schema(l.source)
	if err != nil {
		return err
	}
	d := &draft{schema: schema, done: make(chan struct{}), buf: begin(l.c.buffer(), l.source)}
	l.open, l.due = d, false
	l.c.busy.Add(1)
	time.AfterFunc(l.c.opts.Linger, func() { l.lingered(d) })
	return nil
}

// lingered sends the frame if it still collects and the server is not busy with others of this source: else it goes on
// collecting until that is so, since then it costs nobody any time.
func (l *lane) lingered(d *draft) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != d {
		return
	}
	if l.due = true; l.flying < l.c.opts.InFlight {
		l.full()
	}
}

// finish sends what collects.
func (l *lane) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != nil {
		l.full()
	}
}

// full ends the collecting of the open frame.
func (l *lane) full() {
	l.queue = append(l.queue, l.open)
	l.open, l.due = nil, false
	l.send()
}

// send sends frames as long as not too many are in flight.
func (l *lane) send() {
	for len(l.queue) > 0 && l.flying < l.c.opts.InFlight {
		d := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		l.flying++
		go l.publish(d)
	}
}

// publish sends one frame and tells those who wait for it.
func (l *lane) publish(d *draft) {
	defer l.c.busy.Done()
	seal(d.buf)
	d.err = l.c.opts.Broker.Publish(l.c.publishing, d.schema, idOf(d.buf), d.buf)
	l.c.landed(l.source, d)
	close(d.done)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flying--
	if l.send(); l.open != nil && l.due && l.flying < l.c.opts.InFlight {
		l.full()
	}
}

// landed counts a frame. The buffer of one that failed may still be in use.
func (c *Collector) landed(source string, d *draft) {
	c.pending.Add(-d.bytes)
	if d.err != nil {
		c.failed.Add(d.requests)
		c.opts.Logger.Warn("frame not taken", "source", source, "requests", d.requests, "bytes", len(d.buf), "cause", d.err)
	} else {
		c.requests.Add(d.requests)
		c.bytes.Add(d.bytes)
		c.frames.Add(1)
		if cap(d.buf) <= 2*c.opts.FrameBytes {
			c.buffers.Put(&d.buf)
		}
	}
}

func (c *Collector) buffer() []byte {
	if b, ok := c.buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 16<<10)
}
