package crash_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// databases numbers the databases of this process.
var databases atomic.Int64

// bench is an empty database on a server and files to load into it.
type bench struct {
	t        *testing.T
	server   *localpg.Cluster
	database string
	pool     *pgxpool.Pool
	input    input
	job
}

// newBench makes a database on a server of this test's own, as durable as in production.
func newBench(t *testing.T, tags string, in input) *bench {
	t.Helper()
	return newDatabase(t, pgtest.NewServer(t, nil), tags, in)
}

// newDatabase makes a database on a server.
func newDatabase(t *testing.T, server *localpg.Cluster, tags string, in input) *bench {
	t.Helper()
	b := &bench{t: t, server: server, input: in, database: fmt.Sprintf("crash%d", databases.Add(1))}
	admin := pgtest.PoolAt(t, server.DSN("postgres"))
	pgtest.Exec(t, admin, "create database "+b.database+" template template0")
	admin.Close()
	b.dsn = server.DSN(b.database)
	b.pool = pgtest.PoolAt(t, b.dsn)
	b.binary, b.paths = build(t, tags), in.paths(t)
	return b
}

// clean returns what one undisturbed run of the sound build leaves of the input.
func (b *bench) clean() state {
	b.t.Helper()
	shared.mu.Lock()
	s, ok := shared.clean[b.input.name]
	shared.mu.Unlock()
	if ok {
		return s
	}
	dsn := pgtest.DSN(b.t)
	start(b.t, job{binary: build(b.t, sound), dsn: dsn, paths: b.input.paths(b.t)}).mustFinish()
	pool := pgtest.PoolAt(b.t, dsn)
	b.gone(pool)
	if err := consistent(b.t.Context(), pool); err != nil {
		b.t.Fatalf("after an undisturbed run: %v", err)
	}
	s, err := readState(b.t.Context(), pool)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, path := range b.input.paths(b.t) {
		for key, n := range s.Records {
			if strings.Contains(key, path) && n != lines(b.t, path) {
				b.t.Fatalf("an undisturbed run loaded %d of the %d records of %s", n, lines(b.t, path), path)
			}
		}
	}
	if len(s.Units) != b.input.files || len(s.Records) != b.input.files {
		b.t.Fatalf("an undisturbed run loaded %d of %d files", len(s.Units), b.input.files)
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.clean[b.input.name] = s
	return s
}

// start starts a loader that dies at a failpoint, or at none.
func (b *bench) start(failpoint string) *process {
	b.t.Helper()
	j := b.job
	j.failpoint = failpoint
	return start(b.t, j)
}

// gone waits until no loader has a connection: a server notices the death of a client when it next writes to it.
func (b *bench) gone(pool *pgxpool.Pool) {
	b.t.Helper()
	const query = "select count(*) from pg_stat_activity where application_name like 'crashload%' and " +
		"datname = current_database()"
	for limit := time.Now().Add(patience); pgtest.Value[int64](b.t, pool, query) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			b.t.Fatal("a dead loader's connection stays")
		}
	}
}

// check waits for the connections of dead loaders to end and asks the oracle.
func (b *bench) check() error {
	b.t.Helper()
	want := b.clean()
	b.gone(b.pool)
	return check(b.t.Context(), b.pool, want)
}

// mustBeClean fails the test if the oracle finds anything.
func (b *bench) mustBeClean() {
	b.t.Helper()
	if err := b.check(); err != nil {
		b.t.Errorf("after it all: %v", err)
	}
}

// inUnits reports which of the units, by name, are in the ledger.
func (b *bench) inUnits(names []string) (in []string) {
	b.t.Helper()
	for _, row := range pgtest.Query(b.t, b.pool, "select unit from crash_test._units where unit = any($1)", names) {
		in = append(in, row[0].(string))
	}
	return in
}
