package serve

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tapline/tapline/internal/feed"
)

// gauges are what is looked up when somebody asks for the metrics.
type gauges struct{ r *runner }

func (r *runner) gauges() prometheus.Collector { return gauges{r} }

// askTime is how long the server of the streams may take to say how one of them stands.
const askTime = 2 * time.Second

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tapline_"+name, help, labels, nil)
}

// descriptions of the gauges.
type descriptions struct {
	lag, age, bytes, most, fresh, state, ready     *prometheus.Desc
	connections, acquired, pending, frames, failed *prometheus.Desc
}

func descs() descriptions {
	return descriptions{
		lag:         describe("stream_unloaded_messages", "Frames of the stream that are not loaded yet.", "source"),
		age:         describe("stream_oldest_unloaded_seconds", "How long ago the oldest frame arrived that is not loaded yet; 0 if all are.", "source"),
		bytes:       describe("stream_bytes", "What the stream holds.", "source"),
		most:        describe("stream_max_bytes", "What the stream may hold.", "source"),
		fresh:       describe("table_freshness_seconds", "Time since the newest committed events of a table arrived: of the last load into it, to the load.", "source", "table"),
		state:       describe("source_state", "1 for the state that loading of a source is in: running, retrying or paused.", "source", "state"),
		ready:       describe("ready", "1 while requests would most likely be taken."),
		connections: describe("pool_connections", "Connections to Postgres.", "state"),
		acquired:    describe("pool_waited_seconds_total", "Time spent waiting for a connection to Postgres."),
		pending:     describe("intake_pending_bytes", "Requests that wait to be on disk."),
		frames:      describe("intake_frames_total", "Frames that were put on disk."),
		failed:      describe("intake_failed_requests_total", "Requests that could not be put on disk; their clients were told."),
	}
}

// Describe implements prometheus.Collector. Nothing is described in advance: what there is depends on the sources.
func (g gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	d := descs()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	count := func(desc *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value)
	}
	gauge(d.ready, flag(g.r.ready() == nil))
	g.streams(d, gauge)
	g.loading(d, gauge)
	pool := g.r.Pool.Stat()
	gauge(d.connections, float64(pool.AcquiredConns()), "in_use")
	gauge(d.connections, float64(pool.IdleConns()), "idle")
	gauge(d.connections, float64(pool.MaxConns()), "max")
	count(d.acquired, pool.AcquireDuration().Seconds())
	if g.r.intake != nil {
		stats := g.r.intake.Stats()
		gauge(d.pending, float64(stats.Pending))
		count(d.frames, float64(stats.Frames))
		count(d.failed, float64(stats.Failed))
	}
}

// streams shows how much waits. A server that does not answer is left out: that is told by ready.
func (g gauges) streams(d descriptions, gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	all, _ := g.r.Keyring.Sources()
	for i := range all {
		s := &all[i]
		info, ok, err := g.r.broker.Info(ctx, s.Schema)
		if err != nil || !ok {
			continue
		}
		gauge(d.lag, float64(info.Unloaded), s.Nickname)
		age := 0.0
		if info.Unloaded > 0 && !info.Oldest.IsZero() {
			age = time.Since(info.Oldest).Seconds()
		}
		gauge(d.age, age, s.Nickname)
		gauge(d.bytes, float64(info.Bytes), s.Nickname)
		gauge(d.most, float64(info.MaxBytes), s.Nickname)
	}
}

func (g gauges) loading(d descriptions, gauge func(*prometheus.Desc, float64, ...string)) {
	m := g.r.measures
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, at := range m.newest {
		gauge(d.fresh, time.Since(at).Seconds(), key[0], key[1])
	}
	for _, s := range g.r.worker.Status() {
		for _, state := range []feed.State{feed.Running, feed.Retrying, feed.Paused} {
			gauge(d.state, flag(s.State == state), s.Source, string(state))
		}
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
