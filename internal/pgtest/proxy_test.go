package pgtest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// bench is a database with a table t, seen directly and through a proxy.
type bench struct {
	proxy  *pgtest.Proxy
	direct pgtest.Conn
	dsn    string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	name := pgtest.Database(t)
	b := &bench{proxy: pgtest.NewProxy(t, pgtest.Server(t))}
	b.direct = pgtest.PoolAt(t, pgtest.Server(t).DSN(name))
	b.dsn = b.proxy.DSN(t, name)
	pgtest.Exec(t, b.direct, "create table t (n int)")
	return b
}

func (b *bench) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// insert adds a row in a transaction of its own, the way Tapline's do.
func insert(t *testing.T, conn *pgx.Conn, n int) error {
	t.Helper()
	return pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "set local synchronous_commit = on"); err != nil {
			t.Errorf("set local: %v", err)
			return err
		}
		_, err := tx.Exec(t.Context(), "insert into t values ($1)", n)
		if err != nil {
			t.Errorf("insert: %v", err)
		}
		return err
	})
}

func (b *bench) rows(t *testing.T, want int64) {
	t.Helper()
	if got := pgtest.Value[int64](t, b.direct, "select count(*) from t"); got != want {
		t.Errorf("%d rows, want %d", got, want)
	}
}

// wantLost checks that the error is a lost connection, not an answer of the server.
func wantLost(t *testing.T, conn *pgx.Conn, err error) {
	t.Helper()
	var answer *pgconn.PgError
	if err == nil || errors.As(err, &answer) {
		t.Errorf("got %v, want a lost connection", err)
	}
	if !conn.IsClosed() {
		t.Error("the connection is still open")
	}
}

func TestProxyPasses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	conn := b.connect(t)
	if err := insert(t, conn, 1); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1<<20)
	if got := pgtest.Value[string](t, conn, "select $1::text", long); got != long {
		t.Errorf("a text of 1 MiB came back with %d bytes", len(got))
	}
	rows := pgx.CopyFromSlice(10000, func(i int) ([]any, error) { return []any{i}, nil })
	if n, err := conn.CopyFrom(t.Context(), pgx.Identifier{"t"}, []string{"n"}, rows); err != nil || n != 10000 {
		t.Errorf("copied %d rows, %v", n, err)
	}
	b.rows(t, 10001)
	b.connect(t)
	if b.proxy.Connections() != 2 || b.proxy.Cuts() != 0 {
		t.Errorf("%d connections, %d cuts; want 2 and 0", b.proxy.Connections(), b.proxy.Cuts())
	}
}

func TestCutAfterCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.proxy.CutAfter("COMMIT", 2)
	for n := range 2 {
		conn := b.connect(t)
		wantLost(t, conn, insert(t, conn, n))
		b.rows(t, int64(n+1))
	}
	if err := insert(t, b.connect(t), 3); err != nil {
		t.Errorf("third commit: %v", err)
	}
	b.rows(t, 3)
	if b.proxy.Cuts() != 2 {
		t.Errorf("%d cuts, want 2", b.proxy.Cuts())
	}
}

func TestCutBeforeCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.proxy.CutBefore("commit", 1)
	conn := b.connect(t)
	wantLost(t, conn, insert(t, conn, 1))
	if err := insert(t, b.connect(t), 2); err != nil {
		t.Errorf("second commit: %v", err)
	}
	b.rows(t, 1)
	if b.proxy.Cuts() != 1 {
		t.Errorf("%d cuts, want 1", b.proxy.Cuts())
	}
}

// A statement that was prepared before is executed by name only.
func TestCutAtPreparedStatement(t *testing.T) {
	t.Parallel()
	const sql = "insert into t values ($1)"
	for _, after := range []bool{true, false} {
		b := newBench(t)
		conn := b.connect(t)
		if _, err := conn.Exec(t.Context(), sql, 1); err != nil {
			t.Fatal(err)
		}
		want := int64(1)
		if after {
			b.proxy.CutAfter("insert into t", 1)
			want = 2
		} else {
			b.proxy.CutBefore("insert into t", 1)
		}
		_, err := conn.Exec(t.Context(), sql, 2)
		wantLost(t, conn, err)
		b.rows(t, want)
	}
}

func TestCutAtCopy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	conn := b.connect(t)
	b.proxy.CutAfter("copy", 1)
	_, err := conn.PgConn().CopyFrom(t.Context(), strings.NewReader("1\n"), "copy t from stdin")
	wantLost(t, conn, err)
	b.rows(t, 0)
}

func TestCutAfterBytes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	conn := b.connect(t)
	b.proxy.CutAfterBytes(100_000)
	data := strings.NewReader(strings.Repeat("1\n", 100_000))
	_, err := conn.PgConn().CopyFrom(t.Context(), data, "copy t from stdin")
	wantLost(t, conn, err)
	b.rows(t, 0)
	if err := insert(t, b.connect(t), 1); err != nil {
		t.Errorf("after the cut: %v", err)
	}
}

func TestCutAll(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second := b.connect(t), b.connect(t)
	b.proxy.CutAll()
	for _, conn := range []*pgx.Conn{first, second} {
		wantLost(t, conn, conn.Ping(t.Context()))
	}
	if b.proxy.Cuts() != 2 {
		t.Errorf("%d cuts, want 2", b.proxy.Cuts())
	}
}

// pgx cancels by a connection of its own, which goes to where the first went to.
func TestCancelThroughTheProxy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	conn := b.connect(t)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		const query = "select count(*) from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'"
		for pgtest.Value[int64](t, b.direct, query, conn.PgConn().PID()) == 0 {
			time.Sleep(time.Millisecond)
		}
		if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
			t.Errorf("cancel: %v", err)
		}
	})
	_, err := conn.Exec(t.Context(), "select pg_sleep(60)")
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || answer.Code != "57014" {
		t.Errorf("got %v, want SQLSTATE 57014", err)
	}
	if b.proxy.Connections() != 2 {
		t.Errorf("%d connections, want 2", b.proxy.Connections())
	}
}

func TestProxyOutlivesItsServer(t *testing.T) {
	t.Parallel()
	c := pgtest.NewServer(t, nil)
	p := pgtest.NewProxy(t, c)
	dsn := p.DSN(t, localpg.Database)
	if err := c.Stop(t.Context(), localpg.Immediate); err != nil {
		t.Fatal(err)
	}
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		conn.Close(t.Context())
		t.Error("connected to a stopped server")
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := pgtest.Value[int32](t, pgtest.PoolAt(t, dsn), "select 1"); got != 1 {
		t.Errorf("select 1: %d", got)
	}
}
