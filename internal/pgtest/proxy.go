package pgtest

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/localpg"
)

// Proxy stands between clients and a server on loopback and breaks connections at chosen points. It understands enough
// of the protocol to know which statement a message executes.
type Proxy struct {
	cluster  *localpg.Cluster
	listener net.Listener
	wg       sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	sessions map[*session]struct{}
	rules    []*rule
	bytes    int64 // how many bytes from clients may still pass
	accepted int
	cuts     int
}

// rule cuts connections at a statement.
type rule struct {
	sql   *regexp.Regexp
	after bool
	times int
}

// NewProxy starts a proxy in front of a cluster. It ends with the test.
func NewProxy(t testing.TB, c *localpg.Cluster) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start proxy: %v", err)
	}
	p := &Proxy{cluster: c, listener: l, sessions: map[*session]struct{}{}, bytes: math.MaxInt64}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// DSN is the URL of a database by way of the proxy.
func (p *Proxy) DSN(t testing.TB, database string) string {
	t.Helper()
	u, err := p.target(database)
	if err != nil {
		t.Fatalf("proxy: %v", err)
	}
	u.Host = p.listener.Addr().String()
	return u.String()
}

// target is the server's own URL. It is asked for at each connection, since a restart may change the port.
func (p *Proxy) target(database string) (*url.URL, error) {
	dsn, err := p.cluster.TCPDSN(database)
	if err != nil {
		return nil, err
	}
	return url.Parse(dsn)
}

// CutAfter cuts the connections on which the next statements that contain sql are executed, after the server has done
// them and before a byte of its reply reaches the client: the client cannot know that they were done. sql is found in any
// case but only as whole words, so that "commit" is not found in "set local synchronous_commit". It happens that many
// times, on whichever connections. A COPY FROM STDIN is cut when the server asks for the data.
func (p *Proxy) CutAfter(sql string, times int) { p.add(sql, true, times) }

// CutBefore is CutAfter for statements that never reach the server.
func (p *Proxy) CutBefore(sql string, times int) { p.add(sql, false, times) }

func (p *Proxy) add(sql string, after bool, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	words := regexp.MustCompile(`(?i)(^|\W)` + regexp.QuoteMeta(sql) + `($|\W)`)
	p.rules = append(p.rules, &rule{sql: words, after: after, times: times})
}

// CutAfterBytes lets n more bytes from clients pass, counted over all connections, and then cuts the connection that
// sends the next. After that everything passes again.
func (p *Proxy) CutAfterBytes(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes = n
}

// CutAll cuts the connections that are open now.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.sessions {
		p.cuts++
		s.close()
	}
}

// Connections is how many connections were made, cancel requests included.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Cuts is how many connections were cut.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// match returns the rule that a statement about to be executed falls under, or nil, and uses it up.
func (p *Proxy) match(sql string) *rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		if r.times > 0 && r.sql.MatchString(sql) {
			r.times--
			return r
		}
	}
	return nil
}

// take returns how many of n bytes may pass.
func (p *Proxy) take(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if int64(n) <= p.bytes {
		p.bytes -= int64(n)
		return n
	}
	allowed := int(p.bytes)
	p.bytes = math.MaxInt64
	return allowed
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }() // may be cut already
	server, err := p.dial()
	if err != nil {
		return // to the client it is a lost connection, which is what a server that is down looks like
	}
	s := newSession(p, client, server)
	defer s.close()
	p.mu.Lock()
	p.accepted++
	closed := p.closed
	p.sessions[s] = struct{}{}
	p.mu.Unlock()
	if !closed {
		s.run()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, s)
}

func (p *Proxy) dial() (net.Conn, error) {
	u, err := p.target(localpg.Database)
	if err != nil {
		return nil, fmt.Errorf("dial server: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for s := range p.sessions {
		s.close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}
