package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
)

// sourceStream is the stream of one source.
type sourceStream struct {
	name, subject string
	stream        jetstream.Stream
	created       int64 // nanoseconds: together with the name it tells a stream from one that was removed
	unsafe        atomic.Pointer[SettingError]
	silence       // of those who publish
}

// source returns the stream of a schema, which was found and checked before, or is now. It is made if create is set, else nil
// if there is none.
func (b *Broker) source(ctx context.Context, schema string, create bool) (*sourceStream, error) {
	if s := b.known(schema); s != nil {
		return s, nil
	}
	// Others with a stream that is known do not wait for this one, whose servers may not answer.
	unlock, err := b.lookFor(ctx, schema)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if s := b.known(schema); s != nil {
		return s, nil
	}
	s := &sourceStream{name: b.opts.Prefix + "_" + schema, subject: strings.ToLower(b.opts.Prefix) + "." + schema}
	s.stream, err = b.js.Stream(ctx, s.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if !create {
			return nil, nil
		}
		s.stream, err = b.js.CreateStream(ctx, b.config(s.name, s.subject))
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster, with other limits
			s.stream, err = b.js.Stream(ctx, s.name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", s.name, err)
	}
	if err := b.verify(ctx, s, s.stream.CachedInfo()); err != nil {
		return nil, err
	}
	if err := b.resize(ctx, s); err != nil {
		return nil, err
	}
	s.created = s.stream.CachedInfo().Created.UnixNano()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams[schema] = s
	return s, nil
}

// known returns the stream of a schema if it was found before.
func (b *Broker) known(schema string) *sourceStream {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.streams[schema]
}

// lookFor waits until nobody else looks for the stream of a schema, and keeps others from it until unlock.
func (b *Broker) lookFor(ctx context.Context, schema string) (unlock func(), err error) {
	b.mu.Lock()
	turn := b.turns[schema]
	if turn == nil {
		turn = make(chan struct{}, 1)
		b.turns[schema] = turn
	}
	b.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// resize gives a stream of Tapline's own making the limit that is asked for now. A smaller one removes nothing.
func (b *Broker) resize(ctx context.Context, s *sourceStream) error {
	c := s.stream.CachedInfo().Config
	if c.MaxBytes == b.opts.MaxBytes || c.Metadata["tapline"] == "" || b.opts.ReadOnly {
		return nil
	}
	c.MaxBytes = b.opts.MaxBytes
	if _, err := b.js.UpdateStream(ctx, c); err != nil {
		return fmt.Errorf("give stream %s the limit of %d bytes: %w", s.name, c.MaxBytes, err)
	}
	return nil
}

// verify checks a stream, and that each server which holds it syncs. A process that only loads does not depend on that.
func (b *Broker) verify(ctx context.Context, s *sourceStream, info *jetstream.StreamInfo) error {
	replicas := b.opts.Replicas
	if b.opts.ReadOnly {
		replicas = 1
	}
	if err := checkStream(&info.Config, s.subject, replicas); err != nil {
		return err
	}
	if b.monitor == nil || info.Cluster == nil {
		return nil
	}
	names := []string{info.Cluster.Leader}
	for _, r := range info.Cluster.Replicas {
		if !r.Offline { // it takes part in nothing now, and is asked when it is back
			names = append(names, r.Name)
		}
	}
	for _, name := range names {
		if name == "" {
			continue // there is no leader now
		}
		if err := b.monitor.server(ctx, "", name); err != nil {
			return err
		}
	}
	return nil
}

// verifyAll looks at all known streams again: somebody may have changed one. Nothing more is published into one that has
// become unsafe.
func (b *Broker) verifyAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, b.opts.AckTimeout) // what it does not come to is looked at next time
	defer cancel()
	b.mu.Lock()
	known := maps.Clone(b.streams)
	b.mu.Unlock()
	for schema, s := range known {
		info, err := s.stream.Info(ctx)
		if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && info.Created.UnixNano() != s.created {
			b.forget(schema, s)
			continue
		}
		if err != nil {
			continue // the connection is watched elsewhere
		}
		var unsafe *SettingError
		if errors.As(b.verify(ctx, s, info), &unsafe) {
			b.opts.Logger.ErrorContext(ctx, "stream is unsafe: no more events are taken", "cause", unsafe)
		}
		s.unsafe.Store(unsafe)
	}
}

// forget lets a stream be looked for again: it was removed, maybe.
func (b *Broker) forget(schema string, s *sourceStream) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.streams[schema] == s {
		delete(b.streams, schema)
	}
}

// Verify looks at the stream of a schema, and makes it if it is not there: an error at the start is better than one with the
// first request.
func (b *Broker) Verify(ctx context.Context, schema string) error {
	_, err := b.source(ctx, schema, !b.opts.ReadOnly)
	return err
}

// Schemas returns the schemas that have a stream.
func (b *Broker) Schemas(ctx context.Context) ([]string, error) {
	var out []string
	names := b.js.StreamNames(ctx, jetstream.WithStreamListSubject(strings.ToLower(b.opts.Prefix)+".*"))
	for name := range names.Name() {
		if schema, ok := strings.CutPrefix(name, b.opts.Prefix+"_"); ok {
			out = append(out, schema)
		}
	}
	if err := names.Err(); err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	slices.Sort(out)
	return out, nil
}
