package federate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/analytics-go/v3"
	"golang.org/x/time/rate"
)

// Batches of the client. It counts no commas, so that it may go some bytes above the limit: see transport.split.
const (
	batchEvents = 500
	batchBytes  = 500_000
)

// outstandingBytes is how much of messages may be on their way, by the size of their rows: two full batches for each
// request, since the last one may wait for more.
const outstandingBytes = 2 * batchBytes

// sender hands the messages of a session to analytics-go.
type sender struct {
	f         *Federator
	d         *Destination
	key       string
	transport *transport
	builder   builder
	limit     *rate.Limiter // nil for none
}

func newSender(ctx context.Context, f *Federator, d *Destination, key string, stop context.CancelCauseFunc) *sender {
	s := &sender{f: f, d: d, key: key, transport: newTransport(ctx, f, d, key, stop)}
	s.builder = builder{source: cmp.Or(d.Settings.IDSource, d.Source), integrations: d.Settings.Integrations, sample: d.Settings.Sample}
	if r := d.Settings.Rate; r > 0 {
		s.limit = rate.NewLimiter(rate.Limit(r), max(1, int(r/10)))
	}
	return s
}

func (s *sender) close() { s.transport.close() }

// part is what of a piece is sent before the cursor moves.
type part struct {
	sent, filtered int64
	undelivered    []Undelivered
	delivered      []string // ids of what has arrived; only if somebody asks for them
	end            position
	last           bool // the piece is done
}

// part sends the next rows of a piece: limit of them if the cursor can stand between two, else all. When it returns
// without an error, each has arrived or is in undelivered.
func (s *sender) part(ctx context.Context, p *piece, limit int) (*part, error) {
	w := newWaiting(s.f.opt.InFlight, s.transport.stop)
	w.collect = s.f.opt.replays()
	s.transport.waiting.Store(w)
	client, err := analytics.NewWithConfig(s.key, analytics.Config{
		Endpoint:  s.d.Endpoint,
		Interval:  time.Second,
		BatchSize: batchEvents,
		Transport: s.transport,
		Logger:    silent{},
		Callback:  w,
		// The transport tries again by itself and fails only when the session ends: then Close makes an end to this.
		RetryAfter: func(int) time.Duration { return time.Hour },
	})
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	stop := context.AfterFunc(ctx, w.stop)
	watched, unwatch := context.WithCancel(ctx)
	go w.watch(watched, s.f.opt.Timeout, s.transport.busy)
	out, err := s.enqueue(ctx, client, w, p, limit)
	if err != nil {
		s.transport.stop(err) // else what is under way would be tried again for as long as the destination is down
	}
	closeErr := closeClient(ctx, client)
	unwatch()
	stop()
	if err = errors.Join(err, closeErr); err != nil {
		return nil, err
	}
	if err := w.result(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	out.undelivered, out.delivered = w.undelivered, w.delivered
	out.sent -= int64(len(w.undelivered))
	return out, nil
}

// errSilent says that the client owes answers and does nothing.
var errSilent = errors.New("the client has fallen silent")

// closeClient sends what is left and returns when all callbacks were called. A client that does not end although it cannot
// wait for anything any more is left behind; the messages it has are sent again.
func closeClient(ctx context.Context, client analytics.Client) error {
	closed := make(chan error, 1)
	go func() { closed <- client.Close() }()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case err := <-closed:
		return err
	case <-timer.C:
		return errSilent
	}
}

func (s *sender) enqueue(ctx context.Context, client analytics.Client, w *waiting, p *piece, limit int) (*part, error) {
	out := &part{end: p.end}
	columns := func(i int) int { return len(p.tables.list[i].columns) }
	var values [][]byte
	var last row
	rows := 0
	lastTable := ""
	for p.spool.rows > 0 {
		if p.ordered && rows == limit {
			p.start.partRows += int64(rows)
			out.end = position{seq: p.before(), table: lastTable, row: last.id, partRows: p.start.partRows}
			return out, nil
		}
		rows++
		var i int
		var err error
		if i, values, err = p.spool.next(columns, values); err != nil {
			return nil, err
		}
		t := &p.tables.list[i]
		r := row{}
		if err := s.builder.fill(&r, t, values); err != nil {
			return nil, fmt.Errorf("row of %s: %w", t.name, err)
		}
		last, lastTable = row{id: r.id}, t.name
		if !s.builder.sampled(&r) {
			out.filtered++
			continue
		}
		out.sent++
		size := 200
		for _, v := range values {
			size += len(v) + 16
		}
		if err := s.one(ctx, client, w, t, &r, size); err != nil {
			return nil, err
		}
	}
	out.last = true
	if p.end.table == "" && !s.f.opt.replays() {
		// What the filters kept from being read was left out as well.
		out.filtered += max(0, p.rows()-p.start.partRows-int64(rows))
	}
	return out, nil
}

// one hands on one message.
func (s *sender) one(ctx context.Context, client analytics.Client, w *waiting, t *table, r *row, size int) error {
	if s.limit != nil {
		if err := s.limit.Wait(ctx); err != nil {
			return err
		}
	}
	if err := w.add(ctx, entry{table: t.name, row: r.id, size: size}, r.messageID); err != nil {
		return err
	}
	m := s.builder.message(r, t.call)
	err := client.Enqueue(m)
	var field analytics.FieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &field):
		// No call can be made of the row, such as one without a user in a schema that somebody else made.
		w.reject(r.messageID, "invalid", field.Name+" is missing", encode(m))
		return nil
	}
	return fmt.Errorf("hand on message: %w", err)
}

func encode(m analytics.Message) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

// silent is the client's logger: what it prints are whole messages.
type silent struct{}

// Logf implements analytics.Logger.
func (silent) Logf(string, ...any) {}

// Errorf implements analytics.Logger.
func (silent) Errorf(string, ...any) {}
