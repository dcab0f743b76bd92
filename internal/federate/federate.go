// Package federate forwards what is loaded to destinations that speak Segment's Tracking API: at least once, in the order
// of the loads, with the same message ids however often a message is sent. It reads back what was committed, load by load,
// so that a destination gets exactly what analysts see, and one that is slow or down holds up nobody.
//
// Read it top to bottom: federate.go and supervise.go run destinations side by side; session.go is one under its lease;
// load.go chooses the next piece and reads its rows; plan.go and message.go make them messages; deliver.go hands them to
// analytics-go, and waiting.go keeps which have no answer yet; transport.go is analytics-go's way out, with the retries;
// cursor.go notes what has arrived.
package federate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Options are the settings of a Federator. The zero value forwards to all destinations until its context ends.
type Options struct {
	// Destinations are names; none means all that there are, new ones too.
	Destinations []string
	// Once ends Run when every destination has got what was committed when Run looked last. It may be used with From and To.
	Once bool
	// From and To make a replay: of all loads the rows whose timestamp is in [From, To), sent again with the same message
	// ids, wherever the cursor is. The cursor does not move. Zero means no limit on that side; both zero is no replay.
	From, To time.Time
	// AllowHTTP allows endpoints without TLS, AllowPrivate addresses of this machine and of private networks, for all
	// destinations. Each destination may also be allowed them by its Settings.
	AllowHTTP, AllowPrivate bool
	// Key returns the secret that a reference names. Defaults to ReadKey.
	Key func(ctx context.Context, reference string) (string, error)
	// Logger gets what happens, never a payload or a key. Defaults to one that drops all.
	Logger *slog.Logger
	// Progress is told after each piece; several destinations call it at the same time. Optional.
	Progress func(Progress)
	// Poll is how long to wait for new loads. Defaults to 2 s.
	Poll time.Duration
	// GiveUp is how long a destination, or Postgres, may fail before Run with Once returns an error; without Once it is
	// tried for ever. Defaults to 5 minutes.
	GiveUp time.Duration
	// Lease is how long a process that fell silent keeps others from sending to its destinations. Defaults to 1 minute.
	Lease time.Duration
	// PieceRows is about how many rows are read, sent and then noted as arrived at once. Defaults to 10,000.
	PieceRows int
	// InFlight is how many requests to one destination there are at a time. Defaults to 4.
	InFlight int
	// Timeout is how long one request may take. Defaults to 30 s.
	Timeout time.Duration
	// RetryMin and RetryMax are the shortest and longest pause before a request is sent again, before jitter. Default to
	// 500 ms and 1 minute. A longer Retry-After of the destination is kept, up to an hour.
	RetryMin, RetryMax time.Duration
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	def(&o.Poll, 2*time.Second)
	def(&o.GiveUp, 5*time.Minute)
	def(&o.Lease, time.Minute)
	def(&o.Timeout, 30*time.Second)
	def(&o.RetryMin, 500*time.Millisecond)
	def(&o.RetryMax, time.Minute)
	if o.PieceRows <= 0 {
		o.PieceRows = 10_000
	}
	if o.InFlight <= 0 {
		o.InFlight = 4
	}
	if o.Key == nil {
		o.Key = ReadKey
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// ends reports whether Run ends by itself.
func (o *Options) ends() bool { return o.Once || o.replays() }

func (o *Options) replays() bool { return !o.From.IsZero() || !o.To.IsZero() }

// Progress is how far one destination is.
type Progress struct {
	Destination string
	// Sent, Filtered and Undelivered are the rows of this Run: those that arrived, those that the destination's filters
	// left out, and those that went to _undelivered.
	Sent, Filtered, Undelivered int64
	// Pending is how many rows wait. In a replay it is how many rows the loads have that are not looked at yet.
	Pending int64
	// Seq is the last load that is done.
	Seq int64
}

// Federator forwards to destinations. Its methods may be called by several goroutines.
type Federator struct {
	pool  *pgxpool.Pool
	opt   Options
	reads chan struct{} // one for each piece that is being read

	mu     sync.Mutex
	counts map[string]Progress // by destination, over all its sessions
}

// New returns a Federator on a database whose control schema is up to date (see migrations.Control). The pool stays the
// caller's; a destination holds one connection of it while rows are read and for a moment now and then, none while it
// waits for the destination.
func New(pool *pgxpool.Pool, o Options) (*Federator, error) {
	if !o.To.IsZero() && !o.From.Before(o.To) {
		return nil, fmt.Errorf("replay from %s to %s: the range is empty; give a later end", o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	}
	// A piece may take minutes to read. Meanwhile other connections have to be left for leases and cursors.
	reads := make(chan struct{}, max(1, int(pool.Config().MaxConns)/2))
	return &Federator{pool: pool, opt: o.withDefaults(), reads: reads, counts: map[string]Progress{}}, nil
}

// counted returns how far a destination is in this Run.
func (f *Federator) counted(name string) Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.counts[name]
	p.Destination = name
	return p
}

func (f *Federator) count(p Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[p.Destination] = p
}

// reading waits until a piece may be read; release is called when that is done.
func (f *Federator) reading(ctx context.Context) (release func(), err error) {
	select {
	case f.reads <- struct{}{}:
		return func() { <-f.reads }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// NotSetUp reports whether an error says that a database has no place for destinations yet, which migrations.Control makes.
func NotSetUp(err error) bool { return errors.Is(err, errNotSetUp) }

// Run forwards to all destinations of a database until ctx ends: to new ones too, each on its own, and no more to those
// that are paused or removed. It is for a process that stays, such as a server; Options.Once is ignored. The pool should have two
// connections or more to spare; the error is only about the options.
func Run(ctx context.Context, pool *pgxpool.Pool, o Options) error {
	o.Once, o.From, o.To = false, time.Time{}, time.Time{}
	f, err := New(pool, o)
	if err != nil {
		return err
	}
	return f.Run(ctx)
}

// Run forwards until ctx ends, or with Options.Once until everything is sent. Destinations are independent of each other:
// one that is paused or fails is left alone, the others go on. The error joins those of all destinations: a *PausedError
// for one that is or was paused, ErrLeased for one that another process sends to, and with Once what a destination was
// given up for. It is nil if ctx ended.
func (f *Federator) Run(ctx context.Context) error {
	if f.opt.ends() {
		return f.runOnce(ctx)
	}
	return f.runAlways(ctx)
}

func (f *Federator) runOnce(ctx context.Context) error {
	all, err := f.chosen(ctx)
	if err != nil {
		return err
	}
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { errs[i] = f.untilDone(ctx, &all[i]) })
	}
	wg.Wait()
	if ended(ctx) {
		return nil
	}
	return errors.Join(errs...)
}

// chosen returns the destinations of the options.
func (f *Federator) chosen(ctx context.Context) ([]Destination, error) {
	all, err := List(ctx, f.pool, "")
	if err != nil || len(f.opt.Destinations) == 0 {
		return all, err
	}
	var out []Destination
	for _, name := range f.opt.Destinations {
		d, err := Get(ctx, f.pool, name)
		if err != nil {
			return nil, err
		}
		out = append(out, *d)
	}
	return out, nil
}
