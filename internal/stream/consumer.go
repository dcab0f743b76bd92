package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Consumer takes the frames of one stream. All consumers of a stream, in any number of processes, share its frames. It is for
// one goroutine.
type Consumer struct {
	broker *Broker
	schema string
	source *sourceStream
	pull   jetstream.Consumer
	purged uint64
	ahead  int // how often in a row the consumer was ahead of its stream
}

// Consumer returns the consumer of a schema's stream; nil if there is no stream yet.
func (b *Broker) Consumer(ctx context.Context, schema string) (*Consumer, error) {
	s, err := b.source(ctx, schema, false)
	if err != nil || s == nil {
		return nil, err
	}
	info, err := s.stream.Info(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && info.Created.UnixNano() != s.created {
		b.forget(schema, s)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", s.name, err)
	}
	pull, err := s.stream.Consumer(ctx, consumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		pull, err = s.stream.CreateOrUpdateConsumer(ctx, b.consumerConfig())
	}
	if err != nil {
		return nil, fmt.Errorf("open consumer of stream %s: %w", s.name, err)
	}
	if err := checkConsumer(&pull.CachedInfo().Config, s.name); err != nil {
		return nil, err
	}
	return &Consumer{broker: b, schema: schema, source: s, pull: pull}, nil
}

// SignEvery is how often a worker should call Frame.InHand for what it has not acknowledged.
func (c *Consumer) SignEvery() time.Duration {
	return max(c.pull.CachedInfo().Config.AckWait/4, 10*time.Millisecond)
}

// Frame is one frame in the hands of a worker, until it is acknowledged or given back.
type Frame struct {
	// Data are its bytes; Key names it for ever: stream, its creation time, sequence.
	Data []byte
	Key  string
	// Name is for people.
	Name string
	// Stored is when the server took it.
	Stored time.Time
	// Sequence is its number in the stream.
	Sequence uint64
	msg      jetstream.Msg
}

// fetchBytes is the most that is asked for at once: less than what the client holds for one subscription.
const fetchBytes = 8 << 20

// Fetch returns frames, at most n and about so many bytes, and waits for the first of them. It may return none, and more of
// them may be there. What it returns was taken, also with an error.
func (c *Consumer) Fetch(n int, bytes int64, wait time.Duration) ([]*Frame, error) {
	bytes = max(min(bytes, fetchBytes), MaxFrame+4096)
	batch, err := c.pull.Fetch(n, jetstream.FetchMaxBytes(int(bytes)), jetstream.FetchMaxWait(wait))
	if err != nil {
		return nil, fmt.Errorf("fetch frames of stream %s: %w", c.source.name, err)
	}
	var out []*Frame
	for m := range batch.Messages() {
		f, err := c.frame(m)
		if err != nil {
			return out, err
		}
		out = append(out, f)
	}
	if err := batch.Error(); err != nil {
		return out, fmt.Errorf("fetch frames of stream %s: %w", c.source.name, err)
	}
	return out, nil
}

func (c *Consumer) frame(m jetstream.Msg) (*Frame, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("read a frame of stream %s: %w", c.source.name, err)
	}
	return &Frame{
		Data: m.Data(), Stored: meta.Timestamp, Sequence: meta.Sequence.Stream, msg: m,
		Key:  fmt.Sprintf("frame:%s:%d:%d", c.source.name, c.source.created, meta.Sequence.Stream),
		Name: fmt.Sprintf("stream %s, frame %d", c.source.name, meta.Sequence.Stream),
	}, nil
}

// Ack says that the frame is loaded. Should the word get lost, the frame comes again.
func (f *Frame) Ack() error { return f.msg.Ack() }

// AckSync is Ack and waits until the server has heard it, and all before it.
func (f *Frame) AckSync(ctx context.Context) error { return f.msg.DoubleAck(ctx) }

// InHand says that the frame is still being worked on.
func (f *Frame) InHand() error { return f.msg.InProgress() }

// GiveBack lets the frame come again, here or elsewhere, after a time.
func (f *Frame) GiveBack(after time.Duration) error {
	if after <= 0 {
		return f.msg.Nak()
	}
	return f.msg.NakWithDelay(after)
}

