package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/registry"
	"github.com/tapline/tapline/internal/serve"
)

// serveMemory keeps the garbage collector's heap in bounds.
const serveMemory = 768 << 20

// serveFlags are those of serve and worker.
type serveFlags struct {
	config.Serve
	source, schema string
	pprof          bool
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Take events over HTTP as Segment's API does, and load them",
		Long: `Take the events that clients send over HTTP, as Segment's Tracking API does, and load them within seconds: whatever can post
to Segment can post to Tapline. An answer 200 says that the events are on disk; each is then in its table, or in
quarantine with the reason, exactly once. While Postgres is away events go on being taken; they are loaded when it is back.

Clients need a write key of a source: --source makes the source and its first key if they are not there, and shows the key
once; tapline source add and tapline source keys create make more, also while this runs; tapline.yaml may declare them.
Events wait in the folder stream of --data-dir, or in NATS servers with JetStream (--nats), where more of these processes,
and of tapline worker, can share the work. Rows are forwarded to the destinations that there are.

On SIGTERM or Ctrl-C it turns /readyz off, answers what has come in, ends the open load and exits 0 within ten seconds. The
second one ends it at once; nothing that was answered 200 is lost then either.

` + databaseHelp + `

` + configHelp + `

` + exitHelp,
		Example: `  tapline serve --source CleverTap_Prod                       # a source, a key, and the door is open
  tapline serve --listen :8443 --tls-cert cert.pem --tls-key key.pem --region eu
  tapline serve --nats nats://n1:4222,nats://n2:4222 --nats-creds nats.creds`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context(), &f) },
	}
	a.databaseFlags(c)
	flags := c.Flags()
	flags.StringVarP(&f.source, "source", "s", "", "`NICKNAME` of a source to make, with a write key, if it is not there or has none")
	flags.StringVar(&f.schema, "schema", "", "`SCHEMA` of that source, if it is not made of the nickname")
	flags.StringVar(&f.Listen, "listen", "", "`ADDRESS` that takes events (default "+config.DefaultListen+")")
	flags.StringVar(&f.Region, "region", "", "`REGION` of this host: keys of sources of another one are refused (default: not checked)")
	flags.StringVar(&f.PublicURL, "public-url", "", "`URL` where browsers reach this host, if a proxy stands before it")
	flags.StringVar(&f.TLSCert, "tls-cert", "", "`FILE` of the certificate; read again when it changes")
	flags.StringVar(&f.TLSKey, "tls-key", "", "`FILE` of its key")
	flags.Int64Var(&f.EventsPerSecond, "events-per-second", 0, "how many (`N`) events each write key may send, in the long run (default no limit)")
	flags.Int64Var(&f.Burst, "burst", 0, "how many (`N`) of them at once (default as many as in a second)")
	flags.StringVar(&f.StreamMaxBytes, "stream-max-bytes", "", "`SIZE` of what may wait of one source; beyond it clients are asked to come again (default 8GiB)")
	flags.StringVar(&f.NATSListen, "nats-listen", "", "loopback `ADDRESS` at which tapline worker on this machine reaches the stream (default none)")
	flags.StringSliceVar(&f.NATSMonitors, "nats-monitor", nil, "`URL` of a NATS server's monitoring port, where it says that it syncs (default port 8222 of each)")
	flags.BoolVar(&f.NATSTrustSync, "nats-trust-sync", false, "do not look whether the NATS servers sync: somebody has made sure")
	flags.Int64Var(&f.NATSReplicas, "nats-replicas", 0, "how many (`N`) servers of the cluster keep each stream (default 1)")
	a.workFlags(c, &f)
	must(c.MarkFlagFilename("tls-cert", "pem", "crt"))
	must(c.MarkFlagFilename("tls-key", "pem", "key"))
	complete(c, "region", []string{"us", "eu"})
	return c
}

