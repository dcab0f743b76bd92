package loader

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/tapline/tapline/schema"
)

// Mode says who changes the schema of a source.
type Mode string

// Modes of evolution.
const (
	// Auto adds tables and columns as events need them.
	Auto Mode = "auto"
	// Managed leaves the schema to others: what has no table or column waits in quarantine and discards.
	Managed Mode = "managed"
)

// Config says how events are loaded. Only Source is required.
type Config struct {
	// Source is the nickname of the source, such as CleverTap_Prod. The schema is named after it (rule 34).
	Source string
	// Schema is the schema's name, if it is not to be made of Source.
	Schema string
	// Evolve defaults to Auto.
	Evolve Mode
	// Workers is how many units may be loaded side by side, each over a connection of its own: those of LargeUnit bytes or
	// more that follow each other in the source. Smaller ones are loaded one by one, in their order. Defaults to the number
	// of processors, at most 4; never more than the pool has connections, less one.
	Workers int
	// LargeUnit is the size of a unit in bytes, before decompression, from which its place in the order does not matter.
	// Defaults to 16 MiB.
	LargeUnit int64
	// SmallUnit is the size of a unit in bytes, before decompression, below which it shares a transaction with its
	// neighbours: small files, objects and frames that follow each other and are there, GroupUnits of them at most and
	// ChunkBytes together. They are committed together or not at all. One that cannot be read is left out of that and fails
	// alone; one that somebody else has loaded meanwhile is skipped alone. Units whose size is not known are not small.
	// Defaults to 1 MiB; negative gives every unit a transaction of its own.
	SmallUnit int64
	// Share divides the units between all Loads that run with Share on the same source, in any process on any machine:
	// each takes a few at a time, and before it reads them. Units that another one has taken are waited for, and loaded
	// should that one stop: Load returns when all units are loaded, by whomever, or failed. The order of small units is
	// then nobody's, and each Load tries a unit that fails. Windows are not divided. Every unit is loaded once with Share
	// and without; Share saves reading it for nothing.
	Share bool
	// Lease is how long a taken unit stays with a Load that gives no sign of life, by the database's clock; it gives one
	// three times as often. Defaults to 30 s. Only with Share.
	Lease time.Duration
	// Ended is called with each unit and what became of it, as soon as that is certain: after its COMMIT, or when it was
	// skipped, or has failed; not for one that was Interrupted. With it the Report's Units are only those that failed, so
	// that a Load may go on for ever. Calls come from several goroutines if there are several Workers; the unit's worker
	// waits for their end.
	Ended func(Unit, UnitReport)
	// ChunkBytes is how many bytes of values are collected before they are copied; two such chunks are in memory, of all
	// workers together.
	// Defaults to 24 MiB: between 10 and 40 MiB the time of a load differed by no more than the machine's noise, 70 MiB was slower.
	ChunkBytes int
	// MaxColumns and MaxTables default to schema.DefaultMaxColumns and schema.DefaultMaxTables.
	MaxColumns, MaxTables int
	// WidenMaxRows is the size of the largest table that a bigint column is widened in while loading; larger ones
	// would be locked too long. Defaults to 100,000 rows; negative means never.
	WidenMaxRows int
	// WidenWait is how long a load waits for the lock of a table that it would widen a column of. After that the column
	// stays as it is for the rest of this Load. Defaults to 30 s.
	WidenWait time.Duration
	// Attempts is how often a unit is started again after a fault that passes (a deadlock, a lost connection).
	// Defaults to 10.
	Attempts int
	// Indexes are made at the end of a Load with Auto, of the tables that are there then, and concurrently. They stay if they
	// are not in the list any more.
	Indexes []Index
	// Filter defaults to everything.
	Filter schema.Filter
	// Logger defaults to none.
	Logger *slog.Logger
	// Now defaults to time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	if c.Source == "" {
		return c, errors.New("config: Source is empty: name the source, such as CleverTap_Prod")
	}
	var err error
	if c.Schema == "" {
		c.Schema, err = schema.SchemaName(c.Source)
	} else if err = schema.CheckNickname(c.Source); err == nil {
		err = schema.CheckSchemaName(c.Schema)
	}
	if err != nil {
		return c, err
	}
	switch c.Evolve {
	case "":
		c.Evolve = Auto
	case Auto, Managed:
	default:
		return c, fmt.Errorf("config: Evolve is %q: use %q or %q", c.Evolve, Auto, Managed)
	}
	if c.ChunkBytes < 0 || c.Attempts < 0 || c.WidenWait < 0 || c.Workers < 0 || c.LargeUnit < 0 || c.Lease < 0 {
		return c, errors.New("config: Workers, LargeUnit, Lease, ChunkBytes, Attempts and WidenWait must not be negative")
	}
	for _, x := range c.Indexes {
		if x.Table == "" || len(x.Columns) == 0 {
			return c, fmt.Errorf("config: an index of table %q on columns %q: give a table and one column or more", x.Table, x.Columns)
		}
	}
	if c.Workers == 0 {
		c.Workers = min(4, runtime.GOMAXPROCS(0))
	}
	if c.SmallUnit == 0 {
		c.SmallUnit = 1 << 20
	}
	if c.Lease == 0 {
		c.Lease = 30 * time.Second
	}
	if c.LargeUnit == 0 {
		c.LargeUnit = 16 << 20
	}
	if c.ChunkBytes == 0 {
		c.ChunkBytes = 24 << 20
	}
	if c.Attempts == 0 {
		c.Attempts = 10
	}
	if c.WidenMaxRows == 0 {
		c.WidenMaxRows = 100_000
	}
	if c.WidenWait == 0 {
		c.WidenWait = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}
