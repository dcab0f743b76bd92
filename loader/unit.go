package loader

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// errRestart says that the unit has to be read again from its start, because the schema is other than its rows.
var errRestart = errors.New("schema changed while the unit was loading")

// errEvolved is an errRestart after which the State knows what the database has.
var errEvolved = fmt.Errorf("%w: columns were added", errRestart)

// errClaimed is an errRestart after another loader has loaded units of the group meanwhile: the ledger tells which.
var errClaimed = fmt.Errorf("%w: a unit is loaded already", errRestart)

// errUnreadable says that units cannot be read: the attempt knows which.
var errUnreadable = errors.New("units cannot be read")

// loadGroup loads a group, starting again as often as the schema changes under it or a fault passes. The error is not nil if the
// whole Load must end.
func (l *worker) loadGroup(ctx context.Context, g *group) error {
	for faults, restarts := 0, 0; len(g.members) > 0; {
		a, err := l.try(ctx, g)
		switch {
		case err == nil:
			continue
		case restarts < maxRestarts && (errors.Is(err, errEvolved) || errors.Is(err, errClaimed)):
			restarts++
			continue
		case ctx.Err() != nil:
			return fmt.Errorf("load %s: %w", g.name(), context.Cause(ctx))
		case errors.Is(err, errRestart) && restarts < maxRestarts:
			restarts++
			l.cfg.Logger.InfoContext(ctx, "unit starts again", "unit", g.name(), "cause", err)
		case passes(err) && faults < l.cfg.Attempts:
			faults++
			l.cfg.Logger.WarnContext(ctx, "unit starts again", "unit", g.name(), "attempt", faults, "cause", err)
			if err := sleep(ctx, backOff(faults)); err != nil {
				return err
			}
		default:
			if err := l.refuse(ctx, g, a, err); err != nil {
				return err
			}
		}
		// What the attempt took for granted may not be so: no column it wanted is sure to be there.
		if err := l.readCatalog(ctx); err != nil && !passes(err) {
			return err
		}
	}
	return nil
}

// maxRestarts bounds the race with other loaders that change the schema all the time.
const maxRestarts = 50

// refuse lets the units go that err is about. Faults of the database end the Load instead.
func (l *worker) refuse(ctx context.Context, g *group, a *attempt, err error) error {
	switch {
	case errors.Is(err, errUnreadable): // a.failed says which
	case a == nil || !ofTheData(err): // without an attempt it is about none of them alone
		return fmt.Errorf("load %s: %w", g.name(), err)
	case len(a.units) > 1: // one of them: it will be alone in the end
		return l.halve(ctx, a)
	default:
		a.failed[0] = fmt.Errorf("load %s: %w", g.name(), err)
	}
	return l.fail(ctx, a)
}

// halve loads each half of a group by itself.
func (l *worker) halve(ctx context.Context, a *attempt) error {
	var units []queued
	for _, m := range a.units {
		units = append(units, m.queued)
	}
	a.members = nil
	for _, half := range [][]queued{units[:len(units)/2], units[len(units)/2:]} {
		g, err := l.newGroup(half, a.sum)
		if err != nil {
			return err
		}
		if err := l.readCatalog(ctx); err != nil {
			return err
		}
		if err := l.loadGroup(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func backOff(n int) time.Duration {
	d := min(50*time.Millisecond<<n, 5*time.Second)
	return d/2 + rand.N(d)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