func (a *app) workerCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "worker",
		Short: "Load what tapline serve has taken, as one more process",
		Long: `Load the events that tapline serve has taken, together with it and with other workers: on this machine or on others, all of
them at the same NATS servers and the same Postgres. What two of them load is loaded once; what one of them leaves, because
it was stopped or killed, the others load.

` + databaseHelp + `

` + configHelp + `

` + exitHelp,
		Example: `  tapline worker --nats nats://n1:4222 --nats-creds nats.creds --dsn postgres://loader@db.example.com/analytics
  tapline worker --nats nats://127.0.0.1:4222 --nats-token-file data/stream/token      # beside serve --nats-listen`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.worker(c.Context(), &f) },
	}
	a.databaseFlags(c)
	a.workFlags(c, &f)
	return c
}

// workFlags adds the flags of whatever loads a stream.
func (a *app) workFlags(c *cobra.Command, f *serveFlags) {
	flags := c.Flags()
	address := config.DefaultAdminListen
	if c.Name() == "worker" {
		address = config.DefaultWorkerListen
	}
	flags.StringVar(&f.AdminListen, "admin-listen", "", "`ADDRESS` of /metrics, /healthz and /readyz; off for none (default "+address+")")
	flags.BoolVar(&f.pprof, "pprof", false, "also serve Go's profiles there, below /debug/pprof/")
	flags.StringSliceVar(&f.NATS, "nats", nil, "`URL` of NATS servers with JetStream, in place of the embedded one; repeatable")
	flags.StringVar(&f.NATSCreds, "nats-creds", "", "`FILE` of credentials to sign in there")
	flags.StringVar(&f.NATSTokenFile, "nats-token-file", "", "`FILE` of a token to sign in there")
	flags.StringVar(&f.NATSNKey, "nats-nkey", "", "`FILE` of an NKey's seed to sign in there")
	flags.StringVar(&f.NATSCA, "nats-ca", "", "`FILE` of the certificates to trust there (default the system's)")
	flags.StringVar(&f.NATSCert, "nats-cert", "", "`FILE` of the certificate to show there")
	flags.StringVar(&f.NATSKey, "nats-key", "", "`FILE` of that certificate's key")
	flags.StringVar(&f.LoadEvery, "load-every", "", "how long (`TIME`) events wait at most until they are loaded (default 5s)")
	flags.StringVar(&f.LoadBytes, "load-bytes", "", "`SIZE` of what waits of a source from which it is loaded earlier (default 32MiB)")
	must(c.MarkFlagFilename("nats-creds", "creds"))
	for _, name := range []string{"nats-ca", "nats-cert", "nats-key"} {
		must(c.MarkFlagFilename(name, "pem", "crt", "key"))
	}
}

func (a *app) serve(ctx context.Context, f *serveFlags) error {
	s := &serving{app: a, flags: f, door: true}
	return s.run(ctx)
}

func (a *app) worker(ctx context.Context, f *serveFlags) error {
	s := &serving{app: a, flags: f}
	return s.run(ctx)
}

// noKeys says what to do where nobody could send anything.
func (a *app) noKeys(sources []registry.Source) error {
	name, add := "CleverTap_Prod", ""
	if len(sources) > 0 {
		name = sources[0].Nickname
	} else {
		add = programName() + " source add " + name + a.sameDatabase() + " and "
	}
	return usage(&config.Error{
		Setting: "write keys", Problem: "no source has one, so that nobody could send events",
		Hint: programName() + " serve --source " + shellWord(name) + a.sameDatabase() + " makes a source and a key and starts; or first " + add +
			programName() + " source keys create " + shellWord(name) + a.sameDatabase(),
	})
}

// startedJSON is the document of serve --json, written once it takes events.
type startedJSON struct {
	URL       string          `json:"url,omitempty"`
	Admin     string          `json:"admin,omitempty"`
	StreamURL string          `json:"stream_url,omitempty"`
	Stream    string          `json:"stream"`
	Sources   []startedSource `json:"sources"`
	NewKey    *newKeyJSON     `json:"new_key,omitempty"` // shown this once
}

