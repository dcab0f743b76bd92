package crash_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
)

// leastSteps are the transactions that there are at least while a schema is made and changed once: of both schemas their
// making, golang-migrate's table, its comments, and of a migration dirty, the file and clean; the source's row, the digest
// of the catalogue, and a generated migration's text before it.
const leastSteps = 2*6 + 2 + 4

// newSteps makes a database and one file whose events need a migration beside the catalogue.
func newSteps(t *testing.T, prepare ...string) *bench {
	t.Helper()
	b := newDatabase(t, pgtest.Server(t), sound, small)
	for _, sql := range prepare {
		pgtest.Exec(t, b.pool, sql)
	}
	path := filepath.Join(t.TempDir(), "events.ndjson")
	events := `{"type":"track","event":"Purchase","messageId":"1","userId":"u","properties":{"amount":1}}
{"type":"track","event":"App Launched","messageId":"2","userId":"u","properties":{"new":true}}
{"type":"identify","messageId":"3","userId":"u","traits":{"plan":"gold"}}
`
	if err := os.WriteFile(path, []byte(events), 0o600); err != nil {
		t.Fatal(err)
	}
	b.paths = []string{path}
	return b
}

// dies starts a loader that is killed after so many steps, and reports whether it came as far.
func (b *bench) dies(steps int) bool {
	b.t.Helper()
	p := b.start("migration:" + strconv.Itoa(steps))
	if p.killed() {
		return true
	}
	p.mustFinish()
	return false
}

// goesOn starts the next loader, which must repair what is to be repaired, and returns what it leaves.
func (b *bench) goesOn() (columns [][]any) {
	b.t.Helper()
	b.start("").mustFinish()
	b.gone(b.pool)
	if err := consistent(b.t.Context(), b.pool); err != nil {
		b.t.Error(err)
	}
	const sums = `select (select count(*) from crash_test.purchase), (select count(*) from crash_test.app_launched where new),
		(select count(*) from crash_test.users), (select count(*) from crash_test._loads)`
	if diff := cmp.Diff([][]any{{int64(1), int64(1), int64(1), int64(1)}}, pgtest.Query(b.t, b.pool, sums)); diff != "" {
		b.t.Errorf("rows (-want +got):\n%s", diff)
	}
	return pgtest.Query(b.t, b.pool, `select table_schema::text, table_name::text, column_name::text, data_type::text from information_schema.columns
		where table_schema in ('crash_test', 'tapline') order by table_schema, table_name, ordinal_position`)
}

// takesBack takes all migrations back and returns the tables that are left.
func (b *bench) takesBack() [][]any {
	b.t.Helper()
	b.down = true
	defer func() { b.down = false }()
	b.start("").mustFinish()
	return pgtest.Query(b.t, b.pool, `select relname::text from pg_class where relnamespace = 'crash_test'::regnamespace order by 1`)
}

// A migrator is killed after each of its transactions, and the next one makes of it what an undisturbed one makes; also
// where the schema has tables of its own already, which the way back then leaves alone.
func TestKilledAfterEachStep(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare []string
		left    [][]any
	}{
		"new schema": {},
		"adopted schema": {
			prepare: []string{`create schema crash_test`, `create table crash_test.app_launched (id varchar(1024) primary key)`},
			left:    [][]any{{"app_launched"}, {"app_launched_pkey"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := newSteps(t, test.prepare...).goesOn()
			steps := 1
			for ; ; steps++ {
				b := newSteps(t, test.prepare...)
				died := b.dies(steps)
				if diff := cmp.Diff(want, b.goesOn()); diff != "" {
					t.Errorf("killed after %d steps: columns (-want +got):\n%s", steps, diff)
				}
				if diff := cmp.Diff(test.left, b.takesBack()); diff != "" {
					t.Errorf("killed after %d steps, and all taken back: left (-want +got):\n%s", steps, diff)
				}
				b.pool.Close()
				if !died {
					break
				}
			}
			if steps <= leastSteps-len(test.prepare) { // a schema that is there is not made
				t.Errorf("%d steps, want %d", steps-1, leastSteps)
			}
			t.Logf("killed after each of %d steps", steps-1)
		})
	}
}

// The same on the way back: both migrations, and the table of versions.
func TestKilledAfterEachStepBack(t *testing.T) {
	t.Parallel()
	steps := 1
	for ; ; steps++ {
		b := newSteps(t)
		want := b.goesOn()
		b.down = true
		died := b.dies(steps)
		if left := b.takesBack(); len(left) > 0 {
			t.Errorf("killed after %d steps back, the next leaves %v", steps, left)
		}
		if diff := cmp.Diff(want, b.goesOn()); diff != "" {
			t.Errorf("killed after %d steps back, and loaded again (-want +got):\n%s", steps, diff)
		}
		b.pool.Close()
		if !died {
			break
		}
	}
	if steps <= 2*3+1 {
		t.Errorf("%d steps, want 7", steps-1)
	}
}
