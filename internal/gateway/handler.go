package gateway

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tapline/tapline/internal/decode"
)

// Handler is the HTTP door. Make one with New. It is safe for use by many goroutines.
type Handler struct {
	cfg     Config
	budget  *budget
	rates   rates
	metrics *metrics
	ids     requestIDs
	quiet   quiet
	visits  sync.Pool // of *visit

	arrivals arrivals
	inFlight atomic.Int64 // requests
	stopping atomic.Bool
}

var _ http.Handler = (*Handler)(nil)

// New returns a handler. The error says what of cfg is missing or contradictory, or that metrics of these names are
// registered already.
func New(cfg Config) (*Handler, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	h := &Handler{
		cfg:    cfg,
		budget: &budget{max: cfg.MaxInFlight},
		rates:  rates{perSecond: cfg.EventsPerSecond, burst: cfg.Burst},
		ids:    newRequestIDs(),
	}
	h.visits.New = func() any { return &visit{h: h, checker: new(decode.Checker)} }
	if h.metrics, err = newMetrics(cfg.Metrics, h.budget, &h.inFlight); err != nil {
		return nil, err
	}
	return h, nil
}

// Stop turns readiness off, for good: load balancers are to send requests elsewhere. Those that come are still taken.
func (h *Handler) Stop() { h.stopping.Store(true) }

// endpoint is what a path leads to.
type endpoint struct {
	name string // for metrics and logs
	call string // the type of a single call, if the path names it
	kind kind
}

// kind is what an endpoint does.
type kind uint8

const (
	takes    kind = iota // takes calls
	settings             // of a browser's client
	alive
	ready
	nowhere
)

// calls are the paths below /v1/ that take calls: those of Segment's API, and the short ones of its browser client.
var calls = map[string]endpoint{
	"track":    {name: "track", call: "track"},
	"identify": {name: "identify", call: "identify"},
	"page":     {name: "page", call: "page"},
	"screen":   {name: "screen", call: "screen"},
	"group":    {name: "group", call: "group"},
	"alias":    {name: "alias", call: "alias"},
	"batch":    {name: "batch"},
	"import":   {name: "import"},
	"t":        {name: "track", call: "track"},
	"i":        {name: "identify", call: "identify"},
	"p":        {name: "page", call: "page"},
	"s":        {name: "screen", call: "screen"},
	"g":        {name: "group", call: "group"},
	"a":        {name: "alias", call: "alias"},
	"b":        {name: "batch"},
}

// The endpoints that are no calls.
var (
	toSettings = endpoint{name: "settings", kind: settings}
	toAlive    = endpoint{name: "healthz", kind: alive}
	toReady    = endpoint{name: "readyz", kind: ready}
	toNowhere  = endpoint{name: "other", kind: nowhere}
)

// endpointNames returns the names of all endpoints.
func endpointNames() []string {
	names := []string{toSettings.name, toAlive.name, toReady.name, toNowhere.name}
	for short, e := range calls {
		if short == e.name {
			names = append(names, e.name)
		}
	}
	return names
}

// find returns where a path leads. Clients that were given a host with a slash at its end send two in a row.
func find(path string) endpoint {
	for strings.HasPrefix(path, "//") {
		path = path[1:]
	}
	if below, ok := strings.CutPrefix(path, "/v1/"); ok {
		if e, ok := calls[below]; ok {
			return e
		}
		if _, ok := projectKey(path); ok {
			return toSettings
		}
		return toNowhere
	}
	switch path {
	case "/healthz":
		return toAlive
	case "/readyz":
		return toReady
	}
	return toNowhere
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := h.cfg.Now()
	h.inFlight.Add(1)
	defer h.inFlight.Add(-1)
	e := find(r.URL.Path)
	v := h.visits.Get().(*visit)
	defer v.end()
	v.begin(w, r, e, start)
	if e.kind == takes || e.kind == settings {
		v.cors()
	}
	var no *refusal
	switch {
	case r.Method == http.MethodOptions && (e.kind == takes || e.kind == settings):
		v.preflight()
	case !allows(e.kind, r.Method):
		no = v.methodNotAllowed()
	case e.kind == takes:
		no = v.take()
	case e.kind == settings:
		no = v.settings()
	case e.kind == alive:
		v.reply(http.StatusOK, []byte(`{"status":"ok"}`))
	case e.kind == ready:
		v.ready()
	default:
		no = refusedPath
	}
	if no != nil {
		v.refuse(no)
	}
	h.metrics.answered(e.name, v.status, time.Since(v.began))
}

// allows reports whether an endpoint takes a method, OPTIONS apart.
func allows(k kind, method string) bool {
	switch k {
	case takes:
		return method == http.MethodPost
	case nowhere:
		return true // it is not the method that is wrong
	}
	return method == http.MethodGet || method == http.MethodHead
}
