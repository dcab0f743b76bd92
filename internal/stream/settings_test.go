package stream_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tapline/tapline/internal/stream"
)

// refuses checks that an error is about a setting and says how to mend it.
func refuses(t *testing.T, err error, setting string) {
	t.Helper()
	var refused *stream.SettingError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v, want one about %s", err, setting)
	}
	if refused.Setting != setting || refused.Fix == "" || refused.Where == "" || refused.Risk == "" || !strings.Contains(err.Error(), setting) {
		t.Errorf("error %q, want one about %s that says where, why and what to do", err, setting)
	}
}

// streamSettings are those with which a stream must be refused.
var streamSettings = map[string]func(*jetstream.StreamConfig){
	"storage":              func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
	"discard":              func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
	"max_age":              func(c *jetstream.StreamConfig) { c.MaxAge = 24 * time.Hour },
	"retention":            func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
	"max_msgs_per_subject": func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 },
	"no_ack":               func(c *jetstream.StreamConfig) { c.NoAck = true },
	"allow_rollup_hdrs":    func(c *jetstream.StreamConfig) { c.AllowRollup = true },
	"allow_msg_ttl":        func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true },
	"persist_mode":         func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
	"deny_purge":           func(c *jetstream.StreamConfig) { c.DenyPurge = true },
	"subjects":             func(c *jetstream.StreamConfig) { c.Subjects = []string{"elsewhere"} },
	"max_msg_size":         func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 },
	"subject_transform": func(c *jetstream.StreamConfig) {
		c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: ">", Destination: "x.>"}
	},
}

// safe is a stream as Tapline makes it.
func safe() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "TAPLINE_shop", Subjects: []string{"tapline.shop"}, Discard: jetstream.DiscardNew, MaxBytes: 100 << 20, Storage: jetstream.FileStorage,
	}
}

// keep makes a stream that stays: with an account's last stream a server deletes its folder, also while the next is made.
func keep(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}}); err != nil {
		t.Fatal(err)
	}
}

