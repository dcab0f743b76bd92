package gateway_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/source/ingest"
)

// What has come in is answered; readiness is off before anything else.
func TestServeStopsGracefully(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	in := &intake{before: func(context.Context, *ingest.Request) error {
		close(entered)
		<-release
		return nil
	}}
	d := open(t, gateway.Config{Intake: in, AppendTimeout: patience}, gateway.ServeOptions{StopTimeout: patience})
	answered := make(chan reply, 1)
	go func() { answered <- d.post(t, "/v1/track", aCall) }()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- d.stop() }()
	until(t, "readiness is off", func() bool { return d.handler.Ready() != nil })
	until(t, "no new connections", func() bool {
		c, err := net.Dial("tcp", d.addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a request unanswered: %v", err)
	default:
	}
	close(release)
	if got := <-answered; got.status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if len(in.taken()) != 1 {
		t.Error("not taken")
	}
}

func TestServeTakesRequestsWhileItLingers(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{Linger: 300 * time.Millisecond})
	stopped := make(chan error, 1)
	if got := d.post(t, "/v1/track", aCall); got.status != http.StatusOK { // opens the connection
		t.Fatalf("got %+v", got)
	}
	before := time.Now()
	go func() { stopped <- d.stop() }()
	until(t, "readiness is off", func() bool { return d.handler.Ready() != nil })
	res, err := http.Get(d.url + "/readyz")
	if err == nil {
		res.Body.Close()
	}
	// On a machine that took all of the time to get here, there is nothing to see.
	if time.Since(before) < 300*time.Millisecond && (err != nil || res.StatusCode != http.StatusServiceUnavailable) {
		t.Errorf("readyz while it lingers: %v, %v", res, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A request that takes too long is cut, and Serve says so.
func TestServeStopsInTheEnd(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	in := &intake{before: func(context.Context, *ingest.Request) error {
		close(entered)
		<-release
		return nil
	}}
	h, err := gateway.New(gateway.Config{Intake: in, Keys: someKeys(), AppendTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- gateway.Serve(ctx, ln, h, gateway.ServeOptions{StopTimeout: time.Millisecond}) }()
	d := &door{addr: ln.Addr().String()}
	c := d.dial(t, head(len(aCall))+aCall)
	<-entered
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "cut") {
		t.Errorf("got %v", err)
	}
	closed(t, c)
	close(release)
}

// Clients that do not end their requests, and an Intake that does not answer, do not keep a server from stopping well: they
// are told to come again.
func TestServeStopsThoughClientsAreSlow(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	in := &intake{before: func(ctx context.Context, _ *ingest.Request) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	}}
	metrics := prometheus.NewRegistry()
	d := open(t, gateway.Config{Intake: in, AppendTimeout: patience, BodyIdle: patience, BodyTimeout: patience, Metrics: metrics},
		gateway.ServeOptions{StopTimeout: patience, StopBodies: time.Millisecond})
	half := d.dial(t, head(100)+"{")
	dripping := d.dial(t, head(1_000_000)+"{")
	waiting := d.dial(t, head(len(aCall))+aCall)
	<-entered
	until(t, "all are under way", func() bool { return value(t, metrics, "tapline_http_in_flight_requests") == 3 })
	go func() {
		for {
			if _, err := io.WriteString(dripping, " "); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]net.Conn{"half a body": half, "byte by byte": dripping, "Intake": waiting} {
		got := answerOn(t, bufio.NewReader(c))
		if got.status != http.StatusServiceUnavailable || got.code() != "stopping" || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if len(in.taken()) != 0 {
		t.Error("taken")
	}
}

// Connections on which nothing was asked are no reason to say that something was cut.
func TestServeStopsWithSilentConnections(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{StopTimeout: time.Millisecond})
	silent, half := d.dial(t, ""), d.dial(t, "POST /v1/track HTTP/1.1\r\nHost: x\r\n")
	if got := d.post(t, "/v1/track", aCall); got.status != http.StatusOK { // after these two were accepted
		t.Errorf("got %+v", got)
	}
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	closed(t, silent)
	closed(t, half)
}

func TestServeFailsWithItsListener(t *testing.T) {
	t.Parallel()
	h, err := gateway.New(gateway.Config{Intake: &intake{}, Keys: someKeys()})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := gateway.Serve(t.Context(), ln, h, gateway.ServeOptions{}); err == nil {
		t.Error("no error")
	}
	if h.Ready() == nil {
		t.Error("it is ready")
	}
}

// Connections beyond the limit wait until there is room.
func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{MaxConnections: 1})
	first := d.dial(t, "")
	answered := make(chan reply, 1)
	go func() { answered <- d.post(t, "/v1/track", aCall) }()
	select {
	case r := <-answered:
		t.Errorf("a second connection was answered: %+v", r)
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	if got := <-answered; got.status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
}
