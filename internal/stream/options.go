package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/tapline/tapline/internal/failpoint"
)

// Options say where the streams are. Dir or URLs is needed, one of them.
type Options struct {
	// Dir is where the embedded server keeps its streams. One process at a time may have it open.
	Dir string
	// Listen is a loopback address, host:port, at which the embedded server also serves other processes of this machine,
	// which need the token in TokenPath(Dir). Defaults to none: the server is reached inside this process only.
	Listen string
	// MinFree is how many bytes of the embedded server's disk stay free: with less, Publish says ErrFull. Defaults to 256 MiB.
	MinFree int64

	// URLs are those of external servers: nats://host:4222, tls://host:4222.
	URLs []string
	// Token or TokenFile, Credentials (a .creds file) or NKey (a seed file) is how to sign in there, one of them; none if the
	// URL has it or nothing is asked for.
	Token, TokenFile, Credentials, NKey string
	// CA is a file of certificates to trust, instead of the system's. Cert and Key are this client's own. With any of them
	// connections are encrypted.
	CA, Cert, Key string
	// Monitors are the URLs of the external servers' monitoring ports (http://host:8222), of all that may hold a stream: there
	// they say whether they sync. Defaults to port 8222 of the hosts of URLs.
	Monitors []string
	// TrustSync says that somebody has made sure that the external servers sync before they acknowledge: it is not looked at.
	TrustSync bool
	// Replicas is how many servers of an external cluster keep each stream, and the least that a stream that is there
	// already may have. Defaults to 1.
	Replicas int

	// ReadOnly is for a process that only loads what others have published: Publish is refused, and nothing is asked of the
	// servers that only who acknowledges events must know.
	ReadOnly bool
	// Prefix begins the names of streams and subjects, so that several installations may share a server. Defaults to TAPLINE:
	// stream TAPLINE_shop, subject tapline.shop.
	Prefix string
	// MaxBytes is the most that the stream of one source may hold. Defaults to 8 GiB.
	MaxBytes int64
	// AckTimeout is how long the server's acknowledgement may take. Defaults to 5 s.
	AckTimeout time.Duration
	// AckWait is after how long without a sign of life of a worker its frames are given to others. It counts when a stream's
	// consumer is made. Defaults to 20 s.
	AckWait time.Duration
	unsafe  bool // the embedded server may lose what it acknowledged: for tests that must notice
	// Logger gets lost connections and the server's warnings. Defaults to none.
	Logger *slog.Logger
}

// Sizes.
const (
	// MaxFrame is how many bytes a frame may have, whatever the server allows beyond.
	MaxFrame = 640 << 10

	defaultMaxBytes = 8 << 30
	defaultMinFree  = 256 << 20
)

func (o Options) withDefaults() (Options, error) {
	if err := o.check(); err != nil {
		return o, err
	}
	o.unsafe = o.unsafe || failpoint.BrokenSync
	if o.Prefix == "" {
		o.Prefix = "TAPLINE"
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.MinFree == 0 {
		o.MinFree = defaultMinFree
	}
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 5 * time.Second
	}
	if o.AckWait == 0 {
		o.AckWait = 20 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func (o *Options) check() error {
	signIn := 0
	for _, s := range []string{o.Token, o.TokenFile, o.Credentials, o.NKey} {
		if s != "" {
			signIn++
		}
	}
	switch {
	case o.Dir == "" && len(o.URLs) == 0:
		return errors.New("stream: give a folder for the embedded server or the URL of one (nats://host:4222)")
	case o.Dir != "" && len(o.URLs) > 0:
		return errors.New("stream: a folder for the embedded server and the URL of another are given: use one of them")
	case o.Dir != "" && (signIn > 0 || o.CA != "" || o.Cert != "" || o.Replicas > 1 || len(o.Monitors) > 0 || o.TrustSync):
		return errors.New("stream: credentials, certificates, replicas and monitors are those of external servers: leave them out, or give a URL")
	case len(o.URLs) > 0 && o.Listen != "":
		return errors.New("stream: an address to listen at is the embedded server's: leave it out, or give a folder instead of URLs")
	case signIn > 1:
		return errors.New("stream: several ways to sign in are given: use one of token, token file, credentials, nkey")
	case (o.Cert == "") != (o.Key == ""):
		return errors.New("stream: a client's certificate needs its key, and the key its certificate")
	case o.MaxBytes < 0 || o.MinFree < 0 || o.AckTimeout < 0 || o.AckWait < 0:
		return errors.New("stream: sizes and times must not be negative")
	case o.MaxBytes > 0 && o.MaxBytes < 2*MaxFrame:
		return fmt.Errorf("stream: at most %d bytes hardly hold a frame: give %d or more", o.MaxBytes, 2*MaxFrame)
	case o.Replicas < 0 || o.Replicas > 5:
		return fmt.Errorf("stream: %d replicas: a stream has 1 to 5", o.Replicas)
	case strings.ContainsAny(o.Prefix, " \t\r\n.*>/\\"):
		return fmt.Errorf("stream: prefix %q: no spaces, dots, slashes, * or >", o.Prefix)
	}
	return o.checkListen()
}

func (o *Options) checkListen() error {
	if o.Listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return fmt.Errorf("stream: listen at %q: %w", o.Listen, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("stream: listen at %s: the embedded server serves this machine only: use 127.0.0.1, or run a server of its own", host)
	}
	return nil
}
