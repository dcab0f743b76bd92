package feed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// Worker loads the streams of sources. Sources do not wait for each other.
type Worker struct {
	opts Options

	mu    sync.Mutex
	lines map[string]*line // by nickname
}

// New returns a worker.
func New(o Options) (*Worker, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Worker{opts: o, lines: map[string]*line{}}, nil
}

// Run loads until ctx ends. What is being loaded then has a few seconds to be committed, else it is rolled back; what was
// committed is acknowledged, and all else is given back for other workers. It always returns nil.
func (w *Worker) Run(ctx context.Context) error {
	tick := time.NewTicker(w.opts.Refresh)
	defer tick.Stop()
	for {
		w.refresh(ctx)
		select {
		case <-ctx.Done():
			w.keep(nil)
			return nil
		case <-tick.C:
		}
	}
}

// refresh starts loading new sources and lets go those that are gone.
func (w *Worker) refresh(ctx context.Context) {
	sources, err := w.opts.Sources(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.opts.Logger.WarnContext(ctx, "sources are not known now", "cause", err)
		}
		return
	}
	current := map[string]string{}
	for _, s := range sources {
		current[s.Config.Source] = s.Revision
	}
	w.keep(current)
	for _, s := range sources {
		w.mu.Lock()
		known := w.lines[s.Config.Source] != nil
		w.mu.Unlock()
		if known {
			continue
		}
		l, err := w.newLine(s)
		if err != nil {
			w.opts.Logger.ErrorContext(ctx, "source is not loaded", "source", s.Config.Source, "cause", err)
			continue
		}
		w.mu.Lock()
		w.lines[s.Config.Source] = l
		w.mu.Unlock()
		l.start(ctx)
	}
}

// keep ends the lines of all sources but the given ones, by nickname and revision.
func (w *Worker) keep(sources map[string]string) {
	w.mu.Lock()
	var gone []*line
	for name, l := range w.lines {
		if revision, ok := sources[name]; !ok || revision != l.revision {
			gone = append(gone, l)
			delete(w.lines, name)
		}
	}
	w.mu.Unlock()
	for _, l := range gone {
		l.stop()
	}
	for _, l := range gone {
		<-l.stopped
	}
}

// newLine prepares the loading of one source.
func (w *Worker) newLine(s Source) (*line, error) {
	config := s.Config
	if config.Schema == "" {
		var err error
		if config.Schema, err = schema.SchemaName(config.Source); err != nil {
			return nil, err
		}
	}
	if config.Workers == 0 {
		config.Workers = 1
	}
	if config.Logger == nil {
		config.Logger = w.opts.Logger
	}
	l := &line{
		w: w, source: config.Source, schema: config.Schema, revision: s.Revision, stopped: make(chan struct{}),
		status: Status{Source: config.Source, Schema: config.Schema, State: Running, Since: time.Now()},
	}
	ended := config.Ended
	config.Ended = func(u loader.Unit, r loader.UnitReport) {
		l.ended(u, r)
		if ended != nil {
			ended(u, r)
		}
	}
	var err error
	if l.loader, err = loader.New(w.opts.Pool, config); err != nil {
		return nil, fmt.Errorf("source %s: %w", config.Source, err)
	}
	return l, nil
}

// Status returns how each source stands, by nickname.
func (w *Worker) Status() []Status {
	w.mu.Lock()
	lines := make([]*line, 0, len(w.lines))
	for _, l := range w.lines {
		lines = append(lines, l)
	}
	w.mu.Unlock()
	out := make([]Status, 0, len(lines))
	for _, l := range lines {
		l.mu.Lock()
		out = append(out, l.status)
		l.mu.Unlock()
	}
	slices.SortFunc(out, func(a, b Status) int { return cmp.Compare(a.Source, b.Source) })
	return out
}
