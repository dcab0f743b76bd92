package crash_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/pgtest"
)

// grouped are small files, of which several share a transaction: as many as a chunk has bytes.
var grouped = input{name: "grouped", files: 60, events: 20, every: 4}

// Of a group of small files all are in or none, wherever the loader dies.
func TestGroupsKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	b := newBench(t, sound, grouped)
	b.group = true
	o := observe(t, b.pool)
	schedule := []string{
		"after-claim:1", "in-copy:30", "after-evolve:1", "before-commit:1", "after-commit:1", "in-copy:50", "before-commit:2", "after-commit:2", "after-claim:2",
	}
	together := 0
	for _, point := range schedule {
		p := b.start(point)
		if !p.killed() {
			t.Fatalf("the loader was not killed at %s: %v\n%s", point, p.cmd.ProcessState, p.log())
		}
		open := p.unreported()
		in := b.inUnits(open)
		name, _, _ := strings.Cut(point, ":")
		if want := map[bool]int{true: len(open)}[name == "after-commit"]; len(in) != want {
			t.Errorf("killed at %s: %d of the %d files of a group are in, want %d", point, len(in), len(open), want)
		}
		together = max(together, len(open))
	}
	b.start("").mustFinish()
	o.mustHaveSeen(t, 1)
	b.mustBeClean()
	if together < 2 {
		t.Error("no two files were in one group")
	}
}

// Loaders of groups are killed at random, and two at once end what they left.
func TestGroupsKilledAtRandom(t *testing.T) {
	t.Parallel()
	b := newBench(t, sound, grouped)
	b.group = true
	rng, o := random(t), observe(t, b.pool)
	var sum tally
	for range 6 {
		w := when{unit: 1 + rng.IntN(8), writes: rng.IntN(2) == 0, look: true, after: time.Duration(rng.IntN(20)) * time.Millisecond}
		if !b.kill(b.start(""), w, &sum) {
			break
		}
	}
	two := []*process{b.start(""), b.start("")}
	for _, p := range two {
		p.mustFinish()
	}
	o.mustHaveSeen(t, 1)
	b.mustBeClean()
	t.Logf("%+v", sum)
	if sum.kills == 0 {
		t.Error("no loader was killed")
	}
}

// What a group committed without an answer is neither loaded again nor reported as somebody else's.
func TestGroupsCut(t *testing.T) {
	t.Parallel()
	rng := random(t)
	made := newDatabase(t, pgtest.Server(t), sound, grouped)
	made.makeSchema()
	for name, cut := range map[string]func(*pgtest.Proxy, *rand.Rand){
		"commit done, reply lost":           func(p *pgtest.Proxy, _ *rand.Rand) { p.CutAfter("commit", 1) },
		"claim done, reply lost":            func(p *pgtest.Proxy, _ *rand.Rand) { p.CutAfter(`insert into "crash_test"."_units"`, 1) },
		"ledger written, reply lost":        func(p *pgtest.Proxy, _ *rand.Rand) { p.CutAfter(`insert into "crash_test"."_loads"`, 1) },
		"after some bytes, again and again": func(p *pgtest.Proxy, rng *rand.Rand) { p.CutAfterBytes(rng.Int64N(100_000)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := made.copied(t)
			b.group = true
			proxy := pgtest.NewProxy(t, b.server)
			b.dsn = proxy.DSN(t, b.database)
			o := observe(t, b.pool)
			p := b.start("")
			for unit := 1; unit <= b.input.files && p.open(unit); unit += 9 {
				cut(proxy, rng)
			}
			p.mustFinish()
			if proxy.Cuts() == 0 {
				t.Error("nothing was cut")
			}
			b.mustHaveReported(p)
			o.mustHaveSeen(t, 1)
			b.mustBeClean()
		})
	}
}
