package federate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// runAlways keeps one goroutine for each destination that is not paused, and looks for new ones. A database that is not
// set up yet has none.
func (f *Federator) runAlways(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	var mu sync.Mutex
	running := map[string]bool{}
	for first := true; ; first = false {
		all, err := f.chosen(ctx)
		switch {
		case ended(ctx):
			return nil
		case first && errors.Is(err, ErrNotFound):
			return err
		case errors.Is(err, errNotSetUp):
			f.opt.Logger.DebugContext(ctx, "no destinations yet", slog.Any("error", err))
		case err != nil:
			f.opt.Logger.WarnContext(ctx, "cannot read destinations", slog.Any("error", err))
		}
		for i := range all {
			d := &all[i]
			mu.Lock()
			idle := !running[d.Name] && d.Status != Paused
			running[d.Name] = running[d.Name] || idle
			mu.Unlock()
			if !idle {
				continue
			}
			wg.Go(func() {
				f.untilPaused(ctx, d)
				mu.Lock()
				defer mu.Unlock()
				delete(running, d.Name)
			})
		}
		if _ = sleep(ctx, f.opt.Poll); ended(ctx) {
			return nil
		}
	}
}

// untilPaused sends to one destination until ctx ends or it is paused or removed.
func (f *Federator) untilPaused(ctx context.Context, d *Destination) {
	pause := f.pauses()
	for ctx.Err() == nil {
		start := time.Now()
		_, err := f.session(ctx, d.Name)
		var paused *PausedError
		switch {
		case ctx.Err() != nil, errors.As(err, &paused), errors.Is(err, ErrNotFound):
			return
		case errors.Is(err, errChanged):
			continue
		case errors.Is(err, ErrLeased): // the other one does the work
		case err != nil:
			f.opt.Logger.WarnContext(ctx, "federation is interrupted", slog.String("destination", d.Name), slog.Any("error", err))
			f.noteError(ctx, d.Name, err)
		}
		if time.Since(start) > f.opt.RetryMax {
			pause.Reset()
		}
		if sleep(ctx, max(f.opt.Poll, pause.NextBackOff())) != nil {
			return
		}
	}
}

// untilDone sends to one destination what there is.
func (f *Federator) untilDone(ctx context.Context, d *Destination) error {
	pause, tries := f.pauses(), attempts{good: time.Now()}
	for {
		moved, err := f.session(ctx, d.Name)
		var paused *PausedError
		var setup setupError
		switch {
		case err == nil, ended(ctx):
			return nil
		case errors.Is(err, errChanged):
			continue
		case errors.As(err, &setup), denied(err):
			f.noteError(ctx, d.Name, err)
			return fmt.Errorf("destination %s: %w", d.Name, err)
		case errors.As(err, &paused), errors.Is(err, ErrNotFound), errors.Is(err, errReplayChanged):
			return err
		}
		if moved {
			tries.good = time.Now()
			pause.Reset()
		}
		if tries.enough(err, time.Now(), &f.opt) {
			f.noteError(ctx, d.Name, err)
			return fmt.Errorf("destination %s: %w", d.Name, err)
		}
		f.opt.Logger.InfoContext(ctx, "federation begins again", slog.String("destination", d.Name), slog.Any("error", err))
		if _ = sleep(ctx, min(pause.NextBackOff(), f.opt.Poll)); ended(ctx) {
			return nil
		}
	}
}

// attempts are what untilDone knows of the sessions that failed.
type attempts struct {
	good   time.Time // when something arrived last, or the first session began
	leased time.Time // since when another session has the lease; zero if none has
}

// enough reports whether a destination is to be given up after an error.
func (a *attempts) enough(err error, now time.Time, o *Options) bool {
	if !errors.Is(err, ErrLeased) {
		a.leased = time.Time{}
		return now.Sub(a.good) > o.GiveUp
	}
	if a.leased.IsZero() {
		a.leased = now
	}
	// A process that was killed has a lease until it ends; so has our own last session if Postgres went away under it.
	return now.Sub(a.leased) > o.Lease+o.Lease/2
}

// denied reports whether the role lacks a right, which time does not give it.
func denied(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}

func (f *Federator) pauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = f.opt.RetryMin, f.opt.RetryMax, 2
	b.Reset()
	return b
}

// ended reports whether somebody wants this to end, which is no error.
func ended(ctx context.Context) bool { return ctx.Err() != nil }

// sleep waits, or returns the error of a context that ended before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