func TestUnsafeStreams(t *testing.T) {
	t.Parallel()
	b, js := external(t)
	keep(t, js)
	for name, change := range streamSettings {
		c := safe()
		change(&c)
		if _, err := js.CreateStream(t.Context(), c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refuses(t, b.Publish(t.Context(), "shop", "1", []byte("x")), name)
		refuses(t, b.Verify(t.Context(), "shop"), name)
		if err := js.DeleteStream(t.Context(), c.Name); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Publish(t.Context(), "shop", "1", []byte("x")); err != nil {
		t.Errorf("the stream that Tapline makes is refused: %v", err)
	}
}

// A stream that somebody makes unsafe while it is in use takes nothing more until that is mended.
func TestMadeUnsafe(t *testing.T) {
	t.Parallel()
	b, js := external(t)
	if err := b.Publish(t.Context(), "shop", "1", []byte("x")); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "TAPLINE_shop")
	if err != nil {
		t.Fatal(err)
	}
	made := s.CachedInfo().Config
	changed := made
	changed.Discard = jetstream.DiscardOld
	if _, err := js.UpdateStream(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	b.VerifyNow(t.Context())
	refuses(t, b.Publish(t.Context(), "shop", "2", []byte("x")), "discard")
	if _, err := js.UpdateStream(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	b.VerifyNow(t.Context())
	if err := b.Publish(t.Context(), "shop", "3", []byte("x")); err != nil {
		t.Error(err)
	}
}

// A consumer that leaves frames out would let them be purged.
func TestUnsafeConsumers(t *testing.T) {
	t.Parallel()
	b, js := external(t)
	if err := b.Publish(t.Context(), "shop", "1", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]jetstream.ConsumerConfig{
		"deliver_policy": {DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckExplicitPolicy},
		"ack_policy":     {AckPolicy: jetstream.AckAllPolicy},
		"max_deliver":    {AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: 3},
		"filter_subject": {AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "tapline.shop"},
		"headers_only":   {AckPolicy: jetstream.AckExplicitPolicy, HeadersOnly: true},
		"mem_storage":    {AckPolicy: jetstream.AckExplicitPolicy, MemoryStorage: true},
	} {
		c.Durable = "tapline"
		if _, err := js.CreateConsumer(t.Context(), "TAPLINE_shop", c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err := b.Consumer(t.Context(), "shop")
		refuses(t, err, name)
		if err := js.DeleteConsumer(t.Context(), "TAPLINE_shop", c.Durable); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Consumer(t.Context(), "shop"); err != nil {
		t.Error(err)
	}
}

// external starts a server that syncs, and connects to it as Tapline does and as somebody else.
func external(t *testing.T) (*stream.Broker, jetstream.JetStream) {
	t.Helper()
	url, monitor, _ := strings.Cut(start(t, "server", nil, "DIR="+t.TempDir(), "SYNC=always", "TOKEN=secret"), " ")
	b := open(t, stream.Options{URLs: []string{url}, Token: "secret", Monitors: []string{monitor}})
	conn, err := nats.Connect(url, nats.Token("secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return b, js
}

// External servers are asked whether they sync.
func TestExternalServers(t *testing.T) {
	t.Parallel()
	try := func(o stream.Options) error {
		b, err := stream.Open(t.Context(), o)
		if err == nil {
			err = errors.Join(b.Publish(t.Context(), "shop", "1", []byte("x")), b.Close())
		}
		return err
	}
	lazy, lazyMonitor, _ := strings.Cut(start(t, "server", nil, "DIR="+t.TempDir()), " ")
	synced, monitor, _ := strings.Cut(start(t, "server", nil, "DIR="+t.TempDir(), "SYNC=always"), " ")
	small, smallMonitor, _ := strings.Cut(start(t, "server", nil, "DIR="+t.TempDir(), "SYNC=always", "MAX_PAYLOAD=100000"), " ")
	refuses(t, try(stream.Options{URLs: []string{lazy}, Monitors: []string{lazyMonitor}}), "sync_interval")
	refuses(t, try(stream.Options{URLs: []string{lazy}, Monitors: []string{monitor}}), "sync_interval") // of another server
	refuses(t, try(stream.Options{URLs: []string{synced}}), "sync_interval")                            // it is not known
	refuses(t, try(stream.Options{URLs: []string{small}, Monitors: []string{smallMonitor}}), "max_payload")
	for name, o := range map[string]stream.Options{
		"asked":   {URLs: []string{synced}, Monitors: []string{"http://127.0.0.1:1", monitor}},
		"trusted": {URLs: []string{lazy}, TrustSync: true},
	} {
		if err := try(o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := open(t, stream.Options{URLs: []string{lazy}, ReadOnly: true}) // who only loads need not know
	if err := b.Publish(t.Context(), "shop", "2", []byte("x")); err == nil {
		t.Error("a process that only loads has published")
	}
	if err := try(stream.Options{URLs: []string{synced}, Monitors: []string{monitor}, Replicas: 3}); err == nil {
		t.Error("3 replicas on one server")
	}
}

// A server that refuses to let Tapline in for a while, as one does that does not know its accounts yet, is asked again and again.
func TestRefusedForAWhile(t *testing.T) {
	t.Parallel()
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "token")
	token := func(text string) {
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, end := startEnding(t, "server", nil, "DIR="+dir, "SYNC=always", "TOKEN=secret")
	url, monitor, _ := strings.Cut(first, " ")
	token("secret")
	log := &counting{}
	b := open(t, stream.Options{URLs: []string{url}, TokenFile: file, Monitors: []string{monitor}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err := b.Publish(t.Context(), "shop", "1", []byte("x")); err != nil {
		t.Fatal(err)
	}
	end()
	port := url[strings.LastIndex(url, ":")+1:]
	start(t, "server", nil, "DIR="+dir, "SYNC=always", "TOKEN=changed", "PORT="+port)
	eventually(t, func() error {
		if n := log.count("Authorization Violation"); n < 4 {
			return fmt.Errorf("refused %d times", n)
		}
		return nil
	})
	token("changed")
	eventually(t, func() error { return b.Publish(t.Context(), "shop", "2", []byte("x")) })
}

// counting counts what is logged.
type counting struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *counting) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *counting) count(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Count(strings.ToLower(c.text.String()), strings.ToLower(what))
}

func TestOptions(t *testing.T) {
	t.Parallel()
	url := []string{"nats://127.0.0.1:1"}
	for want, o := range map[string]stream.Options{
		"give a folder":          {},
		"use one of them":        {Dir: "x", URLs: url},
		"those of external":      {Dir: "x", Token: "t"},
		"the embedded server's":  {URLs: url, Listen: "127.0.0.1:0"},
		"several ways":           {URLs: url, Token: "t", Credentials: "c"},
		"needs its key":          {URLs: url, Cert: "c"},
		"this machine only":      {Dir: "x", Listen: "0.0.0.0:4222"},
		"a stream has 1 to 5":    {URLs: url, Replicas: 6},
		"hardly hold a frame":    {Dir: "x", MaxBytes: 1000},
		"must not be negative":   {Dir: "x", MaxBytes: -1},
		"no spaces, dots":        {Dir: "x", Prefix: "a.b"},
		"connect to the streams": {URLs: url},
		"nats://127.0.0.1:2: ":   {URLs: []string{"nats://secret@127.0.0.1:2"}},
	} {
		b, err := stream.Open(t.Context(), o)
		if err == nil {
			t.Error(errors.Join(fmt.Errorf("%+v is accepted", o), b.Close()))
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want one with %q", err, want)
		}
	}
}
