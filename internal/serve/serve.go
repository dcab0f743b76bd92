// Package serve runs what receives events and loads them, side by side in one process: the HTTP door (internal/gateway),
// which hands requests to a stream (internal/source/ingest, internal/stream); the workers that load the stream
// (internal/feed); what forwards committed rows to destinations (internal/federate); and a listener for those who look
// after it. A worker process is the same without the door.
//
// Read it top to bottom: serve.go starts and stops the parts in their order; door.go is the HTTP server; admin.go metrics
// and health; observe.go and gauges.go what they show.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/feed"
	"github.com/tapline/tapline/internal/registry"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// Options say what runs. Pool, Keyring, Stream and Loader are needed.
type Options struct {
	// Pool is where events are loaded, Keyring has the sources and keys. Both stay the caller's; Run refreshes the keyring.
	Pool    *pgxpool.Pool
	Keyring *registry.Keyring
	// Stream says where events are kept until they are loaded.
	Stream stream.Options
	// Loader returns how events of a source are loaded.
	Loader func(registry.Source) loader.Config
	// Door is the HTTP door; nil for a process that only loads.
	Door *Door
	// AdminListen is the address of metrics and health; empty for none. Pprof adds Go's profiles there.
	AdminListen string
	Pprof       bool
	// LoadEvery and LoadBytes are those of feed.Options.
	LoadEvery time.Duration
	LoadBytes int64
	// Federate forwards to the destinations that there are.
	Federate bool
	// Prepared is called again and again until it returns nil, before anything is loaded or read from Postgres: it brings
	// the control schema up to this release and registers what is declared. Defaults to nothing.
	Prepared func(context.Context) error
	// Started is told where the process listens, once it does. Defaults to nothing.
	Started func(Started)
	// Grace is how long requests are still taken once readiness is off, for load balancers to notice. Defaults to 1 s.
	Grace time.Duration
	// Logger defaults to one that drops all. It gets no bodies and no keys.
	Logger *slog.Logger
}

// Started is where a process listens.
type Started struct {
	// URL takes events and Admin has metrics and health, each empty without one; Stream is the embedded server's for
	// workers on this machine, empty unless asked for.
	URL, Admin, Stream string
}

// Times of stopping: together less than the ten seconds in which it has to be done.
const (
	answerTime = 5 * time.Second         // for requests that are at work
	stopTime   = 9500 * time.Millisecond // for everything
)

// pauseRetry is after how long it is noticed that what keeps a source from being loaded was mended.
const pauseRetry = 10 * time.Second

// Run runs until ctx ends and everything has stopped in its order: readiness goes off, requests at work are answered, what
// was accepted is on disk, the unit that is open is rolled back or finished. It is nil then. An error is why it could not
// start, or what was not done in time.
func Run(ctx context.Context, o Options) error {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Grace == 0 {
		o.Grace = time.Second
	}
	r := &runner{Options: o, measures: newMeasures()}
	if err := r.open(ctx); err != nil {
		return errors.Join(err, r.close())
	}
	return r.run(ctx)
}

// runner is one Run.
type runner struct {
	Options
	measures *measures
	broker   *stream.Broker
	intake   *ingest.Collector // nil without a door
	door     *door             // nil without one
	admin    *admin            // nil without one
	worker   *feed.Worker
	pauses   *pauses
}

// open makes all parts and binds all addresses: what cannot work is said before anything runs.
func (r *runner) open(ctx context.Context) (err error) {
	if r.broker, err = stream.Open(ctx, r.Stream); err != nil {
		return err
	}
	r.pauses = newPauses(r.Pool, r.Logger)
	r.worker, err = feed.New(feed.Options{
		Broker: r.broker, Pool: r.Pool, Sources: r.sources, Refresh: 2 * time.Second, LoadEvery: r.LoadEvery, LoadBytes: r.LoadBytes,
		PauseRetry: pauseRetry, Loaded: r.measures.loaded, Changed: r.changed, Logger: r.Logger,
	})
	if err != nil {
		return err
	}
	if r.Door != nil {
		r.intake, err = ingest.NewCollector(ingest.CollectorOptions{Broker: r.broker, Schema: r.schemaOf, Logger: r.Logger})
		if err != nil {
			return err
		}
		if r.door, err = openDoor(r.Door, r.intake, r.Keyring, r.measures.registry, r.Logger); err != nil {
			return err
		}
	}
	r.measures.registry.MustRegister(r.gauges())
	if r.AdminListen != "" {
		r.admin, err = openAdmin(r.AdminListen, r.measures.registry, r.ready, r.Pprof)
	}
	return err
}

// schemaOf names the stream of a source: it is known, since the door has just found a key of it.
func (r *runner) schemaOf(nickname string) (string, error) {
	if s, ok := r.Keyring.Source(nickname); ok {
		return s.Schema, nil
	}
	return registry.SchemaOf(nickname, "")
}

// sources are all that are registered, disabled ones too: what they sent before is loaded.
func (r *runner) sources(context.Context) ([]feed.Source, error) {
	if err := r.Keyring.Ready(); err != nil {
		return nil, err
	}
	all, _ := r.Keyring.Sources()
	out := make([]feed.Source, len(all))
	for i := range all {
		out[i] = feed.Source{Config: r.Loader(all[i]), Revision: all[i].Schema}
	}
	return out, nil
}

