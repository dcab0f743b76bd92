package crash_test

import (
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/pgtest"
)

// Four of the program that people run share small files, after others of it have died with files that they had taken, and
// while one more dies: each file is loaded once, and each of the four has loaded some.
func TestProgramsShareFiles(t *testing.T) {
	t.Parallel()
	made := newDatabase(t, pgtest.Server(t), sound, grouped)
	made.makeSchema()
	b := made.copied(t)
	b.binary, b.program, b.share = buildPackage(t, sound, "../../cmd/tapline"), true, true
	o := observe(t, b.pool)
	b.killAllAlong("after-take:1", "in-copy:5", "before-commit:1", "after-commit:1")

	b.waitFor("the leases of the dead have run out", "select count(*) > 0 and max(until) < clock_timestamp() from crash_test._claims")
	release := b.holdUnits()
	programs := []*process{b.start(""), b.start(""), b.start(""), b.start(""), b.start("")}
	b.waitFor("all have taken files", "select count(distinct worker) >= 5 from crash_test._claims where until > clock_timestamp()")
	programs[0].signal(syscall.SIGKILL)
	if !programs[0].killed() {
		t.Fatalf("the program was not killed: %v", programs[0].cmd.ProcessState)
	}
	release()
	for i, p := range programs[1:] {
		p.mustFinish()
		if n := p.loaded(); n.Finished == 0 || n.Failed > 0 || n.Finished+n.Skipped != grouped.files {
			t.Errorf("program %d: %+v files of %d; want that it has loaded some and the others are skipped", i+1, n, grouped.files)
		}
	}
	o.mustHaveSeen(t, 1)
	b.mustBeClean()
}

// holdUnits keeps all loaders from beginning a transaction, until release.
func (b *bench) holdUnits() (release func()) {
	b.t.Helper()
	tx, err := b.pool.BeginTx(b.t.Context(), pgx.TxOptions{})
	if err == nil {
		_, err = tx.Exec(b.t.Context(), "lock table crash_test._units in share row exclusive mode")
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
	}
}

// waitFor waits for a condition.
func (b *bench) waitFor(what, sql string) {
	b.t.Helper()
	for limit := time.Now().Add(patience); !pgtest.Value[bool](b.t, b.pool, sql); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			b.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// fileCounts are the files in what a program prints.
type fileCounts struct{ Finished, Skipped, Failed int }

// loaded is what a program says it has loaded.
func (p *process) loaded() (n fileCounts) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	out := struct{ Files *fileCounts }{&n}
	if err := json.Unmarshal([]byte(p.said.String()), &out); err != nil {
		p.t.Fatalf("read %q: %v", p.said.String(), err)
	}
	return n
}
