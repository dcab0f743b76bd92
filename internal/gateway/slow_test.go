package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/source/ingest"
)

// dial opens a connection and sends what it is given.
func (d *door) dial(t *testing.T, send string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, send); err != nil {
		t.Fatal(err)
	}
	return c
}

// head is the head of a request with a body of n bytes.
func head(n int) string {
	return fmt.Sprintf("POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n", basic(goodKey), n)
}

// answerOn reads an answer from a connection.
func answerOn(t *testing.T, from *bufio.Reader) reply {
	t.Helper()
	res, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// closed waits until the server closes a connection.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); err != nil && isTimeout(err) {
		t.Errorf("the connection stays open: %v", err)
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// A client that keeps the server waiting, wherever in the request it stops, loses its connection.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{BodyIdle: 50 * time.Millisecond, BodyTimeout: time.Hour},
		gateway.ServeOptions{HeaderTimeout: 100 * time.Millisecond, IdleTimeout: 100 * time.Millisecond})
	dripping := open(t, gateway.Config{BodyTimeout: 300 * time.Millisecond}, gateway.ServeOptions{})
	for name, send := range map[string]string{
		"nothing":         "",
		"half a head":     "POST /v1/track HTTP/1.1\r\nHost: x\r\nX-A: ",
		"idle":            head(len(aCall)) + aCall,
		"unread, no key":  "POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: " + basic("nope") + "\r\nContent-Length: 1000\r\n\r\n{",
		"chunk, no end":   "POST /v1/track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
		"head, no body":   head(10),
		"half of a body":  head(len(aCall)) + aCall[:5],
		"body of nowhere": "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed(t, d.dial(t, send))
		})
	}
	t.Run("answer", func(t *testing.T) {
		t.Parallel()
		got := answerOn(t, bufio.NewReader(d.dial(t, head(len(aCall))+aCall[:5])))
		if got.status != http.StatusRequestTimeout || got.code() != "body_timeout" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("byte by byte", func(t *testing.T) {
		t.Parallel()
		c := dripping.dial(t, head(100_000))
		go func() { // never idle, and never done
			for {
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
		got := answerOn(t, bufio.NewReader(c))
		if got.status != http.StatusRequestTimeout {
			t.Errorf("got %+v", got)
		}
	})
}

// A client that goes away before its body is whole has sent nothing.
func TestCutBodies(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	whole := `{"batch":[` + aCall + `]}`
	for _, send := range []string{
		head(len(whole)+1) + whole,
		head(len(whole)) + whole[:10],
		strings.Replace(head(0), "Content-Length: 0", "Transfer-Encoding: chunked", 1) + fmt.Sprintf("%x\r\n%s\r\n", len(whole), whole),
		strings.Replace(head(0), "Content-Length: 0", "Transfer-Encoding: chunked", 1) + "zz\r\n" + whole,
	} {
		c := d.dial(t, send)
		_ = c.(*net.TCPConn).CloseWrite()
		got := answerOn(t, bufio.NewReader(c))
		if got.status != http.StatusBadRequest || got.code() != "body_cut" {
			t.Errorf("%.20q: got %+v", send, got)
		}
	}
	if taken := d.intake.taken(); len(taken) != 0 {
		t.Errorf("taken: %+v", taken)
	}
}

// What comes behind a body is the next request, whether or not the first was refused.
func TestPipelinedRequests(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	bad := "{" + strings.Repeat(" ", len(aCall)-1)
	c := d.dial(t, head(len(aCall))+aCall+head(len(bad))+bad+head(len(aCall))+aCall)
	from := bufio.NewReader(c)
	for i, want := range []int{200, 400, 200} {
		if got := answerOn(t, from); got.status != want {
			t.Errorf("answer %d: got %+v, want %d", i, got, want)
		}
	}
}

// A large body is read though it is refused unseen: a client that is cut off while it sends does not hear why, nor when to
// come again.
func TestRefusedClientHearsWhy(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	large := batchOf(500_000)
	refused := strings.Replace(head(len(large)), basic(goodKey), basic("nope"), 1)
	c := d.dial(t, refused+large+head(len(aCall))+aCall)
	from := bufio.NewReader(c)
	for i, want := range []int{401, 200} {
		if got := answerOn(t, from); got.status != want {
			t.Errorf("answer %d: got %+v, want %d", i, got, want)
		}
	}
}

// Who asks first is told before the body is sent.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	ask := func(key string, n int) *bufio.Reader {
		h := strings.Replace(head(n), basic(goodKey), basic(key)+"\r\nExpect: 100-continue", 1)
		return bufio.NewReader(d.dial(t, h))
	}
	if got := answerOn(t, ask(goodKey, 10)); got.status != http.StatusContinue {
		t.Errorf("good: got %+v", got)
	}
	if got := answerOn(t, ask("nope", 10)); got.status != http.StatusUnauthorized {
		t.Errorf("unknown key: got %+v", got)
	}
	if got := answerOn(t, ask(goodKey, 2_000_000)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("far too large: got %+v", got)
	}
}

func TestHeadersAreLimited(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	got := d.post(t, "/v1/track", aCall, "X-Long", strings.Repeat("x", 8<<10))
	if got.status != http.StatusOK {
		t.Errorf("8 KiB: got %+v", got)
	}
	d.intake.taken()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/v1/track", strings.NewReader(aCall))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", basic(goodKey))
	req.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	if res, err := d.client.Do(req); err == nil { // else it was cut while it sent
		res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("64 KiB: got %s", res.Status)
		}
	}
	if taken := d.intake.taken(); len(taken) != 0 {
		t.Errorf("taken: %+v", taken)
	}
}

// A client that does not wait for the answer was promised nothing, and the Intake learns that nobody waits.
func TestClientThatDoesNotWait(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}), make(chan error, 1)
	in := &intake{before: func(ctx context.Context, _ *ingest.Request) error {
		close(entered)
		<-ctx.Done()
		left <- ctx.Err()
		return ctx.Err()
	}}
	// Much less than the Intake takes: what ends the body's time must not end the request.
	d := open(t, gateway.Config{Intake: in, BodyIdle: time.Millisecond, BodyTimeout: time.Millisecond, AppendTimeout: patience}, gateway.ServeOptions{})
	var c net.Conn
	for sent := false; !sent; {
		c = d.dial(t, head(len(aCall))+aCall)
		answered := make(chan struct{})
		go func() {
			_, _ = c.Read(make([]byte, 1)) // 408, where the machine was slower than a millisecond
			close(answered)
		}()
		select {
		case <-entered:
			sent = true
		case <-answered:
		}
	}
	select {
	case err := <-left:
		t.Fatalf("the Intake was left although the client waits: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	c.Close()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestIntakeThatTakesTooLong(t *testing.T) {
	t.Parallel()
	in := &intake{before: func(ctx context.Context, _ *ingest.Request) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	d := open(t, gateway.Config{Intake: in, AppendTimeout: time.Millisecond}, gateway.ServeOptions{})
	got := d.post(t, "/v1/track", aCall)
	if got.status != http.StatusServiceUnavailable || got.code() != "unavailable" || got.header.Get("Retry-After") == "" {
		t.Errorf("got %+v", got)
	}
}
