package crash_test

import (
	"syscall"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

// The program that people run is killed at each point, asked to stop in the middle of a transaction, and run to its end.
func TestProgram(t *testing.T) {
	t.Parallel()
	b := newDatabase(t, pgtest.Server(t), sound, small)
	b.binary, b.program = buildPackage(t, sound, "../../cmd/tapline"), true
	o := observe(t, b.pool)
	b.killAllAlong(pointsOnce()...)

	p := b.start("")
	if !b.writes(p) {
		t.Fatalf("the program ended: %v\n%s", p.cmd.ProcessState, p.log())
	}
	p.signal(syscall.SIGTERM)
	p.wait()
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d of an interrupted load, want 1\n%s", code, p.log())
	}

	last := b.start("")
	last.mustFinish()
	if code := last.cmd.ProcessState.ExitCode(); code != quarantined {
		t.Errorf("exit code %d of a load with quarantined records, want %d\n%s", code, quarantined, last.log())
	}
	again := b.start("")
	again.mustFinish()
	o.mustHaveSeen(t, 1)
	b.mustBeClean()
}
