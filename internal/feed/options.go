// Package feed loads what the streams hold: it takes frames, hands them to the loader as units, and acknowledges them once
// they are committed. Any number of workers, in any number of processes, share the work; what two of them load is loaded once.
package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// Source is a source whose stream is to be loaded.
type Source struct {
	// Config is what its loader gets. Config.Source is the nickname, Config.Schema (made of it if empty) names the stream.
	// Workers defaults to 1 here: frames are small, and loaded one group after the other.
	Config loader.Config
	// Revision tells this Config from an earlier one of the source: with another one, loading starts anew.
	Revision string
}

// Options say what to load and how often. Broker, Pool and Sources are needed.
type Options struct {
	// Broker holds the streams, Pool is where they are loaded into. Both stay the caller's.
	Broker *stream.Broker
	Pool   *pgxpool.Pool
	// Sources returns the sources to load; it is asked again each Refresh, and those that are gone are let go. A source that
	// takes no more requests should stay until its stream is empty. An error leaves all as it was.
	Sources func(ctx context.Context) ([]Source, error)
	// Refresh defaults to 5 s.
	Refresh time.Duration
	// LoadEvery is how long frames are collected, from the first, before they are loaded. Defaults to 5 s.
	LoadEvery time.Duration
	// LoadBytes is how many bytes of frames are loaded at once: with that many, LoadEvery is not waited for. They are held in
	// memory, for each source. Defaults to 32 MiB.
	LoadBytes int64
	// RetryMin and RetryMax are the shortest and longest time after which is tried again what failed by a fault that passes,
	// such as a database that is not there. They default to 500 ms and 15 s.
	RetryMin, RetryMax time.Duration
	// PauseRetry is after how long a paused source is tried again. Defaults to 30 s.
	PauseRetry time.Duration
	// Loaded is called after each load that committed something. Defaults to none. It must not block for long.
	Loaded func(Load)
	// Changed is called when a source's State or its reason has changed. Defaults to none. It must not block for long.
	Changed func(Status)
	// Logger defaults to none.
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Broker == nil || o.Pool == nil || o.Sources == nil:
		return o, errors.New("feed: Broker, Pool and Sources are needed")
	case o.Refresh < 0 || o.LoadEvery < 0 || o.LoadBytes < 0 || o.RetryMin < 0 || o.RetryMax < 0 || o.PauseRetry < 0:
		return o, errors.New("feed: sizes and times must not be negative")
	}
	for _, d := range []struct {
		value  *time.Duration
		orElse time.Duration
	}{
		{&o.Refresh, 5 * time.Second},
		{&o.LoadEvery, 5 * time.Second},
		{&o.RetryMin, 500 * time.Millisecond},
		{&o.RetryMax, 15 * time.Second},
		{&o.PauseRetry, 30 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.orElse
		}
	}
	o.RetryMax = max(o.RetryMin, o.RetryMax)
	if o.LoadBytes == 0 {
		o.LoadBytes = 32 << 20
	}
	if o.Loaded == nil {
		o.Loaded = func(Load) {}
	}
	if o.Changed == nil {
		o.Changed = func(Status) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// State is how loading of one source goes.
type State string

// States of a source.
const (
	Running State = "running"
	// Retrying says that the database or the server of streams does not answer, or asks to come again: loading goes on by
	// itself as soon as it does.
	Retrying State = "retrying"
	// Paused says that somebody has to do something: a right is missing, a disk is full, a schema is not there. Nothing is lost
	// or put into quarantine meanwhile, and what is mended is noticed within PauseRetry.
	Paused State = "paused"
)

// Status is how one source stands.
type Status struct {
	Source, Schema string
	State          State
	Since          time.Time // of this state
	Reason         string    // why, unless it is running: a sentence without data of events
	// LastLoad is when the last load was committed, LastDuration how long it took; zero before the first.
	LastLoad     time.Time
	LastDuration time.Duration
	// Frames and Events are sums of this worker: what it loaded, and how many of the events became rows.
	Frames, Events int64
}

// Load is one load that was committed.
type Load struct {
	Source, Schema string
	Report         loader.Report
	Frames         int
	Bytes          int64
	// Oldest and Newest are when the first and the last of its frames were stored.
	Oldest, Newest time.Time
	Duration       time.Duration
}
