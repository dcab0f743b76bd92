package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// lockKey is the key of a job's lock, for the name in an expression of SQL.
func lockKey(name string) string {
	return `pg_catalog.hashtextextended(('tapline job ' || ` + name + `) collate "C", 0)`
}

// holderOf is the number of the Postgres process that holds a job's lock; null if none does.
func holderOf(name string) string {
	return `(select l.pid from pg_catalog.pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 1
		and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
		and (l.classid::bigint << 32 | l.objid::bigint) = ` + lockKey(name) + `)`
}

// lock is a job's lock, over a connection of its own: a connection is gone when its process is, however that ended.
type lock struct {
	job  string
	conn *pgx.Conn
	beat time.Duration
	// backend is the number of the Postgres process that holds the lock. It is asked for: what the connection knows may be
	// a pooler's.
	backend int32

	cancel context.CancelFunc // ends guard
	wg     sync.WaitGroup
}

// settings of the lock's session: the server notices within half a minute that the machine is gone, and does not end the
// session for what other sessions may be ended for. They are set later, because poolers refuse what they do not know at the
// start of a connection.
const settings = `set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3;
	set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set application_name = 'tapline job'`

// tryLock takes the lock of a job, or returns nil if somebody has it. Nobody waits inside Postgres: a statement that waits
// there for hours keeps its snapshot, and with it every dead row and every index that is made concurrently.
func tryLock(ctx context.Context, cfg *pgx.ConnConfig, job string, beat time.Duration) (*lock, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect for the lock of job %s: %w", job, err)
	}
	l := &lock{job: job, conn: conn, beat: beat, cancel: func() {}}
	got := false
	if _, err = conn.PgConn().Exec(ctx, settings).ReadAll(); err != nil {
		l.release()
		return nil, fmt.Errorf("prepare the lock of job %s: %w", job, err)
	}
	err = conn.QueryRow(ctx, "select pg_catalog.pg_try_advisory_lock("+lockKey("$1::text")+"), pg_catalog.pg_backend_pid()", job).Scan(&got, &l.backend)
	if err == nil && got {
		return l, nil
	}
	l.release()
	if err != nil {
		return nil, fmt.Errorf("lock job %s: %w", job, err)
	}
	return nil, nil //nolint:nilnil // somebody else has it
}

// guard returns a context that ends, with ErrLockLost as its cause, when the lock is lost. It is called once.
func (l *lock) guard(ctx context.Context) context.Context {
	ctx, lost := context.WithCancelCause(ctx)
	watched, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the lock is held until release, whatever ends before
	l.cancel = func() {
		cancel()
		lost(nil)
	}
	l.wg.Go(func() {
		if err := l.watch(watched); err != nil {
			lost(fmt.Errorf("%w: %w", ErrLockLost, err))
		}
	})
	return ctx
}

// watch returns when the lock is lost, or without an error when ctx ends.
func (l *lock) watch(ctx context.Context) error {
	for {
		// Nothing ever comes, but the end of the connection is noticed at once.
		beat, cancel := context.WithTimeout(ctx, l.beat)
		_, err := l.conn.WaitForNotification(beat)
		cancel()
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the lock is given back
		}
		if err != nil && !pgconn.Timeout(err) {
			return err
		}
		if err := l.check(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// leastPatience is how long an answer is waited for at least, however short a beat is: a server that is busy is not gone.
const leastPatience = 15 * time.Second

// check asks whether this session holds the lock. Behind a pooler it may be another session by now.
func (l *lock) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(3*l.beat, leastPatience))
	defer cancel()
	var mine bool
	err := l.conn.QueryRow(ctx, "select coalesce("+holderOf("$1::text")+" = pg_catalog.pg_backend_pid(), false)", l.job).Scan(&mine)
	if err == nil && !mine {
		err = errors.New("the session does not hold the lock of job " + strconv.Quote(l.job) +
			": is there a pooler in between that gives each transaction another session? Name Postgres itself")
	}
	return err
}

// release gives the lock back. It may be called again.
func (l *lock) release() {
	l.cancel()
	l.wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = l.conn.Close(ctx) // with the session goes the lock; a connection that is broken is gone already
}
