package stream

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	lookEvery   = 500 * time.Millisecond
	verifyEvery = 30 * time.Second
	// lostInARow is after how many publishings without an answer the embedded server is taken for stuck: a write error of its
	// disk makes a stream silent until it is started again. Everything that it acknowledged is on disk.
	lostInARow   = 3
	restartEvery = 10 * time.Second
)

// watch keeps looking whether frames can be taken, and starts the embedded server again if it takes none any more.
func (b *Broker) watch(ctx context.Context) {
	defer close(b.stopped)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	verified, restarted := time.Now(), time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if b.stuck() && b.room() == nil && time.Since(restarted) > restartEvery {
			b.restart(ctx)
			restarted = time.Now()
		}
		if time.Since(verified) > verifyEvery {
			b.verifyAll(ctx)
			verified = time.Now()
		}
		b.look(ctx)
	}
}

// look notes why nothing can be published now, if so.
func (b *Broker) look(context.Context) {
	err := b.room()
	switch {
	case err != nil:
	case b.embedded != nil && !b.embedded.running():
		err = fmt.Errorf("%w: it is not running", ErrUnavailable)
	case !b.conn.IsConnected():
		err = fmt.Errorf("%w: not connected", ErrUnavailable)
	}
	if err == nil {
		b.lack.Store(nil)
		return
	}
	b.lack.Store(&lack{err})
}

// room returns ErrFull if the embedded server's disk has too little of it.
func (b *Broker) room() error {
	if b.embedded == nil {
		return nil
	}
	free, err := freeBytes(b.opts.Dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if free < b.opts.MinFree {
		return fmt.Errorf("%w: the disk of %s has %d bytes left, %d are to stay free: make room", ErrFull, b.opts.Dir, free, b.opts.MinFree)
	}
	return nil
}

// silence is how long nothing that was asked of something has been answered.
type silence struct {
	lost  atomic.Int64 // in a row
	heard atomic.Int64 // when there was an answer last, in nanoseconds since 1970
}

func (s *silence) answered() {
	s.lost.Store(0)
	s.heard.Store(time.Now().UnixNano())
}

// long reports whether it has lasted for longer than a disk that is only slow makes it, which answers now and then.
func (s *silence) long(timeout time.Duration) bool {
	return s.lost.Load() >= lostInARow && time.Since(time.Unix(0, s.heard.Load())) > lostInARow*timeout
}

// stuck reports whether the embedded server has to be started again: a stream that has met a write error takes nothing more
// until then, while others go on.
func (b *Broker) stuck() bool {
	if b.embedded == nil {
		return false
	}
	if !b.embedded.running() || b.lookups.long(b.opts.AckTimeout) {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.streams {
		if s.long(b.opts.AckTimeout) {
			return true
		}
	}
	return false
}

// restart starts the embedded server anew. The connection finds it by itself.
func (b *Broker) restart(ctx context.Context) {
	b.opts.Logger.WarnContext(ctx, "streams' server takes nothing: it is started again")
	b.embedded.stop()
	b.lookups.lost.Store(0)
	b.mu.Lock()
	for _, s := range b.streams {
		s.lost.Store(0)
	}
	b.mu.Unlock()
	if err := b.embedded.start(ctx); err != nil {
		b.opts.Logger.ErrorContext(ctx, "streams' server does not start", "cause", err)
	}
}

// Ready returns nil while frames would most likely be taken, else why not.
func (b *Broker) Ready() error {
	if l := b.lack.Load(); l != nil {
		return l.err
	}
	return nil
}
