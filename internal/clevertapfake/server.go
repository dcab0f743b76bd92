// Package clevertapfake is a server that answers as CleverTap's Get Events API does, for tests and for trying tapline pull
// without an account. It is strict where CleverTap is: it refuses cursors that were encoded twice, a fourth request at once,
// days in the future and anything but dates of eight digits; and it can be made to misbehave as CleverTap does.
package clevertapfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxRequests is how many requests an account may make at once.
const maxRequests = 3

// Options say what the server has and how it behaves.
type Options struct {
	// Account and Passcode are what a request has to bring. They default to those of the constants.
	Account, Passcode string
	Population        *Population
	// Location is the project's time zone. Defaults to Asia/Kolkata.
	Location *time.Location
	// PageSize is how many records a page has, at most. Defaults to what is asked for.
	PageSize int
	// Fault happens to every request once, before it is answered well, if EveryRequest is set; else to every third one.
	Fault        Fault
	EveryRequest bool
	// NotExportable are events that are not given away.
	NotExportable []string
	// Schema adds to the events that getSchema tells of; by name, the properties and their types.
	Schema map[string]map[string]string
	// Pending is how often a new cursor is not ready yet. Defaults to never.
	Pending int
	// Now defaults to time.Now.
	Now func() time.Time
}

// What a server has if nothing else is said.
const (
	DefaultAccount  = "TEST-123-456Z"
	DefaultPasscode = "demo-passcode"
)

// Stats count what a server was asked.
type Stats struct {
	Requests, Begins, Pages int64
	// Refused are requests beyond maxRequests at once, Doubled those whose cursor was encoded twice, Faults those that were
	// answered badly on purpose.
	Refused, Doubled, Faults int64
	// AtOnce is the largest number of requests under way.
	AtOnce int64
}

// Server is an http.Handler.
type Server struct {
	opts  Options
	mux   *http.ServeMux
	serve *http.Server
	url   string

	active  atomic.Int64
	mu      sync.Mutex
	stats   Stats
	cursors map[string]*cursor // by what it is once decoded
	hit     map[string]bool    // requests that a fault has happened to
	turn    int
	cache   map[pageKey][]byte
}

// New returns a server that listens to nobody.
func New(o Options) (*Server, error) {
	if o.Population == nil {
		return nil, errors.New("no population given")
	}
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	if o.Passcode == "" {
		o.Passcode = DefaultPasscode
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Location == nil {
		zone, err := time.LoadLocation("Asia/Kolkata")
		if err != nil {
			return nil, fmt.Errorf("load time zone: %w", err)
		}
		o.Location = zone
	}
	s := &Server{opts: o, mux: http.NewServeMux(), cursors: map[string]*cursor{}, hit: map[string]bool{}, cache: map[pageKey][]byte{}}
	s.mux.HandleFunc("POST /1/events.json", s.limited(s.events))
	s.mux.HandleFunc("GET /1/events.json", s.limited(s.events))
	s.mux.HandleFunc("GET /getSchema", s.limited(s.schema))
	return s, nil
}

// Start listens on a free port of this machine, or on an address, until Close.
func (s *Server) Start(address string) error {
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	s.serve = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.serve.Serve(l) }() // it ends with Close
	return nil
}

// URL is where a started server is.
func (s *Server) URL() string { return s.url }

// Close ends a started server and all its connections.
func (s *Server) Close() error {
	if s.serve == nil {
		return nil
	}
	return s.serve.Close()
}

// Stats returns what was asked so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Add makes the account have more records, which begins with the next cursor.
func (s *Server) Add(records ...Record) {
	s.opts.Population.Add(records...)
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cache)
}

// SetFault changes what goes wrong from now on.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Fault = f
	clear(s.hit)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// limited refuses requests that are one too many at once, and those without the account's passcode.
