// Package ingest is the source of events that arrive over HTTP: accepted requests become frames of a durable stream, and
// the frames become units for the loader.
package ingest

import (
	"context"
	"time"

	"github.com/tapline/tapline/internal/stream"
)

// Request is one accepted HTTP request: its body is readable JSON, within the limits, of a known and enabled source.
type Request struct {
	// Source is the nickname of the source that the write key belongs to.
	Source string
	// Received is when the request arrived: the receivedAt of its calls that carry none.
	Received time.Time
	// Call is the type of the single call that the path named (track, identify, ...), empty for a batch. It is that of a
	// body without a type of its own; a body with one means what it would mean in a file.
	Call string
	// Body is the JSON as it was sent, decompressed. The Intake does not keep it once Append has returned.
	Body []byte
}

// Intake takes requests. It is safe for use by many goroutines.
type Intake interface {
	// Append returns nil once the request is on disk and will be loaded. Any error means that nothing is promised: the
	// client is to send it again. It is ErrFull when the stream or its disk has no room, ErrUnavailable when the stream
	// cannot be reached now, and the cause of ctx when that ended first.
	Append(ctx context.Context, r *Request) error
	// Ready returns nil while Append would most likely be taken, else why not.
	Ready() error
}

// Errors of an Intake.
var (
	ErrFull        = stream.ErrFull
	ErrUnavailable = stream.ErrUnavailable
)
