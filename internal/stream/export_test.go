package stream

import "context"

// Unsafe makes an embedded server that acknowledges before it has synced.
func Unsafe(o Options) Options {
	o.unsafe = true
	return o
}

// VerifyNow looks at all streams, as is done from time to time.
func (b *Broker) VerifyNow(ctx context.Context) { b.verifyAll(ctx) }

// Fail makes the embedded server stop serving streams, as it does when its disk fails.
func (b *Broker) Fail() error { return b.embedded.server.ShutdownJetStream() }
