package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// maxHeader is the size of a request's headers, in bytes, roughly: the server reads up to 8 KiB more than that.
const maxHeader = 12 << 10

// ServeOptions say how Serve serves. The zero value is ready.
type ServeOptions struct {
	// Certificate makes it HTTPS. Defaults to none: HTTP.
	Certificate *Certificate
	// MaxConnections is how many connections may be open; more wait to be accepted. Defaults to 8,192.
	MaxConnections int
	// HeaderTimeout is how long a request's headers may take, IdleTimeout how long a connection may be without a request.
	// They default to 5 s and 90 s.
	HeaderTimeout, IdleTimeout time.Duration
	// Linger is how long requests are still taken after readiness was turned off, for load balancers to notice. Defaults
	// to none.
	Linger time.Duration
	// StopTimeout is how long requests that are being answered may take after that. Defaults to 8 s. What has not come in
	// or is not kept after StopBodies is refused, so that it can be answered. Defaults to half of StopTimeout.
	StopTimeout, StopBodies time.Duration
}

// Serve answers requests on a listener, which it closes, until ctx ends. It then turns readiness off, takes no new
// connections, answers what has come in, and returns nil; or an error if that took longer than StopTimeout, in which case
// requests were cut. Connections without a request are no reason to fail.
func Serve(ctx context.Context, on net.Listener, h *Handler, opt ServeOptions) error {
	orElse(&opt.MaxConnections, 8192)
	orElse(&opt.HeaderTimeout, 5*time.Second)
	orElse(&opt.IdleTimeout, 90*time.Second)
	orElse(&opt.StopTimeout, 8*time.Second)
	orElse(&opt.StopBodies, opt.StopTimeout/2)
	srv := newServer(h, opt)
	// Not of ctx: what has come in is answered after that ended.
	base, hurry := context.WithCancelCause(context.WithoutCancel(ctx))
	defer hurry(nil)
	srv.BaseContext = func(net.Listener) context.Context { return base }
	on = netutil.LimitListener(on, opt.MaxConnections)
	failed := make(chan error, 1)
	go func() {
		if opt.Certificate != nil {
			failed <- srv.ServeTLS(on, "", "")
			return
		}
		failed <- srv.Serve(on)
	}()
	select {
	case err := <-failed:
		h.Stop()
		return fmt.Errorf("serve HTTP on %s: %w", on.Addr(), errors.Join(err, srv.Close()))
	case <-ctx.Done():
	}
	h.Stop()
	linger(failed, opt.Linger, h.cfg.Log)
	return stop(srv, h, opt, hurry)
}

// stop waits until all requests are answered. Those that are not done after StopBodies are told so.
func stop(srv *http.Server, h *Handler, opt ServeOptions, hurry context.CancelCauseFunc) error {
	h.arrivals.endBy(time.Now().Add(opt.StopBodies))
	late := time.AfterFunc(opt.StopBodies, func() { hurry(errStopping) })
	defer late.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), opt.StopTimeout)
	defer cancel()
	err := srv.Shutdown(ctx)
	if err == nil {
		return nil
	}
	cut := h.inFlight.Load() // connections without a request are there for up to five seconds
	_ = srv.Close()
	if cut == 0 {
		return nil
	}
	return fmt.Errorf("stop HTTP: %d requests were cut: %w", cut, err)
}

// linger waits, unless serving has ended anyway.
func linger(failed <-chan error, d time.Duration, log *slog.Logger) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case err := <-failed:
		log.Log(context.Background(), slog.LevelError, "HTTP ended before it was stopped", slog.Any("cause", err))
	case <-t.C:
	}
}

// newServer returns a server whose clients cannot hold anything for long.
func newServer(h *Handler, opt ServeOptions) *http.Server {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: opt.HeaderTimeout,
		ReadTimeout:       opt.HeaderTimeout + h.cfg.BodyTimeout,
		WriteTimeout:      opt.HeaderTimeout + h.cfg.BodyTimeout + h.cfg.AppendTimeout + 10*time.Second,
		IdleTimeout:       opt.IdleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(serverLog{h.cfg.Log}, "", 0),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 128},
	}
	if opt.Certificate != nil {
		srv.TLSConfig = opt.Certificate.Config()
	}
	return srv
}

// serverLog takes what http.Server has to say. Of clients there is no end of trouble; all else is a fault of ours.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelError
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) || bytes.HasPrefix(line, []byte("http2: ")) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "HTTP server", slog.String("message", string(bytes.TrimSpace(line))))
	return len(line), nil
}
