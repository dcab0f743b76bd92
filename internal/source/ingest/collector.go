package ingest

import (
	"log/slog"
	"time"

	"github.com/tapline/tapline/internal/stream"
)

// CollectorOptions say how requests become frames. Broker is needed.
type CollectorOptions struct {
	// Broker holds the streams. It stays the caller's.
	Broker *stream.Broker
	// Schema returns the schema that a source's events are loaded into, after which its stream is named. Defaults to
	// schema.SchemaName.
	Schema func(nickname string) (string, error)
	// FrameBytes is the size at which a frame is full; a request that is larger makes a frame by itself. Defaults to 256 KiB.
	FrameBytes int
	// Linger is how long the first request of a frame waits for others. Defaults to 3 ms.
	Linger time.Duration
	// InFlight is how many frames of one source are sent to the server at once; when there are that many, the next one
	// collects requests until it is full. Defaults to 4.
	InFlight int
	// MaxPending is how many bytes of requests may wait for their acknowledgement; those beyond are refused with
	// ErrUnavailable at once. Defaults to 64 MiB.
	MaxPending int64
	// Logger gets why frames were not taken. Defaults to none.
	Logger *slog.Logger
}

// CollectorStats are sums since the start.
type CollectorStats struct {
	Requests, Frames, Bytes int64 // acknowledged
	Failed                  int64 // requests that were not
	Pending                 int64 // bytes that wait now
}
