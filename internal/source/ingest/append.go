package ingest

import (
	"context"
	"errors"
)

// Collector is the Intake that collects requests into frames of a stream: those of many goroutines share a frame, and so
// one write to disk.
type Collector struct{ opts CollectorOptions }

var _ Intake = (*Collector)(nil)

// NewCollector returns a Collector. Close it after use, before its Broker.
func NewCollector(o CollectorOptions) (*Collector, error) {
	return nil, errors.New("ingest: not there yet")
}

// Append implements Intake.
func (c *Collector) Append(ctx context.Context, r *Request) error { return ErrUnavailable }

// Ready implements Intake.
func (c *Collector) Ready() error { return ErrUnavailable }

// Stats returns sums since the start.
func (c *Collector) Stats() CollectorStats { return CollectorStats{} }

// Close waits until everything that was appended is acknowledged or has failed. Append fails from then on.
func (c *Collector) Close() error { return nil }
