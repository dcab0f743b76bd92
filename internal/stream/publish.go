package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Publish returns nil once the frame is on disk, in the stream of a schema, which is made if it is not there. The id tells
// the frame from others: it is kept once, whoever sends it twice within two minutes. frame stays the caller's and must not
// change while Publish runs; after an error it may still be on its way. The error is ErrFull, ErrUnavailable, a *SettingError,
// or the cause of ctx.
func (b *Broker) Publish(ctx context.Context, schema, id string, frame []byte) error {
	if l := b.lack.Load(); l != nil {
		return l.err
	}
	if b.opts.ReadOnly {
		return errors.New("publish frame: this process only loads")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.opts.AckTimeout, fmt.Errorf("%w: it took longer than %s", ErrUnavailable, b.opts.AckTimeout))
	defer cancel()
	s, err := b.source(ctx, schema, true)
	if err != nil {
		return b.explain(ctx, schema, nil, err)
	}
	b.lookups.answered()
	if unsafe := s.unsafe.Load(); unsafe != nil {
		return unsafe
	}
	m := &nats.Msg{Subject: s.subject, Data: frame, Header: nats.Header{jetstream.MsgIDHeader: []string{id}}}
	_, err = b.js.PublishMsg(ctx, m, jetstream.WithExpectStream(s.name), jetstream.WithRetryAttempts(0))
	if err == nil {
		s.answered()
		return nil
	}
	return b.explain(ctx, schema, s, err)
}

// Codes of the server for a frame that it has no room for.
const (
	storeFailed      = 10077 // the limit of the stream, or of its disk
	noResources      = 10023
	storageExceeded  = 10047
	accountExhausted = 10002
)

// explain says in terms of this package why a frame was not taken.
func (b *Broker) explain(ctx context.Context, schema string, s *sourceStream, err error) error {
	var api *jetstream.APIError
	var setting *SettingError
	switch {
	case errors.As(err, &setting):
		return setting
	case errors.As(err, &api):
		switch api.ErrorCode {
		case storeFailed, noResources, storageExceeded, accountExhausted:
			return fmt.Errorf("%w: %s", ErrFull, api.Description)
		}
		return fmt.Errorf("%w: %s", ErrUnavailable, api.Description)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		if s != nil {
			b.forget(schema, s)
		}
		return fmt.Errorf("%w: nobody serves the stream now", ErrUnavailable)
	case ctx.Err() != nil:
		if cause := context.Cause(ctx); !errors.Is(cause, ErrUnavailable) {
			return cause
		}
		if s == nil {
			b.lookups.lost.Add(1)
		} else {
			s.lost.Add(1)
		}
		return context.Cause(ctx)
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrFull):
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
