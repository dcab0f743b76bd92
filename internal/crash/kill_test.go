package crash_test

import (
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/pgtest"
)

// everything is the input that most tests load.
var everything = input{name: "everything", files: 14, events: 800}

// steady is loaded mostly without changes of the schema.
var steady = input{name: "steady", files: 12, events: 1200, every: 4}

// unlessShort chooses less to load for a short run.
func unlessShort(in input) input {
	if testing.Short() {
		return small
	}
	return in
}

// tally counts kills by what the killed loader was in the middle of.
type tally struct {
	kills       int
	uncommitted int // rows were in the tables and not committed
	unreported  int // the commit was through and the loader had not yet said so
}

// points is a schedule that comes by all failpoints, in an order of chance.
func points(rng *rand.Rand) []string {
	points := []string{
		"after-evolve:1", "after-evolve:1", "after-evolve:2", "after-claim:1", "after-claim:2", "after-claim:1",
		"in-copy:1", "in-copy:7", "in-copy:30", "in-copy:50", "before-commit:1", "before-commit:2", "before-commit:1",
		"after-commit:1", "after-commit:2", "after-commit:1",
	}
	rng.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	return points
}

// pointsOnce comes by each failpoint once.
func pointsOnce() []string {
	return []string{"after-claim:1", "in-copy:30", "after-evolve:1", "before-commit:2", "after-commit:1"}
}

func TestKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	b := newBench(t, sound, unlessShort(everything))
	schedule := points(random(t))
	if testing.Short() {
		schedule = pointsOnce()
	}
	o := observe(t, b.pool)
	sum := b.killAt(schedule)
	b.start("").mustFinish()
	o.mustHaveSeen(t, b.input.files/3)
	b.mustBeClean()
	t.Logf("%+v", sum)
	if sum.kills != len(schedule) || sum.uncommitted == 0 || sum.unreported == 0 {
		t.Errorf("%+v, want %d kills of both kinds", sum, len(schedule))
	}
}

// killAt starts a loader for each point, one after the other on the same files. Each must die there.
func (b *bench) killAt(schedule []string) (sum tally) {
	b.t.Helper()
	for _, point := range schedule {
		p := b.start(point)
		if !p.killed() {
			b.t.Fatalf("the loader was not killed at %s: %v\n%s", point, p.cmd.ProcessState, p.log())
		}
		sum.kills++
		in := b.inUnits(p.unreported())
		name, _, _ := strings.Cut(point, ":")
		switch name {
		case "after-commit":
			if len(in) != 1 {
				b.t.Errorf("killed at %s: units %v of %v are in, want one", point, in, p.unreported())
			}
			sum.unreported++
		case "before-commit", "in-copy":
			sum.uncommitted++
			fallthrough
		default:
			if len(in) != 0 {
				b.t.Errorf("killed at %s: units %v are in", point, in)
			}
		}
	}
	return sum
}

// randomKills is how many kills at random moments there are at least.
const randomKills = 20

func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	rng, want := random(t), randomKills
	if testing.Short() {
		want = 4
	}
	server := pgtest.NewServer(t, nil)
	var sum tally
	enough := func() bool { // of kills, and some of them while rows were uncommitted
		return sum.kills >= want && sum.uncommitted > 0 || sum.kills >= 10*want
	}
	for !enough() {
		b := newDatabase(t, server, sound, unlessShort(steady))
		o := observe(t, b.pool)
		for range 3 { // while the schema is made
			b.kill(b.start(""), when{after: time.Duration(rng.IntN(800)) * time.Millisecond}, &sum)
		}
		for !enough() {
			w := when{unit: 1 + rng.IntN(2), writes: rng.IntN(2) == 0, look: rng.IntN(3) > 0}
			w.after = time.Duration(rng.IntN(200)) * time.Millisecond
			if w.writes {
				w.after /= 10 // a transaction is over soon
			}
			if !b.kill(b.start(""), w, &sum) {
				break
			}
		}
		b.start("").mustFinish()
		o.mustHaveSeen(t, b.input.files/3)
		b.mustBeClean()
	}
	t.Logf("%+v", sum)
	if sum.uncommitted == 0 {
		t.Errorf("%+v: no kill came while rows were uncommitted", sum)
	}
}

// when says at which moment to kill a loader: some time after it has opened that unit and, with writes, has begun to
// write rows. With look it is first stopped, to see what it is in the middle of.
type when struct {
	unit         int
	writes, look bool
	after        time.Duration
}

// kill kills a loader and counts that. It returns false if the loader was done before.
func (b *bench) kill(p *process, w when, sum *tally) bool {
	b.t.Helper()
	if !p.open(w.unit) || w.writes && !b.writes(p) {
		p.mustFinish()
		return false
	}
	select {
	case <-p.done:
	case <-time.After(w.after):
	}
	if w.look {
		p.signal(syscall.SIGSTOP)
		defer p.signal(syscall.SIGCONT)
		switch {
		case len(b.tables(p)) > 0:
			sum.uncommitted++
		case len(b.inUnits(p.unreported())) > 0:
			sum.unreported++
		}
	}
	p.signal(syscall.SIGKILL)
	if !p.killed() {
		p.mustFinish()
		return false
	}
	sum.kills++
	return true
}

// writes waits until a loader's transaction has locked event tables, and returns false if the loader ended before. The
// server may be away meanwhile.
func (b *bench) writes(p *process) bool {
	b.t.Helper()
	for {
		names, err := b.tryTables(p)
		if err == nil && len(names) > 0 {
			return true
		}
		select {
		case <-p.done:
			return false
		case <-time.After(time.Millisecond):
		}
	}
}

// tables are the event tables that a loader's open transaction writes to.
func (b *bench) tables(p *process) []string {
	b.t.Helper()
	names, err := b.tryTables(p)
	if err != nil {
		b.t.Fatal(err)
	}
	return names
}

// tryTables is tables with a server that may be away.
func (b *bench) tryTables(p *process) ([]string, error) {
	rows, err := b.pool.Query(b.t.Context(), `select distinct c.relname::text from pg_stat_activity a
		join pg_locks l on l.pid = a.pid and l.granted and l.mode = 'RowExclusiveLock'
		join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
		where a.application_name = $1 and a.backend_xid is not null and n.nspname = 'crash_test' and c.relkind = 'r'
		and c.relname not like '\_%'`, p.tag)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Loaders that load three files at a time each are killed, and one that goes on alone ends what they left.
func TestKilledSideBySide(t *testing.T) {
	t.Parallel()
	rng, want := random(t), 6
	if testing.Short() {
		want = 2
	}
	b := newBench(t, sound, unlessShort(steady))
	b.workers = 3
	o := observe(t, b.pool)
	var sum tally
	for sum.kills < want {
		w := when{unit: 3, writes: true, look: true, after: time.Duration(rng.IntN(40)) * time.Millisecond}
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
	if sum.kills == 0 || sum.uncommitted == 0 {
		t.Errorf("%+v: no kill came while rows were uncommitted", sum)
	}
}
