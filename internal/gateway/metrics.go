package gateway

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the handler. No label has a value that a client can make up.
type metrics struct {
	requests *prometheus.CounterVec   // endpoint, status
	refused  *prometheus.CounterVec   // code
	duration *prometheus.HistogramVec // endpoint
	wire     prometheus.Counter
	bodies   prometheus.Counter
	events   prometheus.Counter
	taken    map[string]prometheus.Counter // of requests, by endpoint: status 200
	timed    map[string]prometheus.Observer
}

func newMetrics(to prometheus.Registerer, bytes *budget, requests *atomic.Int64) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tapline_http_requests_total",
			Help: "Requests answered, by endpoint and status; 499 is a client that did not wait.",
		}, []string{"endpoint", "status"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tapline_http_refused_total",
			Help: "Requests that were not taken, by the code that the client was told.",
		}, []string{"code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tapline_http_request_duration_seconds",
			Help:    "Time from the end of a request's headers to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"endpoint"}),
		wire: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tapline_http_received_bytes_total",
			Help: "Bytes of the bodies of requests that were taken, as sent.",
		}),
		bodies: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tapline_http_body_bytes_total",
			Help: "Bytes of the bodies of requests that were taken, decompressed.",
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tapline_http_events_total",
			Help: "Events of requests that were taken.",
		}),
	}
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tapline_http_in_flight_bytes",
		Help: "Memory held by bodies of requests that are not answered yet.",
	}, func() float64 { return float64(bytes.used.Load()) })
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tapline_http_in_flight_requests",
		Help: "Requests that are not answered yet.",
	}, func() float64 { return float64(requests.Load()) })
	for _, c := range []prometheus.Collector{m.requests, m.refused, m.duration, m.wire, m.bodies, m.events, inFlight, open} {
		if err := to.Register(c); err != nil {
			return nil, errors.Join(errors.New("register metrics of the gateway"), err)
		}
	}
	m.prepare()
	return m, nil
}

// prepare looks up what every request needs.
func (m *metrics) prepare() {
	m.taken, m.timed = map[string]prometheus.Counter{}, map[string]prometheus.Observer{}
	for _, name := range endpointNames() {
		m.taken[name] = m.requests.WithLabelValues(name, "200")
		m.timed[name] = m.duration.WithLabelValues(name)
	}
}

// answered counts one answer.
func (m *metrics) answered(endpoint string, status int, took time.Duration) {
	if status == 200 {
		m.taken[endpoint].Inc()
	} else {
		m.requests.WithLabelValues(endpoint, strconv.Itoa(status)).Inc()
	}
	m.timed[endpoint].Observe(took.Seconds())
}
