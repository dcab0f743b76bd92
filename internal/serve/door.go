package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/source/ingest"
)

// Door says how events are received over HTTP.
type Door struct {
	// Listen is the address. Cert and Key are files of a certificate; without them connections are not encrypted.
	Listen, Cert, Key string
	// Region, PublicURL, EventsPerSecond and Burst are those of gateway.Config.
	Region, PublicURL string
	EventsPerSecond   float64
	Burst             int
	// MaxConnections is how many connections there may be at a time; those beyond wait to be accepted. Defaults to 10,000.
	MaxConnections int
}

// Times and sizes of connections. Those of bodies are the gateway's.
const (
	headerTime     = 5 * time.Second
	idleTime       = 75 * time.Second // longer than the minute after which load balancers let go
	maxHeader      = 16 << 10
	maxConnections = 10_000
)

// door is the HTTP server.
type door struct {
	handler  *gateway.Handler
	server   *http.Server
	listener net.Listener
	tls      bool
}

func openDoor(o *Door, intake ingest.Intake, keys gateway.Keys, to prometheus.Registerer, log *slog.Logger) (*door, error) {
	handler, err := gateway.New(gateway.Config{
		Intake: intake, Keys: keys, Region: o.Region, PublicURL: o.PublicURL, EventsPerSecond: o.EventsPerSecond, Burst: o.Burst,
		Log: log, Metrics: to,
	})
	if err != nil {
		return nil, err
	}
	d := &door{handler: handler, tls: o.Cert != ""}
	d.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if d.tls {
		cert, err := newCertificate(o.Cert, o.Key, log)
		if err != nil {
			return nil, err
		}
		d.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get}
	}
	if d.listener, err = listen("events", o.Listen); err != nil {
		return nil, err
	}
	most := o.MaxConnections
	if most == 0 {
		most = maxConnections
	}
	d.listener = limit(d.listener, most)
	return d, nil
}

// url is where the door is, for somebody on this machine.
func (d *door) url() string {
	scheme := "http"
	if d.tls {
		scheme = "https"
	}
	address := d.listener.Addr().String()
	if host, port, err := net.SplitHostPort(address); err == nil {
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			address = net.JoinHostPort("127.0.0.1", port)
		}
	}
	return scheme + "://" + address
}

// serve takes requests until stop.
func (d *door) serve(failed chan<- error) {
	var err error
	if d.tls {
		err = d.server.ServeTLS(d.listener, "", "")
	} else {
		err = d.server.Serve(d.listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		failed <- fmt.Errorf("take events: %w", err)
	}
}

// stop waits until the requests at work are answered. What is at work when ctx ends is cut off, without an answer.
func (d *door) stop(ctx context.Context) error {
	if err := d.server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("answer the last requests: %w", err), d.server.Close())
	}
	return nil
}
