package federate

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// transport is how analytics-go reaches a destination. The client tries every failure ten times, whatever it is, and
// ignores Retry-After; so this one answers it only when a batch is done with, and does the rest itself: it waits and tries
// again as long as the session lasts, takes batches apart to find what is refused, and ends the session if nothing will do.
type transport struct {
	ctx     context.Context //nolint:containedctx // of the session, which the client knows nothing of
	stop    context.CancelCauseFunc
	f       *Federator
	d       *Destination
	http    *http.Transport
	slots   chan struct{}
	secrets *strings.Replacer
	waiting atomic.Pointer[waiting] // of the part that is sent

	mu        sync.Mutex
	notBefore time.Time // no request is sent earlier: the destination asked for that
	problem   string    // why the last request failed
	latencies [1024]time.Duration
	requests  int
	failing   time.Time // since when it takes nothing; zero if it took the last batch
	accepted  bool      // it has taken a batch in this session
	refusals  int       // messages refused since it took one
}

// refusalLimit is how many messages may be refused one after the other before that is taken for something wrong with the
// destination, not with the messages.
const refusalLimit = 1000

// pauseHeaders are those by which a destination asks for a pause, and the longest that each can ask for: what is longer is
// more likely a mistake. Some write the second one as a time since 1970.
var pauseHeaders = []struct {
	name string
	max  time.Duration
}{
	{"Retry-After", time.Hour},
	{"X-RateLimit-Reset", 5 * time.Minute},
}

// answerBytes is how much of an answer is read, answerKept how much of it is shown to people.
const (
	answerBytes = 1 << 20
	answerKept  = 500
)

func newTransport(ctx context.Context, f *Federator, d *Destination, key string, stop context.CancelCauseFunc) *transport {
	return &transport{
		ctx: ctx, stop: stop, f: f, d: d, http: newHTTP(d, f.opt.InFlight), slots: make(chan struct{}, f.opt.InFlight),
		secrets: masks(key),
	}
}

// masks replaces a key, as it is and as servers may show it, by ***.
func masks(key string) *strings.Replacer {
	var pairs []string
	quoted, _ := json.Marshal(key) // a text always can be
	for _, form := range []string{
		base64.StdEncoding.EncodeToString([]byte(key + ":")), base64.StdEncoding.EncodeToString([]byte(key)), base64.RawStdEncoding.EncodeToString([]byte(key)),
		strings.Trim(string(quoted), `"`), url.QueryEscape(key), url.PathEscape(key), html.EscapeString(key), key,
	} {
		if form != "" {
			pairs = append(pairs, form, "***")
		}
	}
	return strings.NewReplacer(pairs...)
}

func (t *transport) close() { t.http.CloseIdleConnections() }

// RoundTrip implements http.RoundTripper. It answers 200 once every message of the batch has arrived or was noted as not
// taken; it fails only if the session ends.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	select {
	case t.slots <- struct{}{}:
	case <-t.ctx.Done():
		return nil, context.Cause(t.ctx)
	}
	defer func() { <-t.slots }()
	if err := t.deliver(r, body); err != nil {
		return nil, err
	}
	return done(r), nil
}

// done is the answer to the client for a batch that is done with.
func done(r *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r,
	}
}

// deliver sends a batch until it is done with.
func (t *transport) deliver(r *http.Request, body []byte) error {
	if len(body) > batchBytes {
		return t.split(r, body, answer{text: fmt.Sprintf("%d bytes are too many", len(body))})
	}
	pause := t.f.pauses()
	for {
		if err := t.wait(); err != nil {
			return err
		}
		a := t.attempt(r, body)
		if t.ctx.Err() != nil && a.verdict != taken {
			return context.Cause(t.ctx)
		}
		switch a.verdict {
		case taken:
			t.noteTaken(a.took)
			hit("federate-answered")
			return nil
		case refused:
			return t.split(r, body, a)
		case hopeless:
			err := &PausedError{Destination: t.d.Name, Reason: a.text}
			t.stop(err)
			return err
		}
		after := max(pause.NextBackOff(), a.after)
		if t.noteTrouble(a) {
			err := setupError{fmt.Errorf("destination %s: given up%s: %s", t.d.Name, a.waiting(t.f.opt.GiveUp), a.text)}
			t.stop(err)
			return err
		}
		if err := sleep(t.ctx, after); err != nil {
			return err
		}
	}
}

