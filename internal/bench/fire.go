package bench

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Firing is what a load generator is to do. It is an open loop: each request has its time, whatever became of those before.
type Firing struct {
	// Address is host:port, Key the write key.
	Address, Key string
	// Rate is how many events a second, PerRequest how many in a request; their product with 600 bytes is the load.
	Rate, PerRequest int
	Duration         time.Duration
	// Connections is how many requests can be at work at once. One that finds none free is sent late, and counted.
	Connections int
	// Taken is a file that gets the number of each request that was answered 200, one a line. Defaults to none.
	Taken string
}

// Fired is what came of it.
type Fired struct {
	Requests int64            `json:"requests"`
	Answers  map[string]int64 `json:"answers"` // by status; "failed" without one
	// Late is how many requests were sent more than 5 ms after their time.
	Late    int64   `json:"late_requests"`
	Seconds float64 `json:"seconds"`
	// P50 and P99 are from the time at which a request was due to its answer, of those that were answered 200, in
	// milliseconds; Max the longest.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	// CPU is the generator's own, in seconds.
	CPU float64 `json:"generator_cpu_seconds"`
}

// eventBytes is the size of each event.
const eventBytes = 600

// lateAfter is from when on a request counts as sent late.
const lateAfter = 5 * time.Millisecond

// firstRequest keeps the number of a request at eight digits.
const firstRequest = 10_000_000

// Fire sends the requests.
func Fire(ctx context.Context, f Firing) (*Fired, error) {
	total := int64(f.Duration.Seconds() * float64(f.Rate) / float64(f.PerRequest))
	if total < 1 || total > firstRequest || f.Connections < 1 {
		return nil, fmt.Errorf("%d requests over %d connections: give a rate and a time between", total, f.Connections)
	}
	g := &gun{
		Firing: f, total: total, every: time.Duration(float64(time.Second) * float64(f.PerRequest) / float64(f.Rate)),
		start: time.Now().Add(200 * time.Millisecond), answers: map[string]int64{},
	}
	var wg sync.WaitGroup
	for range f.Connections {
		wg.Go(func() { g.work(ctx) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := &Fired{
		Requests: total, Answers: g.answers, Late: g.late, Seconds: time.Since(g.start).Seconds(), CPU: processCPU(),
		P50: percentile(g.took, 0.50), P99: percentile(g.took, 0.99), Max: percentile(g.took, 1),
	}
	return out, g.writeTaken()
}

// gun is one Fire.
type gun struct {
	Firing
	total int64
	every time.Duration
	start time.Time
	next  atomic.Int64

	mu      sync.Mutex
	answers map[string]int64
	took    []float64 // ms
	taken   []int64
	late    int64
}

// work is one connection: it takes the next request that nobody has, waits for its time, and sends it.
func (g *gun) work(ctx context.Context) {
	c := &barrel{address: g.Address}
	defer c.close()
	shot := newShot(g.Key, g.PerRequest)
	for ctx.Err() == nil {
		i := g.next.Add(1) - 1
		if i >= g.total {
			return
		}
		due := g.start.Add(time.Duration(i) * g.every)
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		}
		late := time.Since(due) > lateAfter
		shot.number(firstRequest + i)
		answer := c.send(shot.bytes)
		took := time.Since(due)
		g.mu.Lock()
		g.answers[answer]++
		if late {
			g.late++
		}
		if answer == "200" {
			g.took = append(g.took, float64(took.Microseconds())/1000)
			g.taken = append(g.taken, firstRequest+i)
		}
		g.mu.Unlock()
	}
}

func (g *gun) writeTaken() error {
	if g.Taken == "" {
		return nil
	}
	var b strings.Builder
	for _, n := range g.taken {
		b.WriteString(strconv.FormatInt(n, 10) + "\n")
	}
	return os.WriteFile(g.Taken, []byte(b.String()), 0o600)
}

// percentile sorts values.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(p*float64(len(values))))]
}

// shot is a request that is made once and then only gets another number: the generator is to cost little.
type shot struct {
	bytes []byte
	at    []int // where its number is
}

const placeholder = "00000000"

func newShot(key string, events int) *shot {
	var body strings.Builder
	body.WriteString(`{"batch":[`)
	for i := range events {
		if i > 0 {
			body.WriteByte(',')
		}
		event := fmt.Sprintf(`{"type":"track","messageId":"bench-%s-%04d","event":"Bench Event","userId":"user-%06d","timestamp":"2026-01-15T10:00:00.000Z","properties":{`+
			`"request":%s,"CT Source":"Mobile","ct_session_id":1736935200,"campaign_id":"1600000000","campaign_name":"Spring Sale","amount":%d.25,"currency":"INR","quantity":%d,"first":true,"note":"`,
			placeholder, i, i*7919%1_000_000, placeholder, i, i%9)
		body.WriteString(event + strings.Repeat("x", max(0, eventBytes-len(event)-3)) + `"}}`)
	}
	body.WriteString(`]}`)
	text := "POST /v1/batch HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte(key+":")) + "\r\nContent-Length: " + strconv.Itoa(body.Len()) + "\r\n\r\n" + body.String()
	s := &shot{bytes: []byte(text)}
	for at := strings.Index(text, placeholder); at >= 0; {
		s.at = append(s.at, at)
		next := strings.Index(text[at+len(placeholder):], placeholder)
		if next < 0 {
			break
		}
		at += len(placeholder) + next
	}
	return s
}

// number gives the request, and each event in it, another number of eight digits.
func (s *shot) number(n int64) {
	digits := strconv.FormatInt(n, 10)
	for _, at := range s.at {
		copy(s.bytes[at:], digits)
	}
}

// barrel is a connection that is made again when it is lost.
type barrel struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

// answerTime is how long an answer may take.
const answerTime = time.Minute

// send returns the status of the answer, or "failed".
func (c *barrel) send(request []byte) string {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, 10*time.Second)
		if err != nil {
			return "failed"
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	status, err := c.exchange(request)
	if err != nil {
		c.close()
		return "failed"
	}
	return status
}

func (c *barrel) exchange(request []byte) (string, error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return "", err
	}
	// A server may answer before it has read everything, and close.
	_, wrong := c.conn.Write(request)
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return "", errors.Join(wrong, err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return "", err
	}
	if res.Close || wrong != nil {
		c.close()
	}
	return strconv.Itoa(res.StatusCode), nil
}

func (c *barrel) close() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing is to be said to it any more
		c.conn = nil
	}
}
