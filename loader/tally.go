package loader

import (
	"sync"
	"time"

	"github.com/tapline/tapline/schema"
)

// tally is the Report of a Load while several workers add to it.
type tally struct {
	mu     sync.Mutex
	report *Report
	short  bool // only units that fail are in the Report
}

func newTally(schemaName string, short bool) *tally {
	t := &tally{report: newReport(schemaName), short: short}
	t.report.Statuses = map[Status]int{}
	return t
}

// unit adds a unit, in the order of the source, and returns its place for set.
func (t *tally) unit(u UnitReport) int {
	if t.short {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Units = append(t.report.Units, u)
	return len(t.report.Units) - 1
}

// set says what became of a unit.
func (t *tally) set(n int, u UnitReport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Statuses[u.Status]++
	switch {
	case !t.short:
		t.report.Units[n] = u
	case u.Status == Failed:
		t.report.Units = append(t.report.Units, u)
	}
}

// committed adds what a unit did and which columns it could not widen.
func (t *tally) committed(at time.Time, u *Report, blocked [][2]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.merge(u)
	t.report.block(blocked)
	if at.After(t.report.Committed) {
		t.report.Committed = at
	}
}

// evolved adds what a migration changed, whatever becomes of the unit that asked for it.
func (t *tally) evolved(d schema.Diff) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.evolved(d)
}
