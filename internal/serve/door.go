package serve

import (
	"context"
	"log/slog"
	"net"

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
}

// door is the HTTP server.
type door struct {
	handler     *gateway.Handler
	listener    net.Listener
	certificate *gateway.Certificate // nil for HTTP
}

func openDoor(o *Door, intake ingest.Intake, keys gateway.Keys, to prometheus.Registerer, log *slog.Logger) (d *door, err error) {
	d = &door{}
	d.handler, err = gateway.New(gateway.Config{
		Intake: intake, Keys: keys, Region: o.Region, PublicURL: o.PublicURL, EventsPerSecond: o.EventsPerSecond, Burst: o.Burst,
		Log: log, Metrics: to,
	})
	if err != nil {
		return nil, err
	}
	if o.Cert != "" {
		if d.certificate, err = gateway.LoadCertificate(o.Cert, o.Key, log); err != nil {
			return nil, err
		}
	}
	d.listener, err = listen("events", o.Listen)
	return d, err
}

// url is where the door is, for somebody on this machine.
func (d *door) url() string {
	scheme := "http"
	if d.certificate != nil {
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

// serve takes requests until ctx ends and those at work are answered.
func (d *door) serve(ctx context.Context, o *Options) error {
	return gateway.Serve(ctx, d.listener, d.handler, gateway.ServeOptions{
		Certificate: d.certificate, Linger: o.Grace, StopTimeout: answerTime,
	})
}