// waiting says for what nobody waits any more.
func (a *answer) waiting(giveUp time.Duration) string {
	if a.after > giveUp {
		return ", as it asks for a pause of " + a.after.Round(time.Second).String()
	}
	return " after " + giveUp.String()
}

// wait waits until the destination wants requests again.
func (t *transport) wait() error {
	for {
		t.mu.Lock()
		d := time.Until(t.notBefore)
		t.mu.Unlock()
		if d <= 0 {
			return context.Cause(t.ctx)
		}
		if err := sleep(t.ctx, d); err != nil {
			return err
		}
	}
}

// verdict is what an answer means for a batch.
type verdict int

const (
	again    verdict = iota // it is to be sent again
	taken                   // it has arrived
	refused                 // something in it is not taken
	hopeless                // nothing is taken
)

// answer is what came of one request.
type answer struct {
	verdict verdict
	status  int
	text    string        // for people, without keys
	after   time.Duration // the destination's own pause
	took    time.Duration
}

// attempt sends one request and judges the answer.
func (t *transport) attempt(r *http.Request, body []byte) answer {
	ctx, cancel := context.WithTimeout(t.ctx, t.f.opt.Timeout)
	defer cancel()
	// A request of our own: the client ends its after ten seconds.
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), bytes.NewReader(body))
	if err != nil {
		return answer{verdict: hopeless, text: t.secrets.Replace(err.Error())}
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Content-Length") // the body may be a part of the client's
	start := time.Now()
	res, err := t.http.RoundTrip(req)
	if err != nil {
		return t.unanswered(err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, answerBytes))
	_ = res.Body.Close() // what was to be read is read
	a := t.judge(res, text, err)
	a.took = time.Since(start)
	return a
}

// unanswered is the answer to a request that got none.
func (t *transport) unanswered(err error) answer {
	var address *AddressError
	if errors.As(err, &address) {
		return answer{verdict: hopeless, text: address.Error()}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", t.f.opt.Timeout)
	}
	return answer{text: t.secrets.Replace(err.Error())}
}

// judge decides what a status and a body mean. Only a whole body is a success: the one who sent it may have died over it.
func (t *transport) judge(res *http.Response, body []byte, err error) answer {
	a := answer{status: res.StatusCode, text: t.describe(res, body)}
	switch code := res.StatusCode; {
	case code < 300 && err != nil:
		a.text = "the answer was cut: " + t.secrets.Replace(err.Error())
	case code < 300:
		if a.verdict = taken; !complete(res, body) {
			a.verdict, a.text = again, "the answer was cut, or is no success: "+a.text
		}
	case code < 400:
		a.verdict = hopeless
		a.text += ": redirects are not followed; set the endpoint to where it should go"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		a.verdict = hopeless
		a.text += ": the write key is not accepted; check " + t.d.KeyFrom
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnprocessableEntity:
		a.verdict = refused
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code == http.StatusTooEarly, code == 460, code >= 500:
		a.after = retryAfter(res.Header, time.Now())
	default:
		a.verdict = hopeless
		a.text += ": check the endpoint " + t.d.Endpoint
	}
	return a
}

func (t *transport) describe(res *http.Response, body []byte) string {
	// The key goes before anything is cut: half of one would not be found.
	text := t.secrets.Replace(strings.ToValidUTF8(strings.ReplaceAll(string(body), "\x00", ""), ""))
	text = strings.Join(strings.Fields(text[:min(len(text), 8*answerKept)]), " ")
	text = strings.ToValidUTF8(text, "")
	if r := []rune(text); len(r) > answerKept {
		text = string(r[:answerKept]) + "..."
	}
	out := strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode)
	if text != "" {
		out += ": " + text
	}
	return out
}

