package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// message is the body of a request. Slack, and those that speak as it does, show text.
type message struct {
	Text    string    `json:"text"`
	State   string    `json:"state"` // firing, resolved or test
	Kind    string    `json:"kind"`
	Key     string    `json:"key"`
	Message string    `json:"message"` // text as it is for people, without Slack's escapes
	Since   time.Time `json:"since"`
	Host    string    `json:"host"`
	Version string    `json:"version"`
	Details any       `json:"details,omitempty"`
}

// forSlack escapes what Slack takes for more than text: an error must not call a channel together.
func forSlack(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func (m *message) body() ([]byte, error) {
	mark := map[string]string{"firing": "🔴 ", "resolved": "🟢 "}[m.State]
	m.Text = mark + forSlack(m.Message)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encode alert: %w", err)
	}
	return b.Bytes(), nil
}

// attempts is how often a message is sent until it is taken.
const attempts = 3

// maxRetryAfter is the longest pause that a webhook can ask for.
const maxRetryAfter = 10 * time.Second

// post sends a message until it is taken. Its errors do not show the URL.
func (t *Teller) post(ctx context.Context, m *message) error {
	body, err := m.body()
	if err != nil {
		return err
	}
	pause := t.opt.Pause
	for n := 1; ; n++ {
		again, after, err := t.request(ctx, body)
		if err == nil || !again || n == attempts {
			return err
		}
		timer := time.NewTimer(max(pause, after))
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		pause *= 2
	}
}

// request sends a message once. again says that it may be taken the next time.
func (t *Teller) request(ctx context.Context, body []byte) (again bool, after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.opt.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url.String(), bytes.NewReader(body))
	if err != nil {
		return false, 0, errors.New("the webhook's URL is no https address")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "tapline")
	if t.url.User != nil {
		password, _ := t.url.User.Password()
		r.SetBasicAuth(t.url.User.Username(), password)
	}
	res, err := t.http.RoundTrip(r) // no redirects: they may lead anywhere
	if errors.Is(err, context.DeadlineExceeded) {
		return true, 0, fmt.Errorf("the webhook did not answer within %s", t.opt.Timeout)
	}
	if err != nil {
		return true, 0, fmt.Errorf("the webhook was not reached: %s", t.masked(err.Error()))
	}
	text, _ := io.ReadAll(io.LimitReader(res.Body, 500)) // only shown to people
	_ = res.Body.Close()
	if res.StatusCode < 300 {
		return false, 0, nil
	}
	err = fmt.Errorf("the webhook answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	if said := strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " "); said != "" {
		err = fmt.Errorf("%w: %s", err, t.masked(said))
	}
	again = res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusRequestTimeout || res.StatusCode >= 500
	if seconds, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && seconds > 0 {
		after = min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	return again, after, err
}

// masked hides the URL, and what of it is secret, in a text of others.
func (t *Teller) masked(s string) string {
	for _, secret := range []string{t.opt.URL, t.url.String(), strings.Trim(t.url.EscapedPath(), "/"), t.url.RawQuery} {
		if len(secret) > 3 {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return s
}
