package loader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/source"
)

// GroupUnits is how many small units share a transaction at most.
const GroupUnits = source.Ahead

// queued is a unit with its place in the Report.
type queued struct {
	unit  Unit
	place int
}

// group is what is loaded in one transaction: a unit, or small ones that follow each other. Units leave it that turn out to
// be loaded already or that fail; the others are then loaded without them.
type group struct {
	members  []*member
	sum      *tally
	started  time.Time
	rejected rejections // of all attempts
	changes  changes
	sent     *attempt // the last one whose COMMIT was sent: only the ledger knows what became of it
}

// member is a unit of a group.
type member struct {
	queued
	load  uuid.UUID // its load's key, through all attempts
	key   string
	known bool // a window that is in the ledger: it is read again
}

// changes are the tables and columns that a group needed. They stay when its attempt is rolled back.
type changes struct{ tables, columns int64 }

func (l *Loader) newGroup(units []queued, sum *tally) (*group, error) {
	g := &group{sum: sum, started: l.now()}
	for _, q := range units {
		id, err := uuid.NewRandom()
		if err != nil {
			return nil, fmt.Errorf("make load id: %w", err)
		}
		if len(g.members) > 0 && source.KindOf(q.unit) == source.KindFrame {
			id = g.members[0].load
		}
		g.members = append(g.members, &member{queued: q, load: id, key: q.unit.Key()})
	}
	return g, nil
}

// remove takes members out that are not to be loaded any more. What Postgres refused may have been theirs: it is found anew.
func (g *group) remove(gone func(*member) bool) {
	before := len(g.members)
	g.members = slices.DeleteFunc(slices.Clone(g.members), gone)
	if len(g.members) < before {
		g.rejected = rejections{}
	}
}

// name is the group as people know it.
func (g *group) name() string {
	name := g.members[0].unit.Name()
	if n := len(g.members); n > 1 {
		name += fmt.Sprintf(" and %d more", n-1)
	}
	return name
}

// attempt is one try to load a group.
type attempt struct {
	*group
	units  []*member      // those that this attempt reads
	loads  []*ledger.Load // one for each unit, but one for all frames
	counts []Counts       // of each unit
	failed []error        // of each unit: why it cannot be read
	report *Report        // of this attempt alone
}

func (l *Loader) newAttempt(g *group) *attempt {
	n := len(g.members)
	a := &attempt{group: g, units: g.members, report: newReport(l.cfg.Schema), counts: make([]Counts, n), failed: make([]error, n)}
	for i, m := range a.units {
		u := ledger.Unit{Key: m.key, Name: m.unit.Name(), Kind: source.KindOf(m.unit), Size: m.unit.Size(), Began: source.Began(m.unit)}
		if i > 0 && m.load == a.loads[0].ID {
			a.loads[0].Units = append(a.loads[0].Units, u)
			continue
		}
		a.loads = append(a.loads, &ledger.Load{ID: m.load, Started: g.started, UUIDTS: l.clock.instant(), Units: []ledger.Unit{u}})
	}
	return a
}

// loadOf is the load of a unit, by its number.
func (a *attempt) loadOf(unit int) *ledger.Load {
	if len(a.loads) == 1 {
		return a.loads[0]
	}
	return a.loads[unit]
}

// again reports whether the attempt reads what was read before: a window.
func (a *attempt) again() bool { return a.units[0].known }

// stamps are the uuid_ts of the loads.
func (a *attempt) stamps() []time.Time {
	out := make([]time.Time, len(a.loads))
	for i, d := range a.loads {
		out[i] = pgTime(d.UUIDTS)
	}
	return out
}

// empty reports whether there is nothing to commit: a replay in which no record was taken is no load.
func (a *attempt) empty() bool {
	return a.loads[0].Units[0].Kind == source.KindReplay && a.counts[0].Accepted == 0
}

// ready asks the ledger which units are loaded already and lets them go. It reports whether there are any left to load.
func (l *worker) ready(ctx context.Context, g *group) (bool, error) {
	keys := make([]string, len(g.members))
	for i, m := range g.members {
		keys[i] = m.key
	}
	known, err := l.ledger.Find(ctx, l.pool, keys...)
	if err != nil {
		return false, err
	}
	if g.sent != nil {
		through, err := l.ledger.Finished(ctx, l.pool, g.sent.loads[0].ID)
		if err != nil {
			return false, err
		}
		if through {
			l.committed(g.sent) // its COMMIT went through and only the answer was lost
			return false, nil
		}
	}
	var skipped []*member
	for _, m := range g.members {
		_, m.known = known[m.key]
		if m.known && !source.Again(m.unit) {
			skipped = append(skipped, m)
		}
	}
	g.remove(func(m *member) bool { return slices.Contains(skipped, m) })
	for _, m := range skipped {
		l.ended(g, m, UnitReport{Unit: m.unit.Name(), Status: Skipped})
	}
	return len(g.members) > 0, nil
}

// committed reports what a committed attempt did.
func (l *worker) committed(a *attempt) {
	a.sum.committed(l.now(), a.report, l.state.Blocked())
	a.members = nil
	for i, m := range a.units {
		u := UnitReport{Unit: m.unit.Name(), Status: Finished, Counts: a.counts[i]}
		if !a.empty() {
			u.Load = m.load
		}
		l.ended(a.group, m, u)
	}
}

// ended notes what became of a unit for good.
func (l *worker) ended(g *group, m *member, u UnitReport) {
	g.sum.set(m.place, u)
	l.progress.ended(l, m.unit.Size())
	if l.cfg.Ended != nil {
		l.cfg.Ended(m.unit, u)
	}
}

// fail records the units that cannot be loaded, each as a failed load of its own, and takes them out of the group.
func (l *worker) fail(ctx context.Context, a *attempt) error {
	for i, m := range a.units {
		if a.failed[i] == nil {
			continue
		}
		id, err := uuid.NewRandom() // frames share theirs
		if err != nil {
			return fmt.Errorf("make load id: %w", err)
		}
		u := ledger.Unit{Key: m.key, Name: m.unit.Name(), Size: m.unit.Size()}
		d := ledger.Load{ID: id, Started: a.started, Units: []ledger.Unit{u}, Err: a.failed[i]}
		if err := l.retry(ctx, "failed unit is recorded again", func(ctx context.Context) error {
			return l.write(ctx, func(tx pgx.Tx) error { return l.ledger.Fail(ctx, tx, &d) })
		}); err != nil {
			return errors.Join(a.failed[i], err)
		}
		a.group.remove(func(o *member) bool { return o == m })
		l.ended(a.group, m, UnitReport{Unit: u.Name, Status: Failed, Err: a.failed[i], Load: id})
	}
	return nil
}
