package stream

import (
	"context"
	"fmt"
	"time"
)

const (
	lookEvery   = 500 * time.Millisecond
	verifyEvery = 30 * time.Second
	// lostInARow is after how many publishings without an answer the embedded server is taken for stuck: a write error of its
	// disk makes it silent until it is started again. Everything that it acknowledged is on disk.
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

// stuck reports whether the embedded server has to be started again. A disk that is only slow answers now and then.
func (b *Broker) stuck() bool {
	if b.embedded == nil {
		return false
	}
	silent := time.Since(time.Unix(0, b.heard.Load())) > lostInARow*b.opts.AckTimeout
	return !b.embedded.running() || silent && b.lost.Load() >= lostInARow
}

// restart starts the embedded server anew. The connection finds it by itself.
func (b *Broker) restart(ctx context.Context) {
	b.opts.Logger.WarnContext(ctx, "streams' server takes nothing: it is started again")
	b.embedded.stop()
	b.lost.Store(0)
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
