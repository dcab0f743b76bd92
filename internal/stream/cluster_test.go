package stream_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tapline/tapline/internal/stream"
)

// In a cluster each server that holds a stream has to sync, and the stream to have the copies that are asked for.
func TestCluster(t *testing.T) {
	t.Parallel()
	urls, monitors, ends := cluster(t, 3)
	o := stream.Options{URLs: urls, Monitors: monitors, Replicas: 3, MinFree: 1, AckTimeout: 5 * time.Second}
	var b *stream.Broker
	eventually(t, func() error { // they elect a leader first
		var err error
		b, err = stream.Open(t.Context(), o)
		return err
	})
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	eventually(t, func() error { return b.Publish(t.Context(), "shop", "1", []byte("x")) })
	info, _, err := b.Info(t.Context(), "shop")
	if err != nil || info.Messages != 1 {
		t.Errorf("stands at %+v, %v", info, err)
	}
	for i := range monitors { // with one of them not known
		lacks := o
		lacks.Monitors = append(append([]string{}, monitors[:i]...), monitors[i+1:]...)
		var refused *stream.SettingError
		eventually(t, func() error {
			c, err := stream.Open(t.Context(), lacks)
			if err == nil {
				err = errors.Join(c.Verify(t.Context(), "shop"), c.Close())
			}
			if !errors.As(err, &refused) {
				return errors.Join(errors.New("want an error about sync_interval"), err)
			}
			return nil
		})
		refuses(t, refused, "sync_interval")
	}
	// One server of three may be away: what is known of it holds until it can be asked again.
	ends[2]()
	eventually(t, func() error { return b.Publish(t.Context(), "shop", "2", []byte("x")) })
	b.VerifyNow(t.Context())
	if err := b.Publish(t.Context(), "shop", "3", []byte("x")); err != nil {
		t.Errorf("with a server away: %v", err)
	}
	conn, err := nats.Connect(strings.Join(urls, ","))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	c := safe()
	c.Name, c.Subjects, c.Replicas = "TAPLINE_single", []string{"tapline.single"}, 1
	eventually(t, func() error {
		_, err := js.CreateStream(t.Context(), c)
		return err
	})
	var refused *stream.SettingError
	eventually(t, func() error {
		if err := b.Publish(t.Context(), "single", "1", []byte("x")); !errors.As(err, &refused) {
			return errors.Join(errors.New("want an error about num_replicas"), err)
		}
		return nil
	})
	refuses(t, refused, "num_replicas")
}

// cluster starts servers that sync and know each other.
func cluster(t *testing.T, n int) (urls, monitors []string, ends []func()) {
	t.Helper()
	var ports, routes []string
	for range n { // all are known before any begins
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports, routes = append(ports, port), append(routes, "nats://127.0.0.1:"+port)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, port := range ports {
		line, end := startEnding(t, "server", nil, "DIR="+t.TempDir(), "SYNC=always", "CLUSTER="+port, "ROUTES="+strings.Join(routes, ","))
		url, monitor, ok := strings.Cut(line, " ")
		if !ok {
			t.Fatalf("server %s says %s", port, url)
		}
		urls, monitors, ends = append(urls, url), append(monitors, monitor), append(ends, end)
	}
	return urls, monitors, ends
}