type startedSource struct {
	Nickname   string `json:"source"`
	Schema     string `json:"schema"`
	Region     string `json:"region"`
	Enabled    bool   `json:"enabled"`
	ActiveKeys int    `json:"active_keys"`
}

// tell says where the process listens and what to do now.
func (s *serving) tell(at serve.Started) {
	out := startedJSON{URL: at.URL, Admin: at.Admin, StreamURL: at.Stream, Stream: s.streamName(), Sources: []startedSource{}, NewKey: s.newKey}
	sources, keys := s.keyring.Sources()
	for i := range sources {
		one := &sources[i]
		out.Sources = append(out.Sources, startedSource{one.Nickname, one.Schema, one.Settings.Region, one.Enabled(), keys[one.Nickname]})
	}
	if s.app.json {
		_ = s.app.writeJSON(out) // output keeps the error
		return
	}
	newPrinter(s.app.stdout, s.app.env).started(s, &out)
}

func (p *printer) started(s *serving, out *startedJSON) {
	text := "Tapline takes events at " + out.URL
	if !s.door {
		text = "Tapline loads what arrives"
	}
	p.line(p.green("●") + " " + p.bold(text))
	fields := [][2]string{{"database", s.server.name()}, {"stream", out.Stream}}
	if out.Admin != "" {
		fields = append(fields, [2]string{"metrics", out.Admin + "/metrics, /healthz, /readyz"})
	}
	if out.StreamURL != "" {
		fields = append(fields, [2]string{"workers", programName() + " worker --nats " + out.StreamURL + " --nats-token-file " + shellWord(s.tokenFile())})
	}
	for _, one := range out.Sources {
		state := plural(one.ActiveKeys, "write key", "write keys")
		if one.Region != "" {
			state += ", region " + one.Region
		}
		if !one.Enabled {
			state += ", " + p.yellow("disabled")
		}
		fields = append(fields, [2]string{"source", printable(one.Nickname) + ", schema " + one.Schema + ", " + state})
	}
	p.fields(fields)
	if s.door {
		p.firstEvent(s, out)
	}
}

// firstEvent says how to send one event and where it is then.
func (p *printer) firstEvent(s *serving, out *startedJSON) {
	key, schemaName := "$WRITE_KEY", ""
	if s.newKey != nil {
		key = s.newKey.WriteKey
		p.heading("Write key of " + printable(s.newKey.Source) + ", shown this once")
		p.line("  " + key)
		schemaName = s.newKey.Source
	} else if len(out.Sources) == 1 {
		schemaName = out.Sources[0].Nickname
	}
	p.heading("Send one event")
	p.line("  " + p.cyan(`curl -u "`+key+`:" `+out.URL+`/v1/track -d '{"userId":"u1","event":"App Launched","properties":{"CT Source":"curl"}}'`))
	if schemaName != "" {
		p.line("  " + p.cyan(programName()+" psql --source "+shellWord(schemaName)+s.app.sameDatabase()+" -- -c 'select event_text, user_id, received_at from tracks'"))
	}
	if strings.HasPrefix(out.URL, "http://") && !s.loopback() {
		p.line()
		p.line(p.yellow("!") + " Connections are not encrypted: give --tls-cert and --tls-key, or put a proxy with TLS before it.")
	}
}

// name is the server as people know it.
func (s *server) name() string {
	if s.Private() {
		return "the private Postgres; tapline postgres status shows how to reach it"
	}
	return "the Postgres of " + s.Origin
}

// closeSoon closes a pool, but does not wait for connections that somebody still has after a stop that took too long.
func closeSoon(pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(300 * time.Millisecond):
	}
}

// keysFile is where the keyring is kept for a start while Postgres is away.
func keysFile(dir string) string { return filepath.Join(dir, "keys.json") }

// errNoNATS says what worker needs.
var errNoNATS = errors.New("the stream of tapline serve is at NATS servers: name them with --nats")
