package migrations

import (
	"log/slog"
	"time"
)

// ControlSchema is the schema that all sources of a database share: it says which source owns which schema.
const ControlSchema = "tapline"

// Options are the settings of a Migrator. The zero value is a good one.
type Options struct {
	// LockTimeout is how long DDL waits for a lock at a time. While it waits, all later readers of the table wait
	// behind it. Defaults to 300 ms.
	LockTimeout time.Duration
	// RetryFor is how long a migration is tried again after locks that were not had. A load holds its tables' locks
	// until its unit is in, so this is minutes. Defaults to 10 minutes; negative means one try.
	RetryFor time.Duration
	// LockWait is how long to wait for another migrator of the same schema; then the error is a *BusyError. Defaults to 15
	// minutes, more than a migration that has to wait for locks takes; negative means no limit.
	LockWait time.Duration
	// RetryPause is the first pause between two tries; it doubles up to 16 times that, each with a jitter of half.
	// Defaults to 100 ms.
	RetryPause time.Duration
	// Logger gets a line for each migration that is applied and each repair. Defaults to none.
	Logger *slog.Logger
	// Managed says that somebody else owns DDL: Bootstrap only checks, everything that would change the schema
	// returns ErrManaged.
	Managed bool
}

func (o Options) withDefaults() Options {
	if o.LockTimeout <= 0 {
		o.LockTimeout = 300 * time.Millisecond
	}
	if o.RetryFor == 0 {
		o.RetryFor = 10 * time.Minute
	}
	if o.LockWait == 0 {
		o.LockWait = 15 * time.Minute
	}
	if o.RetryPause <= 0 {
		o.RetryPause = 100 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
