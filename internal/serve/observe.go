package serve

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tapline/tapline/internal/feed"
	"github.com/tapline/tapline/internal/registry"
)

// measures are what loading has come to. Labels are sources, tables and reasons, of which the data contract bounds the
// number; never anything that an event says.
type measures struct {
	registry *prometheus.Registry
	events   *prometheus.CounterVec   // source, outcome, reason
	discards *prometheus.CounterVec   // source, reason
	frames   *prometheus.CounterVec   // source
	duration *prometheus.HistogramVec // source
	waited   *prometheus.HistogramVec // source

	mu     sync.Mutex
	newest map[[2]string]time.Time // when the newest events arrived that are committed, by source and table
}

func newMeasures() *measures {
	m := &measures{
		registry: prometheus.NewRegistry(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tapline_events_total",
			Help: "Events that were committed: loaded, duplicate, or quarantined with its reason.",
		}, []string{"source", "outcome", "reason"}),
		discards: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tapline_discards_total",
			Help: "Single values that could not be kept as sent, by reason.",
		}, []string{"source", "reason"}),
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tapline_frames_total", Help: "Frames of the stream that were loaded.",
		}, []string{"source"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tapline_load_duration_seconds", Help: "Time from the beginning of a load to its commit.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"source"}),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tapline_commit_delay_seconds", Help: "Time from the arrival of a load's first request to its commit.",
			Buckets: []float64{.25, .5, 1, 2.5, 5, 10, 20, 30, 60, 300, 1800, 3600},
		}, []string{"source"}),
		newest: map[[2]string]time.Time{},
	}
	m.registry.MustRegister(m.events, m.discards, m.frames, m.duration, m.waited,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// loaded counts one load that was committed.
func (m *measures) loaded(l feed.Load) {
	m.events.WithLabelValues(l.Source, "loaded", "").Add(float64(l.Report.Loaded))
	m.events.WithLabelValues(l.Source, "duplicate", "").Add(float64(l.Report.Duplicates))
	for reason, n := range l.Report.Quarantine {
		m.events.WithLabelValues(l.Source, "quarantined", string(reason)).Add(float64(n))
	}
	for reason, n := range l.Report.Discards {
		m.discards.WithLabelValues(l.Source, string(reason)).Add(float64(n))
	}
	m.frames.WithLabelValues(l.Source).Add(float64(l.Frames))
	m.duration.WithLabelValues(l.Source).Observe(l.Duration.Seconds())
	if !l.Oldest.IsZero() {
		m.waited.WithLabelValues(l.Source).Observe(time.Since(l.Oldest).Seconds())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for table, t := range l.Report.Tables {
		if key := [2]string{l.Source, table}; t.Loaded+t.Duplicates > 0 && l.Newest.After(m.newest[key]) {
			m.newest[key] = l.Newest
		}
	}
}

// pauses writes to Postgres which sources wait for somebody, as soon as Postgres can be written to. Only the newest word
// about each source counts.
type pauses struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	wake chan struct{}

	mu    sync.Mutex
	words map[string]string // that are not written yet: reasons, by source
}

func newPauses(pool *pgxpool.Pool, log *slog.Logger) *pauses {
	return &pauses{pool: pool, log: log, wake: make(chan struct{}, 1), words: map[string]string{}}
}

// set notes why a source is paused; an empty reason, that it is not. It does not wait.
func (p *pauses) set(source, reason string) {
	p.mu.Lock()
	p.words[source] = reason
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pauses) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		for !p.write(ctx) && ctx.Err() == nil {
			pause(ctx, 5*time.Second)
		}
	}
}

// write writes all words, and returns whether it could.
func (p *pauses) write(ctx context.Context) bool {
	p.mu.Lock()
	words := p.words
	p.words = map[string]string{}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for source, reason := range words {
		if err := registry.SetPaused(ctx, p.pool, source, reason); err != nil {
			p.log.DebugContext(ctx, "the state of a source could not be noted yet", "source", source, "error", err)
			p.back(words)
			return false
		}
		delete(words, source)
	}
	return true
}

// back keeps words for the next try, unless there are newer ones.
func (p *pauses) back(words map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for source, reason := range words {
		if _, newer := p.words[source]; !newer {
			p.words[source] = reason
		}
	}
}
