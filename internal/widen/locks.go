package widen

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/migrations"
)

// claim makes this the only run that widens the column, until the returned function is called. If this program is killed
// while a statement of another session of its runs, that one's transaction has ended or never commits: each is short.
func (j *Job) claim(ctx context.Context) (release func(), err error) {
	conn, err := j.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	var had bool
	key := "tapline widen " + j.req.Schema + " " + j.req.Table + " " + j.req.Column
	err = conn.QueryRow(ctx, "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))", key).Scan(&had)
	if err == nil && !had {
		err = &BusyError{j.req.Table, j.req.Column}
	}
	if err != nil {
		conn.Release()
		return nil, err
	}
	return func() { letGo(ctx, conn, key) }, nil
}

// letGo gives up the lock, with the connection if need be.
func letGo(ctx context.Context, conn *pgxpool.Conn, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, "select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended($1, 0))", key); err != nil {
		_ = conn.Conn().Close(ctx) // there is nothing to do about an error: the server sees the end of the connection
	}
	conn.Release()
}

// locked runs do in a transaction whose statements wait for a lock for LockTimeout at most. What had to give up is tried
// again after a pause, in which others pass.
func (j *Job) locked(ctx context.Context, do func(pgx.Tx) error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 1600*time.Millisecond
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := pgx.BeginTxFunc(ctx, j.pool, ledger.Options(), func(tx pgx.Tx) error {
			if err := ledger.Settle(ctx, tx); err != nil {
				return err
			}
			ms := strconv.FormatInt(max(1, j.req.LockTimeout.Milliseconds()), 10)
			if _, err := tx.Exec(ctx, "set local lock_timeout = "+ms+"; set local search_path = ''; set local standard_conforming_strings = on"); err != nil {
				return err
			}
			return do(tx)
		})
		if err != nil && (ctx.Err() != nil || !migrations.LockNotHad(err)) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(j.req.Wait))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
