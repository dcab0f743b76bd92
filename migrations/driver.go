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
)

// driver is golang-migrate's driver for Postgres with patience: each step that takes a lock waits for lock_timeout only
// and is tried again after a pause, in which readers pass. Nothing is left dirty by a lock that is not had: Run is one
// implicit transaction and simply runs again. Lock, too, gives up by an error of Postgres; golang-migrate's own time-out
// would leave a goroutine behind that gets the advisory lock later and never gives it back.
type driver struct {
	database.Driver
	options Options
	// ctx is that of the operation at work: golang-migrate's interfaces have none.
	ctx context.Context
}

var _ database.Driver = (*driver)(nil)

// Lock takes golang-migrate's own advisory lock.
func (d *driver) Lock() error { return d.retry("lock", d.Driver.Lock) }

// SetVersion writes golang-migrate's version; it truncates a table and so has to wait for those who read it.
func (d *driver) SetVersion(version int, dirty bool) error {
	return d.retry("set version", func() error { return d.Driver.SetVersion(version, dirty) })
}

// Run applies one file.
func (d *driver) Run(file io.Reader) error {
	text, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("read migration: %w", err)
	}
	return d.retry("run", func() error { return d.Driver.Run(bytes.NewReader(text)) })
}

// Drop is refused: it would delete all tables of whatever schema is first in the search_path.
func (d *driver) Drop() error { return fmt.Errorf("drop is not supported") }

func (d *driver) retry(step string, do func() error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = d.options.RetryPause
	pause.MaxInterval = 16 * d.options.RetryPause
	pause.Multiplier = 2
	pause.RandomizationFactor = 0.5
	options := []backoff.RetryOption{
		backoff.WithBackOff(pause),
		backoff.WithMaxElapsedTime(max(d.options.RetryFor, 0)),
		backoff.WithNotify(func(err error, wait time.Duration) {
			d.options.Logger.DebugContext(d.ctx, "migration waits for a lock",
				slog.String("step", step), slog.Duration("pause", wait), slog.Any("error", err))
		}),
	}
	if d.options.RetryFor < 0 {
		options = append(options, backoff.WithMaxTries(1))
	}
	_, err := backoff.Retry(d.ctx, func() (struct{}, error) {
		err := plain(do())
		if err != nil && (!contended(err) || d.ctx.Err() != nil) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, options...)
	return err
}
