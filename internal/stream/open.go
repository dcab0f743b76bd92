package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Broker is a connection to the server of the streams, and the embedded server itself if it is one. It is safe for use by
// many goroutines.
type Broker struct {
	opts     Options
	embedded *embedded // nil for external servers
	conn     *nats.Conn
	js       jetstream.JetStream
	monitor  *monitor // nil if nobody has to ask

	mu      sync.Mutex
	streams map[string]*sourceStream // by schema; those that were found or made
	turns   map[string]chan struct{} // by schema: of those who look for one

	lack    atomic.Pointer[lack]
	lookups silence // of streams, by those who publish
	stop    context.CancelFunc
	stopped chan struct{}
}

// lack is why nothing can be published now.
type lack struct{ err error }

// Open starts the embedded server or connects to external ones, and checks what they say of themselves. The error is a
// *SettingError for a setting with which nothing may be acknowledged. Close the Broker after use.
func Open(ctx context.Context, o Options) (*Broker, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Broker{opts: o, streams: map[string]*sourceStream{}, turns: map[string]chan struct{}{}, stopped: make(chan struct{})}
	err = b.open(ctx)
	if err == nil && b.embedded != nil {
		err = b.resetConsumers(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.disconnect())
	}
	watching, stop := context.WithCancel(context.Background())
	b.stop = stop
	b.look(watching)
	go b.watch(watching)
	return b, nil
}

func (b *Broker) open(ctx context.Context) error {
	var err error
	if b.opts.Dir != "" {
		if b.embedded, err = startEmbedded(ctx, &b.opts); err != nil {
			return err
		}
		if err := b.embedded.check(); err != nil && !b.opts.unsafe {
			return err
		}
	}
	if err := b.connect(); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithDefaultTimeout(b.opts.AckTimeout)); err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("use JetStream of %s: %w: the server needs jetstream enabled, and the account the right to use it", b.where(), err)
	}
	if has := b.conn.MaxPayload(); has < MaxFrame {
		return &SettingError{
			Where: b.where(), Setting: "max_payload", Has: fmt.Sprint(has),
			Risk: "a request of the largest size does not fit", Fix: fmt.Sprintf("set it to %d or more", MaxFrame),
		}
	}
	if b.embedded == nil && !b.opts.ReadOnly && !b.opts.TrustSync {
		var err error
		if b.monitor, err = newMonitor(&b.opts); err != nil {
			return err
		}
		return b.monitor.server(ctx, b.conn.ConnectedServerId(), b.conn.ConnectedServerName())
	}
	return nil
}

// where names the server.
func (b *Broker) where() string {
	if b.embedded != nil {
		return "the embedded server"
	}
	if name := b.conn.ConnectedServerName(); name != "" {
		return "server " + name
	}
	return "the server"
}

// connect connects, and from then on again and again. Nothing is buffered meanwhile: what cannot be sent now is refused now.
func (b *Broker) connect() error {
	log := b.opts.Logger
	options := []nats.Option{
		nats.Name("tapline"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.ReconnectBufSize(-1),
		// A server that is just starting may not know its accounts yet, and credentials may be changed at another moment
		// than there: two refusals in a row are no reason to give up for ever.
		nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(5 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("connection to the streams' server lost", "cause", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("connected to the streams' server again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("streams' server", "cause", err)
		}),
	}
	url := strings.Join(b.opts.URLs, ",")
	if b.embedded != nil {
		url = ""
		options = append(options, nats.InProcessServer(b.embedded), nats.Token(b.embedded.token))
	} else {
		more, err := b.opts.signIn()
		if err != nil {
			return err
		}
		options = append(options, more...)
	}
	conn, err := nats.Connect(url, options...)
	if err != nil {
		return b.unreached(err)
	}
	b.conn = conn
	return nil
}

// unreached says which servers could not be connected to.
func (b *Broker) unreached(err error) error {
	if b.embedded != nil {
		return fmt.Errorf("connect to the streams' server: %w", err)
	}
	var names []string
	for _, u := range b.opts.URLs {
		names = append(names, redacted(u))
	}
	return fmt.Errorf("connect to the streams' server at %s: %w: look whether it runs there, and takes this token, user or certificate",
		strings.Join(names, ", "), err)
}

// signIn are the options of external servers.
func (o *Options) signIn() ([]nats.Option, error) {
	var out []nats.Option
	switch {
	case o.Token != "":
		out = append(out, nats.Token(o.Token))
	case o.TokenFile != "":
		if _, err := os.ReadFile(o.TokenFile); err != nil {
			return nil, fmt.Errorf("read the streams' token: %w", err)
		}
		out = append(out, nats.TokenHandler(func() string { // asked at each connection, as the other files are
			kept, err := os.ReadFile(o.TokenFile)
			if err != nil {
				o.Logger.Warn("the streams' token cannot be read", "cause", err)
			}
			return strings.TrimSpace(string(kept))
		}))
	case o.Credentials != "":
		out = append(out, nats.UserCredentials(o.Credentials))
	case o.NKey != "":
		key, err := nats.NkeyOptionFromSeed(o.NKey)
		if err != nil {
			return nil, fmt.Errorf("read the streams' nkey: %w", err)
		}
		out = append(out, key)
	}
	if o.CA != "" {
		out = append(out, nats.RootCAs(o.CA))
	}
	if o.Cert != "" {
		out = append(out, nats.ClientCert(o.Cert, o.Key))
	}
	return out, nil
}

// URL is the embedded server's for other processes of this machine, empty without Options.Listen.
func (b *Broker) URL() string {
	if b.embedded == nil {
		return ""
	}
	return b.embedded.url()
}

// Close ends the connection and the embedded server. Frames that are not acknowledged stay.
func (b *Broker) Close() error {
	b.stop()
	<-b.stopped
	return b.disconnect()
}

func (b *Broker) disconnect() error {
	if b.conn != nil {
		b.conn.Close()
	}
	if b.embedded != nil {
		return b.embedded.close()
	}
	return nil
}
