package cli

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/registry"
	"github.com/tapline/tapline/internal/serve"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// serving is one run of serve or worker.
type serving struct {
	app   *app
	flags *serveFlags
	door  bool // it takes events, and does not only load

	valid    config.ValidServe
	dir      string
	server   *server
	pool     *pgxpool.Pool
	keyring  *registry.Keyring
	declared []registry.Declared
	newKey   *newKeyJSON // made by this run; nil if none was

	mu      sync.Mutex
	loaders map[[2]string]loader.Config // by nickname and schema
}

// connections is how many connections to Postgres there may be, if the DSN does not say: two for each source that is
// loaded, and some for keys and destinations.
const connections = 24

func (s *serving) run(ctx context.Context) (err error) {
	a := s.app
	s.loaders = map[[2]string]loader.Config{}
	if !s.door && s.flags.AdminListen == "" {
		s.flags.AdminListen = config.DefaultWorkerListen // the file's is that of serve
	}
	s.flags.Fill(a.file.Serve)
	if s.valid, err = s.flags.Validate(); err != nil {
		return err
	}
	if !s.door && len(s.flags.NATS) == 0 {
		return usage(errNoNATS)
	}
	if s.door {
		if s.declared, err = a.declaredSources(); err != nil {
			return err
		}
	}
	if s.dir, err = a.dataDir(); err != nil {
		return err
	}
	a.limitMemory(serveMemory)
	if s.server, err = a.server(ctx, s.door); err != nil {
		return err
	}
	if s.pool, err = s.server.lazyPool(ctx, connections); err != nil {
		return err
	}
	defer closeSoon(s.pool)
	if err := s.open(ctx); err != nil {
		return err
	}
	return serve.Run(ctx, s.options())
}

// open reads the sources and keys: from Postgres or, while that is away, from the file in the data folder.
func (s *serving) open(ctx context.Context) (err error) {
	options := registry.KeyringOptions{Logger: s.app.log}
	if s.door {
		if err := os.MkdirAll(s.dir, 0o755); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
		options.File = keysFile(s.dir)
	}
	if s.keyring, err = registry.OpenKeyring(s.pool, options); err != nil {
		return err
	}
	ask, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err = s.prepare(ask)
	if err == nil && s.flags.source != "" {
		err = s.firstSource(ask)
	}
	if err == nil {
		err = s.keyring.Refresh(ask)
	}
	switch {
	case err == nil:
	case serve.Final(err) || ctx.Err() != nil:
		return s.app.registryError(err)
	case s.keyring.Ready() != nil:
		return s.server.explain(err)
	default:
		s.app.log.WarnContext(ctx, "Postgres does not answer; the keys that were kept are used", "error", err)
	}
	if sources, keys := s.keyring.Sources(); s.door && len(keys) == 0 {
		return s.app.noKeys(sources)
	}
	return nil
}

// prepare brings the control schema up to this release and registers what tapline.yaml declares. A worker takes it as it is
// registered.
func (s *serving) prepare(ctx context.Context) error {
	if err := registry.Prepare(ctx, s.pool); err != nil || !s.door {
		return err
	}
	r := registry.New(s.pool, "")
	for _, d := range s.declared {
		if err := r.Declare(ctx, d); err != nil {
			return err
		}
	}
	if len(s.app.file.Destinations) == 0 {
		return nil
	}
	_, err := s.app.declareDestinations(ctx, s.pool)
	return err
}

// firstSource makes the source of --source, and a key for it, unless they are there.
func (s *serving) firstSource(ctx context.Context) error {
	r := registry.New(s.pool, "")
	if err := r.Declare(ctx, registry.Declared{Nickname: s.flags.source, Schema: s.flags.schema}); err != nil {
		return err
	}
	source, err := r.Get(ctx, s.flags.source)
	if err != nil {
		return err
	}
	keys, err := r.ListKeys(ctx, source.Nickname)
	if err != nil {
		return err
	}
	for i := range keys {
		if keys[i].Active() {
			return nil
		}
	}
	key, secret, err := r.CreateKey(ctx, source.Nickname, "")
	if err != nil {
		return err
	}
	s.newKey = &newKeyJSON{*key, secret}
	return nil
}

