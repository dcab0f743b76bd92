package cli

import (
	"context"
	"iter"
	"time"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
)

// loadForever loads what a watched source has, again and again, each time all that is there: so each has a summary of its
// own. It ends with ctx, without an error, or when the database is not to be had.
func (a *app) loadForever(ctx context.Context, src loader.Source, l *loader.Loader, o *outcome, f loadFlags) error {
	s := newSupply(ctx, src)
	defer s.close()
	for s.wait(ctx) {
		next := *o
		err := a.loadOnce(ctx, &watchedSource{Source: s, remote: true}, l, &next, f)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !next.onlyUnits() && next.err != nil {
			return err
		}
	}
	return nil
}

// maxBatch is how many units are loaded before the next summary, and linger how long is waited for one more.
const (
	maxBatch = 10_000
	linger   = 200 * time.Millisecond
)

// supply divides what a watched source yields into batches: as a loader.Source, it has a first unit and what follows that
// without delay.
type supply struct {
	found  chan yielded
	first  *yielded // that the next batch begins with
	cancel context.CancelFunc
}

type yielded struct {
	unit source.Unit
	err  error
}

func newSupply(ctx context.Context, src loader.Source) *supply {
	s := &supply{found: make(chan yielded)}
	ctx, s.cancel = context.WithCancel(ctx)
	go func() {
		defer close(s.found)
		for u, err := range src.Units(ctx) {
			select {
			case s.found <- yielded{u, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

// wait waits for the first unit of a batch, unless the batch before has left it. It returns false when ctx has ended.
func (s *supply) wait(ctx context.Context) bool {
	if s.first != nil {
		return ctx.Err() == nil
	}
	select {
	case y, ok := <-s.found:
		s.first = &y
		return ok && ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// Units implements loader.Source.
func (s *supply) Units(ctx context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) {
		if s.first == nil {
			return
		}
		y := *s.first
		s.first = nil
		for range maxBatch {
			if !yield(y.unit, y.err) {
				return
			}
			var ok bool
			select {
			case y, ok = <-s.found:
				if !ok {
					return
				}
			case <-time.After(linger):
				return
			case <-ctx.Done():
				return
			}
		}
		s.first = &y
	}
}

// close ends the source and waits for it.
func (s *supply) close() {
	s.cancel()
	for range s.found { // it ends
	}
}
