package feed

import (
	"context"
	"errors"
)

// Worker loads the streams of sources.
type Worker struct{ opts Options }

// New returns a worker.
func New(o Options) (*Worker, error) { return nil, errors.New("feed: not there yet") }

// Run loads until ctx ends: the unit that is open then is rolled back, unless its COMMIT was sent, and what was committed is
// acknowledged. The error is not nil only if Sources fails at the start.
func (w *Worker) Run(ctx context.Context) error { return nil }

// Status returns how each source stands, by nickname.
func (w *Worker) Status() []Status { return nil }