// changed notes in Postgres if somebody has to do something.
func (r *runner) changed(s feed.Status) {
	reason := ""
	if s.State == feed.Paused {
		reason = s.Reason
	}
	r.pauses.set(s.Source, reason)
}

// ready returns nil while requests would most likely be taken; a process that only loads is ready as long as its stream
// can be reached.
func (r *runner) ready() error {
	if r.door != nil {
		return r.door.handler.Ready()
	}
	return r.broker.Ready()
}

// run starts everything, and stops it in its order. The parts do not end all at once with ctx.
func (r *runner) run(ctx context.Context) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	background, loads, intake := newTasks(), newTasks(), newTasks()
	failed := make(chan error, 3)
	background.run(func() { r.Keyring.Run(base) })
	background.run(func() { r.pauses.run(base) })
	if r.admin != nil {
		go r.admin.serve(failed)
	}
	working, stop := context.WithCancel(base)
	defer stop()
	loads.run(func() { r.load(working, failed) })
	var cut error // requests that were not answered
	if r.door != nil {
		intake.run(func() {
			defer r.hurry(working)()
			if cut = r.door.serve(working, &r.Options); working.Err() == nil {
				failed <- cut
			}
		})
	}
	if r.Started != nil {
		r.Started(r.started())
	}
	r.Logger.InfoContext(ctx, "started")
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	r.Logger.InfoContext(base, "stopping")
	done := make(chan error, 1)
	go func() {
		stop()
		intake.wait()
		loads.wait()
		cancel()
		background.wait()
		r.lastWords()
		done <- errors.Join(cut, r.close())
	}()
	select {
	case stopped := <-done:
		return errors.Join(err, stopped)
	case <-time.After(stopTime):
		return errors.Join(err, errors.New("stop: some of the work did not end in time; nothing that was accepted is lost, the next start goes on"))
	}
}

// hurry answers requests that wait for a server of streams which does not answer, before they would be cut.
func (r *runner) hurry(ctx context.Context) (done func()) {
	answered := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-answered:
		case <-time.After(r.Grace + answerTime - time.Second):
			r.intake.GiveUp()
		}
	})
	return func() {
		close(answered)
		stop()
	}
}

// load prepares the database, however long it is away, and then loads and forwards until ctx ends.
func (r *runner) load(ctx context.Context, failed chan<- error) {
	if !r.prepare(ctx, failed) {
		return
	}
	tasks := newTasks()
	if r.Federate {
		tasks.run(func() { r.forward(ctx) })
	}
	if err := r.worker.Run(ctx); err != nil {
		failed <- err
	}
	tasks.wait()
}

// prepare returns false if ctx ended first, or the database contradicts what is declared.
func (r *runner) prepare(ctx context.Context, failed chan<- error) bool {
	if r.Prepared == nil {
		return true
	}
	for told := false; ctx.Err() == nil; told = true {
		err := r.Prepared(ctx)
		if err == nil {
			return true
		}
		if Final(err) {
			failed <- err
			return false
		}
		if !told {
			message := "Postgres does not answer: events are taken and kept, and loaded as soon as it does"
			if !loader.Passes(err) {
				message = "Postgres cannot be prepared: events are taken and kept, and loaded once this is mended"
			}
			r.Logger.WarnContext(ctx, message, "error", err)
		}
		pause(ctx, 2*time.Second)
	}
	return false
}

// forward sends to the destinations, also to those that are added later.
func (r *runner) forward(ctx context.Context) {
	for ctx.Err() == nil {
		f, err := federate.New(r.Pool, federate.Options{Logger: r.Logger})
		if err == nil {
			err = f.Run(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "forwarding to destinations stopped, it starts again", "error", err)
		}
		pause(ctx, 30*time.Second)
	}
}

// lastWords notes in Postgres what would else be forgotten. It does not matter enough to fail for it.
func (r *runner) lastWords() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := r.Keyring.NoteUses(ctx); err != nil {
		r.Logger.DebugContext(ctx, "when keys were used could not be noted", "error", err)
	}
}

// close lets go of what open made.
func (r *runner) close() error {
	var errs []error
	if r.door != nil {
		errs = append(errs, r.door.listener.Close())
	}
	if r.intake != nil {
		errs = append(errs, r.intake.Close())
	}
	if r.broker != nil {
		errs = append(errs, r.broker.Close())
	}
	if r.admin != nil {
		errs = append(errs, r.admin.server.Close(), r.admin.listener.Close())
	}
	for i, err := range errs {
		if errors.Is(err, net.ErrClosed) {
			errs[i] = nil // its server has closed it
		}
	}
	return errors.Join(errs...)
}

func (r *runner) started() Started {
	s := Started{Stream: r.broker.URL()}
	if r.door != nil {
		s.URL = r.door.url()
	}
	if r.admin != nil {
		s.Admin = "http://" + r.admin.listener.Addr().String()
	}
	return s
}

// listen binds an address. The error says which setting it was.
func listen(what, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	return l, nil
}
