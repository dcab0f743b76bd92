package crash_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// The server crashes, loses a process, or ends sessions in the middle of transactions. The loader that runs comes through
// all of it by itself.
func TestServerFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t, sound, everything)
	rng := random(t)
	faults := []func(*bench, *process){
		(*bench).crashServer, (*bench).killBackend, (*bench).terminate, (*bench).crashServer, (*bench).killBackend,
		(*bench).terminate, (*bench).restartServer,
	}
	if testing.Short() {
		faults = faults[:2]
	}
	o := observe(t, b.pool)
	p := b.start("")
	for i, fault := range faults {
		if !p.open(1+i) || !b.writes(p) {
			t.Fatalf("the loader ended before fault %d: %v\n%s", i, p.cmd.ProcessState, p.log())
		}
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
		fault(b, p)
	}
	p.mustFinish()
	if n := strings.Count(p.log(), `msg="unit starts again"`); n < len(faults) {
		t.Errorf("units started again %d times after %d faults\n%s", n, len(faults), p.log())
	}
	o.mustHaveSeen(t, b.input.files/3)
	b.mustBeClean()
}

// crashServer ends the server like a power cut that the disk survives, and starts it again.
func (b *bench) crashServer(*process) {
	b.t.Helper()
	if err := b.server.Stop(b.t.Context(), localpg.Immediate); err != nil {
		b.t.Fatal(err)
	}
	if err := b.server.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// restartServer restarts the server as its administrator would, which ends all sessions.
func (b *bench) restartServer(*process) {
	b.t.Helper()
	if err := b.server.Stop(b.t.Context(), localpg.Fast); err != nil {
		b.t.Fatal(err)
	}
	if err := b.server.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// killBackend kills the server process of the loader's transaction, or of whatever it is doing; the server then restarts
// all others.
func (b *bench) killBackend(p *process) {
	b.t.Helper()
	const query = "select pid from pg_stat_activity where application_name = $1 order by backend_xid is null, pid limit 1"
	if err := syscall.Kill(int(pgtest.Value[int32](b.t, b.pool, query, p.tag)), syscall.SIGKILL); err != nil {
		b.t.Fatal(err)
	}
}

// terminate ends the loader's sessions.
func (b *bench) terminate(p *process) {
	b.t.Helper()
	pgtest.Query(b.t, b.pool, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", p.tag)
}