// Purge removes the frames up to which all are acknowledged. It returns the number of the last of them, and how many are not
// acknowledged yet.
func (c *Consumer) Purge(ctx context.Context) (floor, left uint64, err error) {
	info, err := c.pull.Info(ctx)
	if err != nil {
		return 0, 0, c.gone(fmt.Errorf("look at consumer of stream %s: %w", c.source.name, err))
	}
	if err := checkConsumer(&info.Config, c.source.name); err != nil {
		return 0, 0, err
	}
	stream, err := c.source.stream.Info(ctx)
	if err != nil {
		return 0, 0, c.gone(fmt.Errorf("look at stream %s: %w", c.source.name, err))
	}
	if stream.Created.UnixNano() != c.source.created {
		c.broker.forget(c.schema, c.source)
		return 0, 0, ErrGone
	}
	if last := max(info.Delivered.Stream, info.AckFloor.Stream); last > stream.State.LastSeq {
		if c.ahead++; c.ahead > 1 { // a replica that has just become the leader may be late once
			return 0, 0, c.wentBack(ctx, last, stream.State.LastSeq)
		}
		return 0, 1, nil
	}
	c.ahead = 0
	if floor = info.AckFloor.Stream; floor > c.purged && floor >= stream.State.FirstSeq {
		if err := c.source.stream.Purge(ctx, jetstream.WithPurgeSequence(floor+1)); err != nil {
			return 0, 0, fmt.Errorf("purge stream %s: %w", c.source.name, err)
		}
		c.purged = floor
	}
	return floor, info.NumPending + uint64(info.NumAckPending), nil
}

// messageGone is the server's code for a message that was removed before.
const messageGone = 10043

// Remove removes one frame that is loaded, where Purge cannot because an older one waits.
func (c *Consumer) Remove(ctx context.Context, sequence uint64) error {
	err := c.source.stream.DeleteMsg(ctx, sequence)
	var api *jetstream.APIError
	if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) || errors.As(err, &api) && api.ErrorCode == messageGone {
		return nil
	}
	return fmt.Errorf("remove frame %d of stream %s: %w", sequence, c.source.name, err)
}

// ErrGone says that the stream or its consumer is another one than before: the Consumer is of no use any more.
var ErrGone = errors.New("the stream or its consumer was removed")

func (c *Consumer) gone(err error) error {
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		c.broker.forget(c.schema, c.source)
		return ErrGone
	}
	return err
}

// wentBack mends a consumer that is ahead of its stream, which has lost its end: it would pass over what comes next. All that
// the stream has is delivered again; what is loaded is not loaded twice.
func (c *Consumer) wentBack(ctx context.Context, consumer, stream uint64) error {
	c.broker.opts.Logger.ErrorContext(ctx, "stream ends before its consumer: frames were lost by the server; all others are read again",
		"stream", c.source.name, "last", stream, "consumer", consumer)
	if err := c.source.stream.DeleteConsumer(ctx, consumerName); err != nil {
		return c.gone(fmt.Errorf("make consumer of stream %s anew: %w", c.source.name, err))
	}
	return ErrGone
}

// resetConsumers forgets what workers have in hand: with the embedded server has ended whoever used it. Without this, what a
// killed process had taken would come again only after its AckWait. What was loaded and not purged comes again too, and is
// skipped.
func (b *Broker) resetConsumers(ctx context.Context) error {
	schemas, err := b.Schemas(ctx)
	if err != nil {
		return err
	}
	for _, schema := range schemas {
		name := b.opts.Prefix + "_" + schema
		if err := b.js.DeleteConsumer(ctx, name, consumerName); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("make consumer of stream %s anew: %w", name, err)
		}
	}
	return nil
}

// Info returns how the stream of a schema stands; ok is false if there is none yet.
func (b *Broker) Info(ctx context.Context, schema string) (info Info, ok bool, err error) {
	s, err := b.source(ctx, schema, false)
	if err != nil || s == nil {
		return info, false, err
	}
	stream, err := s.stream.Info(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		b.forget(schema, s)
		return info, false, nil
	}
	if err != nil {
		return info, false, fmt.Errorf("look at stream %s: %w", s.name, err)
	}
	info = Info{
		Name: s.name, Created: stream.Created, Messages: stream.State.Msgs, Bytes: int64(stream.State.Bytes),
		MaxBytes: stream.Config.MaxBytes, Last: stream.State.LastSeq, Unloaded: stream.State.Msgs,
	}
	pull, err := s.stream.Consumer(ctx, consumerName)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
	case err != nil:
		return info, true, fmt.Errorf("look at consumer of stream %s: %w", s.name, err)
	default:
		c := pull.CachedInfo()
		info.Floor, info.InHand = c.AckFloor.Stream, c.NumAckPending
		info.Unloaded = c.NumPending + uint64(c.NumAckPending)
	}
	if info.Unloaded > 0 {
		info.Oldest = stream.State.FirstTime
	}
	return info, true, nil
}
