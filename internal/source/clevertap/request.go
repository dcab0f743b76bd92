package clevertap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// begin asks for the cursor of a window.
func (c *Client) begin(ctx context.Context, w Window) (cursor string, err error) {
	body, err := json.Marshal(map[string]any{"event_name": w.Event, "from": w.Day.Number(), "to": w.Day.Number()})
	if err != nil {
		return "", fmt.Errorf("make request: %w", err)
	}
	query := url.Values{
		"batch_size": {strconv.Itoa(c.opts.BatchSize)},
		"app":        {"true"},
		"events":     {"false"}, // a summary of the user's events as of today: no part of this one
		"profile":    {strconv.FormatBool(!c.opts.NoProfile)},
	}
	a, err := c.ask(ctx, http.MethodPost, "/1/events.json?"+query.Encode(), body, newScanner(nowhere{}))
	if err != nil {
		return "", err
	}
	if a.cursor == "" {
		return "", &ReplyError{Status: http.StatusOK, Text: "there is no cursor in its answer", class: classFault}
	}
	return a.cursor, nil
}

// page asks for the page of a cursor. Its records go to the sink; what to keep of them is the caller's affair if there is an
// error.
func (c *Client) page(ctx context.Context, cursor string, to sink) (next string, err error) {
	a, err := c.ask(ctx, http.MethodGet, "/1/events.json?cursor="+untouched(cursor), nil, newScanner(to))
	if err != nil {
		return "", err
	}
	if !a.records && a.next != "" { // the last answer of an empty window has none either
		return "", &ReplyError{Status: http.StatusOK, Text: "there are no records in its answer, though more are announced", class: classFault}
	}
	return a.next, nil
}

// untouched returns a cursor as it came: it is percent-encoded already. Only what would break the request is encoded.
func untouched(cursor string) string {
	var b strings.Builder
	for _, c := range []byte(cursor) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>&", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// nowhere is a sink for answers that should have no records.
type nowhere struct{}

func (nowhere) record([]byte) error                 { return nil }
func (nowhere) large([]byte, int64, [32]byte) error { return nil }

// ask makes one request and reads its whole answer. An error is a *ReplyError unless it is ctx's or the sink's.
func (c *Client) ask(ctx context.Context, method, path string, body []byte, s *scanner) (answer, error) {
	resp, done, err := c.send(ctx, method, path, body) //nolint:bodyclose // done closes it
	if err != nil {
		return answer{}, err
	}
	defer done()
	if resp.StatusCode != http.StatusOK {
		return answer{}, c.refusal(resp)
	}
	if _, err := io.Copy(struct{ io.Writer }{s}, resp.Body); err != nil && s.err == nil {
		return answer{}, c.broken(ctx, err)
	}
	a, err := s.end()
	if err != nil {
		if !errors.Is(err, errAnswer) {
			return a, err // of the sink
		}
		return a, &ReplyError{Status: resp.StatusCode, class: classFault, err: err}
	}
	if class := a.class(); class != classNone {
		return a, &ReplyError{Status: resp.StatusCode, Code: a.code, Text: c.clean(a.text()), class: class}
	}
	return a, nil
}

// send starts a request once there is a slot for it. done gives the slot back; an answer that stands still is ended.
func (c *Client) send(ctx context.Context, method, path string, body []byte) (_ *http.Response, done func(), err error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	give := c.opts.Slot(ctx)
	asking, cancel := context.WithCancelCause(ctx)
	stalled := time.AfterFunc(c.opts.Timeout, func() { cancel(errStalled) })
	free := func() {
		stalled.Stop()
		cancel(nil)
		give()
		<-c.slots
	}
	req, err := http.NewRequestWithContext(asking, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		free()
		return nil, nil, &ReplyError{class: classBad, err: errors.New("make request: an odd cursor")}
	}
	req.Header["X-CleverTap-Account-Id"] = []string{c.opts.Account}
	req.Header["X-CleverTap-Passcode"] = []string{string(c.opts.Passcode)}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tapline")
	resp, err := c.http.Do(req)
	if err != nil {
		free()
		return nil, nil, c.broken(ctx, err)
	}
	resp.Body = &moving{resp.Body, stalled, c.opts.Timeout}
	return resp, func() {
		_ = resp.Body.Close() // nothing more is wanted of it
		free()
	}, nil
}

var errStalled = errors.New("the answer stands still")

// moving puts the end off with everything that is read.
type moving struct {
	io.ReadCloser
	end     *time.Timer
	timeout time.Duration
}

// Read implements io.Reader.
func (m *moving) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if n > 0 {
		m.end.Reset(m.timeout)
	}
	return n, err
}

// broken is the error of a connection. It never has the URL: cursors are long and say nothing.
func (c *Client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	if errors.Is(err, context.Canceled) {
		err = errStalled
	}
	return &ReplyError{class: classFault, Text: c.clean(fmt.Sprintf("read the answer: %v", err)), err: err}
}

// maxText is how much of what the API says is shown, in bytes.
const maxText = 300

// clean makes what the API says fit for people and logs.
func (c *Client) clean(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, string(c.opts.Passcode), "***"), "?")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