// declaredSources are the sources of the configuration file, with the keys that it refers to.
func (a *app) declaredSources() (out []registry.Declared, err error) {
	for _, name := range a.file.Nicknames() {
		s := a.file.Sources[name]
		d := registry.Declared{Nickname: name, Schema: s.Schema, Disabled: s.Disabled, Settings: registry.Settings{
			Region: s.Region, UserIdentity: s.UserIdentity, Timezone: s.Timezone, Account: s.Account,
		}}
		if s.WriteKeys != nil {
			d.Keys = []string{}
		}
		for _, reference := range s.WriteKeys {
			secret, err := a.file.Secret(reference, a.env)
			if err != nil {
				return nil, err
			}
			d.Keys = append(d.Keys, secret)
		}
		out = append(out, d)
	}
	return out, nil
}

func (s *serving) options() serve.Options {
	o := serve.Options{
		Pool: s.pool, Keyring: s.keyring, Stream: s.stream(), Loader: s.loader, LoadEvery: s.valid.LoadEvery, LoadBytes: s.valid.LoadBytes,
		Federate: s.door, Prepared: s.prepare, Started: s.tell, Pprof: s.flags.pprof, Logger: s.app.log,
	}
	if s.flags.AdminListen != config.NoAdmin {
		o.AdminListen = s.flags.AdminListen
	}
	if s.door {
		o.Door = &serve.Door{
			Listen: s.flags.Listen, Cert: s.flags.TLSCert, Key: s.flags.TLSKey, Region: s.flags.Region, PublicURL: s.flags.PublicURL,
			EventsPerSecond: float64(s.flags.EventsPerSecond), Burst: int(s.flags.Burst),
		}
	}
	return o
}

func (s *serving) stream() stream.Options {
	o := stream.Options{MaxBytes: s.valid.StreamMaxBytes, ReadOnly: !s.door, Logger: s.app.log}
	if len(s.flags.NATS) == 0 {
		o.Dir, o.Listen = s.streamDir(), s.flags.NATSListen
		return o
	}
	o.URLs, o.Credentials, o.TokenFile = s.flags.NATS, s.flags.NATSCreds, s.flags.NATSTokenFile
	o.NKey, o.CA, o.Cert, o.Key = s.flags.NATSNKey, s.flags.NATSCA, s.flags.NATSCert, s.flags.NATSKey
	o.Monitors, o.TrustSync, o.Replicas = s.flags.NATSMonitors, s.flags.NATSTrustSync, int(s.flags.NATSReplicas)
	return o
}

func (s *serving) streamDir() string { return filepath.Join(s.dir, "stream") }

func (s *serving) tokenFile() string { return stream.TokenPath(s.streamDir()) }

// streamName is where events wait, as people know it.
func (s *serving) streamName() string {
	if len(s.flags.NATS) == 0 {
		return s.streamDir()
	}
	var names []string
	for _, name := range s.flags.NATS {
		if u, err := url.Parse(name); err == nil && u.User != nil { // a token, or a user and a password
			u.User = nil
			name = u.String()
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// loader returns how the events of a source are loaded: as tapline load would, with what the configuration file has.
func (s *serving) loader(source registry.Source) loader.Config {
	key := [2]string{source.Nickname, source.Schema}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cfg, ok := s.loaders[key]; ok {
		return cfg
	}
	c := config.Config{Source: source.Nickname}
	c.Fill(s.app.file)
	c.Source, c.Schema = source.Nickname, source.Schema
	valid, err := c.Validate()
	if err != nil { // a file whose settings were checked, with names that are registered
		s.app.log.Error("settings of a source are not used", "source", source.Nickname, "error", err)
		c, valid = config.Config{Source: source.Nickname, Schema: source.Schema}, config.Valid{}
	}
	cfg := s.app.loaderConfigOf(&c, valid)
	s.loaders[key] = cfg
	return cfg
}

// loopback reports whether only this machine can reach the door.
func (s *serving) loopback() bool {
	host, _, err := net.SplitHostPort(s.flags.Listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
