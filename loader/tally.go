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
}

func newTally(schemaName string) *tally { return &tally{report: newReport(schemaName)} }

// unit adds a unit, in the order of the source, and returns its place for set.
func (t *tally) unit(u UnitReport) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Units = append(t.report.Units, u)
	return len(t.report.Units) - 1
}

func (t *tally) set(n int, u UnitReport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Units[n] = u
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
