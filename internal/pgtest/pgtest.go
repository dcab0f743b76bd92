// Package pgtest gives tests a real Postgres. Each test process runs one server, started at first use and ended with the
// process however that ends, and each test gets a database of its own in it.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/tapline/tapline/internal/localpg"
)

// patience is how long anything of the server may take before a test gives up; all of it takes less than a second.
const patience = time.Minute

// shared is the server of this process. It is package state because a test binary has no other place that all its
// tests can reach.
var shared struct {
	once    sync.Once
	dir     *Dir
	cluster *localpg.Cluster
	err     error
}

// databases numbers the databases of this process.
var databases atomic.Int64

// Main runs the tests of a package, stops the server if they started it, fails if goroutines are left, and exits.
func Main(m interface{ Run() int }, options ...goleak.Option) {
	code := m.Run()
	if shared.dir != nil {
		if err := shared.dir.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}
	if code == 0 {
		if err := goleak.Find(options...); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Server returns the server of this process. Its data does not survive a power cut (fsync = off): see NewServer.
func Server(t testing.TB) *localpg.Cluster {
	t.Helper()
	c, err := server()
	if err != nil {
		t.Fatalf("start Postgres: %v", err)
	}
	return c
}

func server() (*localpg.Cluster, error) {
	shared.once.Do(func() {
		fast := map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
		shared.dir, shared.cluster, shared.err = startServer(fast)
	})
	return shared.cluster, shared.err
}

// NewServer starts a server for this test alone, to be stopped or crashed by it. It is as durable as in production
// unless the settings say otherwise, and goes with the test.
func NewServer(t testing.TB, settings map[string]string) *localpg.Cluster {
	t.Helper()
	dir, cluster, err := startServer(settings)
	if dir != nil {
		t.Cleanup(func() {
			if err := dir.Remove(); err != nil {
				t.Error(err)
			}
		})
	}
	if err != nil {
		t.Fatalf("start Postgres: %v", err)
	}
	return cluster
}

// startServer starts a server that is small enough for many of them to run at once. A Dir that is not nil is the
// caller's to remove, error or not.
func startServer(settings map[string]string) (*Dir, *localpg.Cluster, error) {
	all := map[string]string{"shared_buffers": "32MB", "max_wal_size": "256MB", "max_connections": "60"}
	for name, value := range settings {
		all[name] = value
	}
	dir, err := newDir()
	if err != nil {
		return nil, nil, err
	}
	c, err := localpg.Open(dir.Path, localpg.Options{Settings: all, NoSync: true})
	if err != nil {
		return dir, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return dir, c, c.Start(ctx)
}

// Database makes an empty database for this test in the shared server and returns its name. It is dropped after the
// test, with whoever is still connected.
func Database(t testing.TB) string {
	t.Helper()
	c := Server(t)
	name := databaseName(t.Name(), databases.Add(1))
	if err := create(c, name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := drop(c, name); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return name
}

// Run calls do with the URL of an empty database in the shared server: for examples, which have no testing.TB. It panics
// if there is no such database, since an example's output cannot be had without it.
func Run(do func(dsn string)) {
	c, err := server()
	if err != nil {
		panic(fmt.Sprintf("start Postgres: %v", err))
	}
	name := databaseName("example", databases.Add(1))
	if err := create(c, name); err != nil {
		panic(fmt.Sprintf("create database: %v", err))
	}
	defer func() {
		if err := drop(c, name); err != nil {
			panic(fmt.Sprintf("drop database: %v", err))
		}
	}()
	do(c.DSN(name))
}

func create(c *localpg.Cluster, name string) error {
	// template0, because a copy fails while somebody is connected to the original, and to template1 autovacuum may be.
	sql := "create database " + pgx.Identifier{name}.Sanitize() + " template template0"
	if c.Binaries().Major >= 15 {
		sql += " strategy file_copy" // 130 ms instead of 190 for the default, on a busy machine
	}
	return admin(c, sql)
}

func drop(c *localpg.Cluster, name string) error {
	return admin(c, "drop database "+pgx.Identifier{name}.Sanitize()+" with (force)")
}

// databaseName tells in pg_stat_activity and in logs which test a database belongs to, within Postgres's 63 bytes.
func databaseName(test string, number int64) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(test))
	return fmt.Sprintf("t%d_%s", number, clean[:min(len(clean), 40)])
}

// admin runs one statement outside the databases of the tests.
func admin(c *localpg.Cluster, sql string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// DSN makes an empty database for this test, as Database does, and returns its URL.
func DSN(t testing.TB) string {
	t.Helper()
	name := Database(t)
	return Server(t).DSN(name)
}

// Pool returns a pool on an empty database of this test's own. It is closed after the test.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return PoolAt(t, DSN(t))
}

// PoolAt returns a pool on a database that the test already has, such as one of NewServer or behind a Proxy. It is closed
// after the test.
func PoolAt(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), dsn)
	if err != nil {
		t.Fatalf("open pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}
