package stream_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tapline/tapline/internal/stream"
)

// processes are what the test binary does as a process of a test.
var processes = map[string]func() error{"server": serve, "publish": publish}

// serve runs a server of streams of its own, as nats-server does. It prints its URL and that of its monitoring port.
func serve() error {
	o := &server.Options{
		ServerName: "external", Host: "127.0.0.1", Port: server.RANDOM_PORT, HTTPHost: "127.0.0.1", HTTPPort: server.RANDOM_PORT,
		JetStream: true, StoreDir: os.Getenv("DIR"), NoSigs: true, SyncAlways: os.Getenv("SYNC") == "always",
		Authorization: os.Getenv("TOKEN"),
	}
	if size := os.Getenv("MAX_PAYLOAD"); size != "" {
		n, err := strconv.ParseInt(size, 10, 32)
		if err != nil {
			return err
		}
		o.MaxPayload = int32(n)
	}
	if port := os.Getenv("CLUSTER"); port != "" {
		n, err := strconv.Atoi(port)
		if err != nil {
			return err
		}
		o.ServerName, o.Cluster = "n"+port, server.ClusterOpts{Name: "cluster", Host: "127.0.0.1", Port: n}
		o.Routes = server.RoutesFromStr(os.Getenv("ROUTES"))
	}
	if port := os.Getenv("PORT"); port != "" {
		n, err := strconv.Atoi(port)
		if err != nil {
			return err
		}
		o.Port = n
	}
	if dir := os.Getenv("TLS"); dir != "" {
		if err := serveTLS(o, dir); err != nil {
			return err
		}
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		return errors.New("not ready")
	}
	scheme := "http://"
	if o.TLS {
		scheme = "https://"
	}
	fmt.Println(s.ClientURL(), scheme+s.MonitorAddr().String())
	untilInputEnds()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

// serveTLS makes a server want to see certificates, and the proof of an NKey.
func serveTLS(o *server.Options, dir string) error {
	c, err := server.GenTLSConfig(&server.TLSConfigOpts{
		CertFile: filepath.Join(dir, "server.pem"), KeyFile: filepath.Join(dir, "server.key"), CaFile: filepath.Join(dir, "ca.pem"), Verify: true,
	})
	o.TLS, o.TLSVerify, o.TLSConfig = true, true, c
	o.Nkeys = []*server.NkeyUser{{Nkey: os.Getenv("NKEY")}}
	o.HTTPPort, o.HTTPSPort = 0, server.RANDOM_PORT
	return err
}

// publish publishes frames one after the other, and says so of each once it is acknowledged.
func publish() error {
	o := stream.Options{Dir: os.Getenv("DIR"), MinFree: 1, AckTimeout: patience}
	if os.Getenv("SYNC") != "always" {
		o = stream.Unsafe(o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	b, err := stream.Open(ctx, o)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for i := range published {
		if err := b.Publish(ctx, "shop", fmt.Sprint(i), make([]byte, 1000)); err != nil {
			return err
		}
		fmt.Println("acknowledged", i)
	}
	untilInputEnds()
	return b.Close()
}

// published is how many frames the process publishes.
const published = 30
