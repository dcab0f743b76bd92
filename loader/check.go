package loader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/schema"
)

// ServerError says that a server cannot hold what Tapline promises, and what to do about it.
type ServerError struct {
	Problem, Hint string
}

// Error returns problem and hint.
func (e *ServerError) Error() string { return e.Problem + ": " + e.Hint }

// askOnce leaves no prepared statement behind: the pooler that is looked for would give it to others, whose error would
// not tell what is wrong.
const askOnce = pgx.QueryExecModeExec

// minVersion is Postgres 13, the first with gen_random_uuid in the core.
const minVersion = 130_000

// Check tells whether the server behind pool can be loaded into: its version, its encoding, and that a session stays
// with one server process. It costs a handful of queries.
func Check(ctx context.Context, pool *pgxpool.Pool) error {
	if pool.Config().MaxConns < 2 {
		return &ServerError{"the pool has room for one connection", "give it two or more (pool_max_conns in the DSN)"}
	}
	select {
	case checking <- struct{}{}:
		defer func() { <-checking }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	var version, pid int
	var versionText, encoding, client string
	var recovery bool
	err = conn.QueryRow(ctx, "select current_setting('server_version_num')::int, current_setting('server_version'), "+
		"current_setting('server_encoding'), current_setting('client_encoding'), pg_is_in_recovery(), pg_backend_pid()", askOnce).
		Scan(&version, &versionText, &encoding, &client, &recovery, &pid)
	if err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	switch {
	case version < minVersion:
		return &ServerError{"the server is Postgres " + versionText, "Tapline needs 13 or newer"}
	case encoding != "UTF8":
		return &ServerError{
			"the database's encoding is " + encoding,
			"Tapline needs UTF8; create another database: create database NAME encoding 'UTF8' template template0",
		}
	case client != encoding: // what we send is UTF-8: Postgres would take it for something else and store other text
		return &ServerError{
			"the session's client_encoding is " + client,
			"Tapline sends UTF-8: set client_encoding to UTF8 in the DSN, or reset it for the role",
		}
	case recovery:
		return &ServerError{"the server is a read-only standby", "give the DSN of the primary"}
	}
	return checkPooler(ctx, pool, conn, pid)
}

// checking is held during a Check, which needs two connections: several at once, each with one, would wait for ever for a
// second from the same pool.
var checking = make(chan struct{}, 1)

// checkPooler refuses a pooler that gives each transaction another server process, such as PgBouncer in transaction
// mode: golang-migrate's lock belongs to a session. A pooler that takes turns gives our next statement another process;
// one that prefers the process used last gives it to a second connection that holds a transaction open, and our next
// statement then gets another.
func checkPooler(ctx context.Context, pool *pgxpool.Pool, first *pgxpool.Conn, pid int) error {
	second, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect a second time: %w", err)
	}
	defer second.Release()
	tx, err := second.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	var held, again, now int
	err = first.QueryRow(ctx, "select pg_backend_pid()", askOnce).Scan(&again)
	if err == nil {
		err = tx.QueryRow(ctx, "select pg_backend_pid()", askOnce).Scan(&held)
	}
	if err == nil {
		err = first.QueryRow(ctx, "select pg_backend_pid()", askOnce).Scan(&now)
	}
	err = errors.Join(err, tx.Rollback(ctx))
	if err != nil {
		return fmt.Errorf("ask for the server process: %w", err)
	}
	if again != pid || now != pid || held == pid {
		return &ServerError{
			"a pooler in transaction mode stands between Tapline and Postgres (one session, two server processes)",
			"connect to Postgres itself, or to a pool in session mode",
		}
	}
	return nil
}

// pgTime is an instant as a parameter.
func pgTime(m schema.Micros) time.Time { return time.UnixMicro(int64(m)).UTC() }