// complete reports whether the body of a 2xx answer is a whole one that does not deny the success.
func complete(res *http.Response, body []byte) bool {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		// Without a length the end of the connection is the end of the body, wherever that is.
		return res.ContentLength == 0 || slices.Contains(res.TransferEncoding, "chunked") || res.ProtoMajor >= 2
	}
	if body[0] != '{' {
		return true
	}
	var said struct {
		Success *bool `json:"success"`
	}
	if json.Unmarshal(body, &said) != nil {
		return json.Valid(body) // success may be something else somewhere
	}
	return said.Success == nil || *said.Success
}

// retryAfter returns the pause that a destination asks for, 0 for none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	for _, p := range pauseHeaders {
		value := strings.TrimSpace(h.Get(p.name))
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
			return time.Duration(min(seconds, p.max.Seconds()) * float64(time.Second))
		}
		if at, err := http.ParseTime(value); err == nil {
			return min(max(at.Sub(now), 0), p.max)
		}
	}
	return 0
}

// batch is the body of a request.
type batch struct {
	MessageID json.RawMessage   `json:"messageId"`
	SentAt    json.RawMessage   `json:"sentAt"`
	Messages  []json.RawMessage `json:"batch"`
	Context   json.RawMessage   `json:"context"`
}

// split sends the halves of a batch that is not taken as it is. A single message that is refused is noted.
func (t *transport) split(r *http.Request, body []byte, a answer) error {
	var b batch
	if err := json.Unmarshal(body, &b); err != nil {
		return fmt.Errorf("take batch apart: %w", err)
	}
	if len(b.Messages) == 1 {
		return t.refuse(b.Messages[0], a)
	}
	middle := len(b.Messages) / 2
	for _, half := range [][]json.RawMessage{b.Messages[:middle], b.Messages[middle:]} {
		part := b
		part.Messages = half
		text, err := json.Marshal(part)
		if err != nil {
			return fmt.Errorf("take batch apart: %w", err)
		}
		if err := t.deliver(r, text); err != nil {
			return err
		}
	}
	return nil
}

func (t *transport) refuse(message json.RawMessage, a answer) error {
	var m struct {
		MessageID string `json:"messageId"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return fmt.Errorf("read refused message: %w", err)
	}
	t.mu.Lock()
	t.refusals++
	many := t.refusals >= refusalLimit && !t.accepted
	t.mu.Unlock()
	if many {
		err := &PausedError{Destination: t.d.Name, Reason: fmt.Sprintf("it has refused %d messages and taken none; the last answer was %s", refusalLimit, a.text)}
		t.stop(err)
		return err
	}
	t.waiting.Load().refused(m.MessageID, a.text, message)
	return nil
}

func (t *transport) noteTaken(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latencies[t.requests%len(t.latencies)] = took
	t.requests++
	t.problem, t.accepted, t.refusals, t.failing = "", true, 0, time.Time{}
}

// noteTrouble reports whether the destination is to be given up.
func (t *transport) noteTrouble(a answer) (giveUp bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problem = a.text
	if t.failing.IsZero() {
		t.failing = time.Now()
	}
	if t.f.opt.ends() && max(time.Since(t.failing), a.after) > t.f.opt.GiveUp {
		return true
	}
	if until := time.Now().Add(a.after); a.after > 0 && until.After(t.notBefore) {
		t.notBefore = until
	}
	return false
}

// busy reports whether a request is under way, or waits to be sent again.
func (t *transport) busy() bool { return len(t.slots) > 0 }

// trouble is why the last request failed; empty if it did not.
func (t *transport) trouble() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.problem
}

// latency is how long 95 of 100 of the last requests took at most; false if there were none.
func (t *transport) latency() (time.Duration, bool) {
	t.mu.Lock()
	last := slices.Clone(t.latencies[:min(t.requests, len(t.latencies))])
	t.mu.Unlock()
	if len(last) == 0 {
		return 0, false
	}
	slices.Sort(last)
	return last[(len(last)*95-1)/100], true
}
