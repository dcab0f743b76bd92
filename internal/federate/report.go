package federate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/segmentio/analytics-go/v3"
)

// report reads how a destination does.
func (f *Federator) report(ctx context.Context, d *Destination) (Report, error) {
	r := Report{Destination: *d, Undelivered: map[string]int64{}}
	var p95 *float64
	var sent, leased, since *time.Time
	var done int64
	err := f.pool.QueryRow(ctx, "select seq, part_rows, delivered, filtered, latency_p95, sent_at, "+
		"case when lease_until > clock_timestamp() then lease_until end from "+cursors+" where destination = $1", d.Name).
		Scan(&r.Seq, &done, &r.Delivered, &r.Filtered, &p95, &sent, &leased)
	if err != nil {
		return r, fmt.Errorf("read cursor: %w", err)
	}
	src, err := readSource(ctx, f.pool, d.Source)
	if err != nil {
		return r, err
	}
	if there, err := isThere(ctx, f.pool, src.schema); err != nil || !there {
		return r, err
	}
	err = f.pool.QueryRow(ctx, "select coalesce(sum(rows), 0)::bigint, min(finished_at) from "+pgx.Identifier{src.schema, "_loads"}.Sanitize()+
		" where seq > $1 and status = 'finished' and rows > 0", r.Seq).Scan(&r.Pending, &since)
	if err != nil {
		return r, fmt.Errorf("count pending rows: %w", err)
	}
	r.Pending = max(0, r.Pending-done)
	if p95 != nil {
		r.LatencyP95 = time.Duration(*p95 * float64(time.Second))
	}
	for at, from := range map[*time.Time]*time.Time{&r.LastSent: sent, &r.Leased: leased, &r.PendingSince: since} {
		if from != nil {
			*at = *from
		}
	}
	return r, f.reportUndelivered(ctx, d, &r)
}

func (f *Federator) reportUndelivered(ctx context.Context, d *Destination, r *Report) error {
	rows, err := f.pool.Query(ctx, "select reason, count(*) from "+undelivered+" where destination = $1 group by 1", d.Name)
	if err != nil {
		return fmt.Errorf("count undelivered messages: %w", err)
	}
	var reason string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&reason, &n}, func() error {
		r.Undelivered[reason] = n
		return nil
	})
	if err != nil {
		return fmt.Errorf("count undelivered messages: %w", err)
	}
	last, err := ListUndelivered(ctx, f.pool, d.Name, 1)
	if err == nil && len(last) > 0 {
		r.Sample = &last[0]
	}
	return err
}

// once is a transport that sends a request once and keeps what came of it.
type once struct {
	*transport
	last answer
}

// RoundTrip implements http.RoundTripper. To the client every answer is a success, so that it does not try again.
func (o *once) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	o.last = o.attempt(r, body)
	return done(r), nil
}

func (f *Federator) test(ctx context.Context, d *Destination) (TestResult, error) {
	s := session{f: f}
	src, err := readSource(ctx, f.pool, d.Source)
	if err == nil {
		err = s.permitted(d, src.region)
	}
	if err != nil {
		return TestResult{}, err
	}
	key, err := f.opt.Key(ctx, d.KeyFrom)
	if err != nil {
		return TestResult{}, fmt.Errorf("destination %s: %w", d.Name, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t := newTransport(ctx, f, d, key, cancel)
	defer t.close()
	a, err := t.probe(key)
	if err != nil {
		return TestResult{}, err
	}
	r := TestResult{OK: a.verdict == taken, Status: a.status, Body: a.text, Took: a.took}
	if !r.OK {
		r.Message = a.text
	}
	return r, nil
}

// probe sends one event with the client and returns the answer.
func (t *transport) probe(key string) (answer, error) {
	p := &once{transport: t}
	client, err := analytics.NewWithConfig(key, analytics.Config{
		Endpoint: t.d.Endpoint, Transport: p, Logger: silent{}, RetryAfter: func(int) time.Duration { return time.Hour },
	})
	if err != nil {
		return answer{}, fmt.Errorf("make client: %w", err)
	}
	err = client.Enqueue(analytics.Track{
		MessageId: uuid.NewString(), UserId: "tapline-test", Event: "Tapline Destination Tested", Timestamp: time.Now().UTC(),
		Integrations: t.d.Settings.Integrations,
	})
	err = errors.Join(err, client.Close())
	return p.last, err
}
