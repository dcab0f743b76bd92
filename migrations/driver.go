package migrations

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/failpoint"
)

// driver is golang-migrate's driver for Postgres with patience: each step that takes a lock waits for lock_timeout only
// and is tried again after a pause, in which readers pass. Nothing is left dirty by a lock that is not had: Run is one
// implicit transaction and simply runs again. Lock, too, gives up by an error of Postgres; golang-migrate's own time-out
// would leave a goroutine behind that gets the advisory lock later and never gives it back.
type driver struct {
	database.Driver
	conn    *pgx.Conn // the one that Driver uses
	options Options
	// ctx is that of the operation at work: golang-migrate's interfaces have none.
	ctx context.Context
	// busy makes the error of a lock that was not had, of who has it.
	busy func(context.Context, error) error
}

var _ database.Driver = (*driver)(nil)

// Lock takes golang-migrate's own advisory lock.
func (d *driver) Lock() error {
	err := d.retry("lock", d.Driver.Lock)
	if err != nil && contended(err) && d.ctx.Err() == nil {
		return d.busy(d.ctx, err)
	}
	return err
}

// SetVersion writes golang-migrate's version; it truncates a table and so has to wait for those who read it.
func (d *driver) SetVersion(version int, dirty bool) error {
	err := d.retry("set version", func() error { return d.Driver.SetVersion(version, dirty) })
	failpoint.Hit(committed)
	return err
}

// Run applies one file.
func (d *driver) Run(file io.Reader) error {
	text, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("read migration: %w", err)
	}
	err = d.retry("run", func() error { return d.Driver.Run(bytes.NewReader(text)) })
	failpoint.Hit(committed)
	return err
}

// Drop is refused: it would delete all tables of whatever schema is first in the search_path.
func (d *driver) Drop() error { return fmt.Errorf("drop is not supported") }

func (d *driver) retry(step string, do func() error) error {
	return patient(d.ctx, d.options, step, func() error {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		stop := d.cancelOn(d.ctx)
		defer stop()
		return do()
	})
}

// cancelOn makes the end of ctx cancel the statement at work: golang-migrate knows no contexts. After stop no request is
// on its way any more: it would cancel what comes next, such as giving a lock back.
func (d *driver) cancelOn(ctx context.Context) (stop func()) {
	requested := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(requested)
		timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// If the request does not arrive the statement ends by itself.
		_ = d.conn.PgConn().CancelRequest(timeout)
	})
	return func() {
		if !unhook() {
			<-requested
		}
	}
}

// committed is the failpoint after each of the transactions that bring a schema up.
const committed = "migration"

// patient does something that takes a lock, and again after pauses as long as the lock is not had.
func patient(ctx context.Context, o Options, step string, do func() error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = o.RetryPause
	pause.MaxInterval = 16 * o.RetryPause
	pause.Multiplier = 2
	pause.RandomizationFactor = 0.5
	options := []backoff.RetryOption{
		backoff.WithBackOff(pause),
		backoff.WithMaxElapsedTime(max(o.RetryFor, 0)),
		backoff.WithNotify(func(err error, wait time.Duration) {
			o.Logger.DebugContext(ctx, "migration waits for a lock",
				slog.String("step", step), slog.Duration("pause", wait), slog.Any("error", err))
		}),
	}
	if o.RetryFor < 0 {
		options = append(options, backoff.WithMaxTries(1))
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := plain(do())
		if err != nil && (!contended(err) || ctx.Err() != nil) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, options...)
	return err
}
