package crash_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/pgtest"
)

// Connections break before, at and after a commit, and in the middle of rows. What was committed without an answer is
// neither loaded again nor reported as somebody else's.
func TestConnectionsCut(t *testing.T) {
	t.Parallel()
	rng := random(t)
	made := newDatabase(t, pgtest.Server(t), sound, small)
	made.makeSchema()
	for _, c := range []struct {
		name string
		made bool // the schema is as the files need it: every commit is a unit's
		cut  func(*pgtest.Proxy, *rand.Rand)
		log  string // what the loader must have met
	}{
		{name: "commit done, reply lost", made: true, log: "lost: commit:", cut: func(p *pgtest.Proxy, _ *rand.Rand) {
			p.CutAfter("commit", 1)
		}},
		{name: "commit not sent", made: true, log: "lost: commit:", cut: func(p *pgtest.Proxy, _ *rand.Rand) {
			p.CutBefore("commit", 1)
		}},
		{name: "ledger written, reply lost", made: true, log: "record load:", cut: func(p *pgtest.Proxy, _ *rand.Rand) {
			p.CutAfter(`insert into "crash_test"."_loads"`, 1)
		}},
		{name: "commit of a migration", log: "change the schema:", cut: func(p *pgtest.Proxy, _ *rand.Rand) {
			p.CutAfter("commit", 1)
		}},
		{name: "claim done, reply lost", log: "claim unit:", cut: func(p *pgtest.Proxy, _ *rand.Rand) {
			p.CutAfter(`insert into "crash_test"."_units"`, 1)
		}},
		{name: "after some bytes", log: "attempt=", cut: func(p *pgtest.Proxy, rng *rand.Rand) {
			p.CutAfterBytes(rng.Int64N(100_000))
		}},
		{name: "at any moment", log: "attempt=", cut: func(p *pgtest.Proxy, rng *rand.Rand) {
			time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond)
			p.CutAll()
		}},
	} {
		if testing.Short() && !c.made {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			b := newDatabase(t, pgtest.Server(t), sound, small)
			if c.made {
				b = made.copied(t)
			}
			proxy := pgtest.NewProxy(t, b.server)
			b.dsn = proxy.DSN(t, b.database)
			o := observe(t, b.pool)
			p := b.start("")
			for unit := 1; unit <= b.input.files && p.open(unit); unit++ {
				c.cut(proxy, rng)
			}
			p.mustFinish()
			if !strings.Contains(p.log(), c.log) {
				t.Errorf("no fault %q in the loader's log:\n%s", c.log, p.log())
			}
			t.Logf("%d cuts", proxy.Cuts())
			b.mustHaveReported(p)
			o.mustHaveSeen(t, 1)
			b.mustBeClean()
		})
	}
}

// mustHaveReported checks that one loader that did all the work has counted all of it as its own.
func (b *bench) mustHaveReported(p *process) {
	b.t.Helper()
	rows := pgtest.Value[int64](b.t, b.pool, "select sum(rows)::bigint from crash_test._loads where status = 'finished'")
	if want := strconv.FormatInt(rows, 10); p.total() != want {
		b.t.Errorf("the loader says it loaded %s rows, the ledger %s\n%s", p.total(), want, p.log())
	}
}

// makeSchema makes all tables and columns that the files need, by loading the files and deleting everything again.
func (b *bench) makeSchema() {
	b.t.Helper()
	b.start("").mustFinish()
	names, err := tableNames(b.t.Context(), b.pool, schemaName)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range names {
		switch name {
		case "_columns", "_migrations", "_migration_files":
		default:
			pgtest.Exec(b.t, b.pool, `truncate crash_test."`+name+`"`)
		}
	}
	b.gone(b.pool)
	b.pool.Close()
}

// copied returns a copy of the database, to which nobody may be connected.
func (b *bench) copied(t *testing.T) *bench {
	t.Helper()
	c := newDatabase(t, b.server, sound, b.input)
	c.pool.Close()
	admin := pgtest.PoolAt(t, b.server.DSN("postgres"))
	defer admin.Close()
	pgtest.Exec(t, admin, "drop database "+c.database)
	pgtest.Exec(t, admin, "create database "+c.database+" template "+b.database)
	c.pool = pgtest.PoolAt(t, c.dsn)
	return c
}
