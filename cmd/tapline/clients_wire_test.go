package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// wire stands between a client and the program. It notes each call that comes by, as it was sent, and now and then answers
// 503: to one of eight new bodies instead of handing it on, to another one after the program has taken it.
type wire struct {
	t     *testing.T
	url   string
	proxy *httputil.ReverseProxy

	mu       sync.Mutex
	calls    map[string]*wireCall // by messageId
	bodies   map[string]bool      // seen, by what their first call is
	refused  int
	repeated int // bodies that came again
}

// wireCall is one call as a client sent it, the first time.
type wireCall struct {
	Type, MessageID, UserID, AnonymousID, PreviousID, GroupID, Event string
	Timestamp, OriginalTimestamp, SentAt                             string
	Context                                                          struct {
		Library struct{ Name, Version string }
		Client  struct {
			N    *int
			Type string
		}
	}
	sent map[string]bool // each sentAt that it was sent with
}

// wireBody is the body of a request: a call, or a batch of them.
type wireBody struct {
	wireCall
	Batch []*wireCall
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, calls: map[string]*wireCall{}, bodies: map[string]bool{}}
	w.proxy = &httputil.ReverseProxy{
		// The host that the client asked stays: the program tells browsers to send their calls there.
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *wire) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.proxy.ServeHTTP(to, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch w.note(body) {
	case 1:
	case 5:
		w.proxy.ServeHTTP(httptest.NewRecorder(), r)
	default:
		w.proxy.ServeHTTP(to, r)
		return
	}
	to.Header().Set("Access-Control-Allow-Origin", "*")
	to.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(to, `{"code":"injected","message":"come again"}`)
}

// note keeps what a body holds and returns the number of the body, modulo eight; -1 if it came before.
func (w *wire) note(body []byte) int {
	b := w.read(body)
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := b.Batch
	if b.Batch == nil {
		calls = []*wireCall{&b.wireCall}
	}
	for _, c := range calls {
		first := w.calls[c.MessageID]
		if first == nil {
			c.sent = map[string]bool{}
			w.calls[c.MessageID], first = c, c
		}
		if c.SentAt == "" {
			c.SentAt = b.SentAt
		}
		if c.Context.Library.Name == "" { // the context of a batch is that of its calls, where they have none
			c.Context.Library = b.Context.Library
		}
		first.sent[c.SentAt] = true
	}
	key := strconv.Itoa(len(calls)) + calls[0].MessageID
	if w.bodies[key] {
		w.repeated++
		return -1
	}
	w.bodies[key] = true
	n := len(w.bodies) % 8
	if n == 1 || n == 5 {
		w.refused++
	}
	return n
}

func (w *wire) read(body []byte) *wireBody {
	if zipped, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
		if body, err = io.ReadAll(zipped); err != nil {
			w.t.Errorf("gzip: %v", err)
		}
	}
	var b wireBody
	if err := json.Unmarshal(body, &b); err != nil {
		w.t.Errorf("body: %v: %.300s", err, body)
	}
	if b.Batch != nil && len(b.Batch) == 0 {
		w.t.Error("an empty batch")
	}
	return &b
}

// noted returns the calls that came by.
func (w *wire) noted() map[string]*wireCall {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused == 0 || w.repeated < w.refused {
		w.t.Errorf("%d bodies were refused, %d came again", w.refused, w.repeated)
	}
	return w.calls
}

// at reads a time as JSON has it, as Postgres keeps it; nil if there is none.
func at(t *testing.T, text string) *time.Time {
	t.Helper()
	if text == "" {
		return nil
	}
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	when = when.UTC().Truncate(time.Microsecond)
	return &when
}
