// Package sink is a destination for tests: a server that takes batches as Segment's Tracking API does, reads every byte of
// them, keeps one message of each messageId, and misbehaves when it is told to.
package sink

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The limits of the Tracking API.
const (
	MaxBatch  = 500_000 // bytes of a body
	MaxEvents = 2_500
	MaxEvent  = 32 << 10 // bytes of a message
)

// Message is a message of a batch.
type Message struct {
	ID   string
	JSON json.RawMessage
}

// Answer is what the server does with a request instead of taking it.
type Answer struct {
	Status int               // 0 is 200
	Header map[string]string // beside Content-Type
	Body   string
	Delay  time.Duration // before anything is done
	Reset  bool          // the connection is cut without an answer
	Cut    int           // bytes of the body that are announced and do not come
	Take   bool          // the messages are kept all the same
	Until  <-chan struct{}
}

// Request is what came with one request.
type Request struct {
	Number   int // from 1
	Messages []Message
	Body     []byte
	At       time.Time
}

// Sink is an http.Handler. It may be used by many requests at the same time.
type Sink struct {
	// Key is the write key; all others get 401. Empty means any.
	Key string
	// Judge returns what to do with a request; nil means to take it. Optional. It may be called by several requests at the
	// same time. Once there were requests, Set changes it.
	Judge func(*Request) *Answer
	// Forget keeps ids only, for large numbers of messages.
	Forget bool

	mu        sync.Mutex
	messages  map[string]json.RawMessage
	order     []string
	repeated  int
	requests  int
	wrong     []string
	authority map[string]int
}

// Set changes Judge while requests may come.
func (s *Sink) Set(judge func(*Request) *Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Judge = judge
}

// ServeHTTP implements http.Handler.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	user, _, _ := r.BasicAuth()
	q := &Request{Body: body, At: time.Now()}
	s.mu.Lock()
	s.requests++
	q.Number = s.requests
	if s.authority == nil {
		s.authority = map[string]int{}
	}
	s.authority[user]++
	s.mu.Unlock()
	if r.Method != http.MethodPost || r.URL.Path != "/v1/batch" || r.Header.Get("Content-Type") != "application/json" {
		s.note("%s %s of %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	if err := q.parse(); err != nil {
		s.note("%v", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if s.Key != "" && user != s.Key {
		http.Error(w, "unknown write key "+user, http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	judge := s.Judge
	s.mu.Unlock()
	if judge != nil {
		if a := judge(q); a != nil {
			s.misbehave(w, r, q, a)
			return
		}
	}
	s.take(q)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"success":true}`)
}

func (q *Request) parse() error {
	var b struct {
		Batch []json.RawMessage `json:"batch"`
	}
	if err := json.Unmarshal(q.Body, &b); err != nil {
		return fmt.Errorf("invalid JSON: %w", err)
	}
	if len(q.Body) > MaxBatch || len(b.Batch) > MaxEvents || len(b.Batch) == 0 {
		return fmt.Errorf("a batch of %d messages in %d bytes", len(b.Batch), len(q.Body))
	}
	q.Messages = make([]Message, len(b.Batch))
	for i, text := range b.Batch {
		var m struct {
			ID string `json:"messageId"`
		}
		if err := json.Unmarshal(text, &m); err != nil || m.ID == "" || len(m.ID) > 100 || len(text) > MaxEvent {
			return fmt.Errorf("a message of %d bytes with id %q (%w)", len(text), m.ID, err)
		}
		q.Messages[i] = Message{m.ID, text}
	}
	return nil
}

func (s *Sink) misbehave(w http.ResponseWriter, r *http.Request, q *Request, a *Answer) {
	for _, wait := range []<-chan struct{}{a.Until, after(a.Delay)} {
		if wait != nil {
			select {
			case <-wait:
			case <-r.Context().Done():
			}
		}
	}
	if a.Take {
		s.take(q)
	}
	if a.Reset {
		panic(http.ErrAbortHandler)
	}
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	if a.Cut > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)+a.Cut))
	}
	w.WriteHeader(max(a.Status, http.StatusOK))
	fmt.Fprint(w, a.Body)
}

func after(d time.Duration) <-chan struct{} {
	if d == 0 {
		return nil
	}
	done := make(chan struct{})
	time.AfterFunc(d, func() { close(done) })
	return done
}

func (s *Sink) take(q *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.messages == nil {
		s.messages = map[string]json.RawMessage{}
	}
	for _, m := range q.Messages {
		before, known := s.messages[m.ID]
		switch {
		case known:
			s.repeated++
			if !s.Forget && string(before) != string(m.JSON) {
				s.wrong = append(s.wrong, fmt.Sprintf("message %s was %s and is %s", m.ID, before, m.JSON))
			}
		case s.Forget:
			s.messages[m.ID] = nil
		default:
			s.messages[m.ID] = m.JSON
			s.order = append(s.order, m.ID)
		}
	}
}

func (s *Sink) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// Wrong is what no client may send: batches above the limits, or two different messages with one id.
func (s *Sink) Wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.wrong...)
}

// Messages returns the messages by id.
func (s *Sink) Messages() map[string]json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]json.RawMessage, len(s.messages))
	for id, m := range s.messages {
		out[id] = m
	}
	return out
}

// Counts are how many messages were kept, how many came again, and how many requests there were.
func (s *Sink) Counts() (kept, repeated, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.messages), s.repeated, s.requests
}