func (s *Server) limited(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := s.active.Add(1)
		defer s.active.Add(-1)
		s.mu.Lock()
		s.stats.Requests++
		s.stats.AtOnce = max(s.stats.AtOnce, now)
		if now > maxRequests {
			s.stats.Refused++
		}
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case now > maxRequests:
			answerFile(w, http.StatusTooManyRequests, "http_429.json")
		case r.Header.Get("X-CleverTap-Account-Id") != s.opts.Account || r.Header.Get("X-CleverTap-Passcode") != s.opts.Passcode:
			fail(w, http.StatusUnauthorized, "Invalid Credentials", http.StatusUnauthorized)
		default:
			do(w, r)
		}
	}
}

func answerFile(w http.ResponseWriter, status int, name string) {
	w.WriteHeader(status)
	_, _ = w.Write(File(name)) // whoever has gone does not want it
}

// fail answers as CleverTap does: an error and its code.
func fail(w http.ResponseWriter, status int, text string, code int) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "fail", "error": text, "code": code})
}

// events is both steps of the API.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if raw := rawCursor(r.URL.RawQuery); raw != "" {
		s.page(w, r, raw)
		return
	}
	if r.Method == http.MethodGet {
		fail(w, http.StatusBadRequest, "Cursor missing", http.StatusBadRequest)
		return
	}
	s.begin(w, r)
}

// query is the body of the first step.
type query struct {
	Event    *string         `json:"event_name"`
	From, To json.RawMessage // integers of eight digits
}

func (s *Server) begin(w http.ResponseWriter, r *http.Request) {
	var q query
	d := json.NewDecoder(r.Body)
	if err := d.Decode(&q); err != nil || q.Event == nil {
		fail(w, http.StatusBadRequest, "Payload is mandatory", http.StatusBadRequest)
		return
	}
	from, err1 := s.day(q.From)
	to, err2 := s.day(q.To)
	today := s.opts.Now().In(s.opts.Location)
	switch {
	case err1 != nil || err2 != nil:
		fail(w, http.StatusInternalServerError, "Internal Server Error", http.StatusInternalServerError)
	case to > today.Year()*10_000+int(today.Month())*100+today.Day():
		fail(w, http.StatusBadRequest, "To date is in the future", http.StatusBadRequest)
	case from != to:
		fail(w, http.StatusBadRequest, "this server has one day at a time", http.StatusBadRequest)
	case slices.Contains(s.opts.NotExportable, *q.Event):
		fail(w, http.StatusBadRequest, "Export not allowed for this event", http.StatusBadRequest)
	case !s.opts.Population.knows(*q.Event):
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode([]string{"Invalid event : " + *q.Event})
	default:
		if s.misbehave(w, r, fmt.Sprintf("begin %s %d", *q.Event, from), nil) {
			return
		}
		size, _ := strconv.Atoi(r.URL.Query().Get("batch_size"))
		c := s.newCursor(window{*q.Event, from}, size)
		s.count(func(st *Stats) { st.Begins++ })
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "success", "cursor": c.encoded})
	}
}

// day reads a date.
func (s *Server) day(raw json.RawMessage) (int, error) {
	if len(raw) != len("20260101") {
		return 0, errors.New("not a date of eight digits")
	}
	return strconv.Atoi(string(raw))
}

func (s *Server) count(do func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(&s.stats)
}

// schema tells which events there are.
func (s *Server) schema(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("type") != "events" {
		fail(w, http.StatusBadRequest, "Invalid type", http.StatusBadRequest)
		return
	}
	type property struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	type event struct {
		Name       string     `json:"name"`
		Properties []property `json:"properties,omitempty"`
	}
	names := s.opts.Population.Events()
	for name := range s.opts.Schema {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	events := []event{}
	for _, name := range names {
		e := event{Name: name}
		for p, t := range s.opts.Schema[name] {
			e.Properties = append(e.Properties, property{p, t})
		}
		slices.SortFunc(e.Properties, func(a, b property) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		})
		events = append(events, e)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "events": events})
}
