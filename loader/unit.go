package loader

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/source"
)

// errRestart says that the unit has to be read again from its start, because the schema is other than its rows.
var errRestart = errors.New("schema changed while the unit was loading")

// errEvolved is an errRestart after which the State knows what the database has.
var errEvolved = fmt.Errorf("%w: columns were added", errRestart)

// errClaimed says that another loader has loaded the unit meanwhile.
var errClaimed = errors.New("unit is loaded already")

// attempt is one try to load a unit.
type attempt struct {
	unit       Unit
	load       ledger.Load
	report     *Report // of this attempt alone
	sum        *tally  // where applied migrations are reported, whatever becomes of the attempt
	changes    *changes
	rejected   *rejections // of all attempts
	committing bool        // COMMIT was sent: only the ledger knows what became of it
}

// empty reports whether there is nothing to commit: a replay in which no record was taken is no load.
func (a *attempt) empty() bool {
	return a.load.Unit.Kind == source.KindReplay && a.report.Accepted == 0
}

// changes are the tables and columns that a unit needed. They stay when its attempt is rolled back.
type changes struct{ tables, columns int64 }

// loadUnit loads one unit, starting again as often as the schema changes under it or a fault passes. The error is not
// nil if the whole Load must end.
func (l *worker) loadUnit(ctx context.Context, unit Unit, sum *tally) (UnitReport, error) {
	out := UnitReport{Unit: unit.Name(), Status: Interrupted}
	id, err := uuid.NewRandom()
	if err != nil {
		return out, fmt.Errorf("make load id: %w", err)
	}
	started := l.now()
	var committing *attempt
	var made changes
	var rejected rejections
	for faults, restarts := 0, 0; ; {
		a := &attempt{unit: unit, report: newReport(l.cfg.Schema), sum: sum, changes: &made, rejected: &rejected, load: ledger.Load{
			ID: id, Started: started, UUIDTS: l.clock.instant(),
			Unit: ledger.Unit{Key: unit.Key(), Name: unit.Name(), Kind: source.KindOf(unit), Size: unit.Size()},
		}}
		err := l.try(ctx, a)
		if a.committing {
			committing = a
		}
		switch {
		case err == nil:
			return l.finished(out, a), nil
		case errors.Is(err, errClaimed):
			if committing != nil && a.load.ID == id && l.isMine(ctx, a) {
				return l.finished(out, committing), nil
			}
			out.Status = Skipped
			return out, nil
		case ctx.Err() != nil:
			return out, fmt.Errorf("load %s: %w", unit.Name(), context.Cause(ctx))
		case errors.Is(err, errRestart) && restarts < maxRestarts:
			restarts++
			l.cfg.Logger.InfoContext(ctx, "unit starts again", "unit", unit.Name(), "cause", err)
			if errors.Is(err, errEvolved) {
				continue
			}
		case passes(err) && faults < l.cfg.Attempts:
			faults++
			l.cfg.Logger.WarnContext(ctx, "unit starts again", "unit", unit.Name(), "attempt", faults, "cause", err)
			if err := sleep(ctx, backOff(faults)); err != nil {
				return out, err
			}
		default:
			return l.failed(ctx, out, a, err)
		}
		// What the attempt took for granted may not be so: no column it wanted is sure to be there.
		if err := l.readCatalog(ctx); err != nil && !passes(err) {
			return out, err
		}
	}
}

// maxRestarts bounds the race with other loaders that change the schema all the time.
const maxRestarts = 50

func (l *worker) finished(out UnitReport, a *attempt) UnitReport {
	a.sum.committed(l.now(), a.report, l.state.Blocked())
	out.Status, out.Counts = Finished, a.report.Counts
	if !a.empty() {
		out.Load = a.load.ID
	}
	return out
}

// isMine reports whether the load that the ledger has for the unit is this one: its COMMIT went through and only the
// answer was lost.
func (l *worker) isMine(ctx context.Context, a *attempt) bool {
	id, ok, err := l.ledger.Find(ctx, l.pool, a.unit.Key())
	return err == nil && ok && id == a.load.ID
}

// failed records a unit that cannot be loaded as a whole. Faults of the database end the Load instead.
func (l *worker) failed(ctx context.Context, out UnitReport, a *attempt, err error) (UnitReport, error) {
	var read *readError
	if !errors.As(err, &read) { // that names the unit
		err = fmt.Errorf("load %s: %w", a.unit.Name(), err)
	}
	if !ofTheData(err) {
		return out, err
	}
	out.Status, out.Err, a.load.Err = Failed, err, err
	if err := l.ledger.Fail(ctx, l.pool, &a.load); err != nil {
		return out, errors.Join(out.Err, err)
	}
	out.Load = a.load.ID
	return out, l.readCatalog(ctx)
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
