package gateway

import (
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tapline/tapline/internal/source/ingest"
)

// Limits of one request. The first two are those of the data contract.
const (
	MaxCall   = 32_768    // bytes of a single call
	MaxBatch  = 512_000   // bytes of a batch, decompressed, and of any body on the wire
	MaxEvents = 2_500     // events of a batch
	MaxRead   = 1_048_576 // bytes that are read, at most, of a body that is over its limit
)

// Config says how a Handler works. Intake and Keys are needed.
type Config struct {
	Intake ingest.Intake
	Keys   Keys
	// Region is the region of this host. Keys of sources of another region are refused. Defaults to none: not checked.
	Region string
	// PublicURL is where browsers reach this host, for the settings they ask for: scheme and host, and a path if a proxy
	// adds one. Defaults to what each request was sent to.
	PublicURL string

	// EventsPerSecond is what each write key may send, in the long run; Burst is how many at once. Without
	// EventsPerSecond there is no such limit. Burst defaults to EventsPerSecond, but is at least MaxEvents.
	EventsPerSecond float64
	Burst           int
	// MaxInFlight is how many bytes of bodies may be held at once; requests beyond are asked to come again. Defaults to
	// 64 MiB.
	MaxInFlight int64

	// BodyTimeout is how long a body may take altogether, BodyIdle how long between two pieces of it. They default to 30 s
	// and 5 s.
	BodyTimeout, BodyIdle time.Duration
	// AppendTimeout is how long the Intake may take for one request. Defaults to 8 s.
	AppendTimeout time.Duration

	// Log gets what was refused and why, without bodies and keys. Defaults to nowhere.
	Log *slog.Logger
	// Metrics is where the handler's metrics are registered. Defaults to nowhere.
	Metrics prometheus.Registerer
	// Now returns the time of arrival. Defaults to time.Now.
	Now func() time.Time
}

// complete returns c with its defaults. The error says what is missing or contradictory.
func (c Config) complete() (Config, error) {
	switch {
	case c.Intake == nil:
		return c, errors.New("gateway: no intake given")
	case c.Keys == nil:
		return c, errors.New("gateway: no keys given")
	case c.EventsPerSecond < 0 || c.Burst < 0 || c.MaxInFlight < 0:
		return c, errors.New("gateway: a limit is below 0")
	case c.Burst > 0 && c.EventsPerSecond == 0:
		return c, errors.New("gateway: a burst is given but no rate")
	case c.MaxInFlight > 0 && c.MaxInFlight < 4*bufferMax:
		return c, errors.New("gateway: fewer bytes in flight than one body may need (2 MiB)")
	}
	if c.Burst == 0 {
		c.Burst = int(c.EventsPerSecond)
	}
	c.Burst = max(c.Burst, MaxEvents)
	orElse(&c.MaxInFlight, 64<<20)
	orElse(&c.BodyTimeout, 30*time.Second)
	orElse(&c.BodyIdle, 5*time.Second)
	orElse(&c.AppendTimeout, 8*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

func orElse[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}
