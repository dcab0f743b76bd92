// Package alert tells people by a webhook that something is wrong, once, and that it is over. What was told is in the
// control schema, so that several processes tell it once, and one that starts anew knows it.
//
// Read it top to bottom: alert.go decides what is to be told; webhook.go tells it; check.go looks for what may be wrong.
package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/outward"
	"github.com/tapline/tapline/migrations"
)

// Kinds of alerts.
const (
	JobFailed  = "job_failed"
	JobOverdue = "job_overdue"
	TableStale = "table_stale"
	Quarantine = "quarantine_rate"
)

// Condition is one thing that may be wrong, as it is now.
type Condition struct {
	Key     string `json:"key"` // what it is about, such as job/hourly_files
	Kind    string `json:"kind"`
	Firing  bool   `json:"firing"` // it is wrong
	Text    string `json:"text"`
	Details any    `json:"details,omitempty"`
}

// Options are the settings of a Teller.
type Options struct {
	// URL is the webhook's. It is a secret: it is in no error and no log.
	URL string
	// AllowHTTP allows a URL without TLS, AllowPrivate one that leads to this machine or to a private network.
	AllowHTTP, AllowPrivate bool
	// Cooldown is how long nothing is told again that goes on being wrong. Defaults to 4 h.
	Cooldown time.Duration
	// Timeout is how long one request may take. Defaults to 10 s. There are three, a Pause and two apart; that defaults to 1 s.
	Timeout, Pause time.Duration
	// Version is the program's. Host defaults to the machine's name.
	Version, Host string
	// Logger defaults to none.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Cooldown <= 0 {
		o.Cooldown = 4 * time.Hour
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Pause <= 0 {
		o.Pause = time.Second
	}
	if o.Host == "" {
		o.Host, _ = os.Hostname() // its name is for people
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Teller tells conditions. Its methods may be called by several goroutines.
type Teller struct {
	pool *pgxpool.Pool
	opt  Options
	url  *url.URL
	http *http.Transport
}

// New returns a Teller on a database whose control schema is up to date. The pool stays the caller's. Close the Teller
// after use.
func New(pool *pgxpool.Pool, o Options) (*Teller, error) {
	o = o.withDefaults()
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the webhook's URL is no https address") // url's own error would show it
	case u.Scheme == "http" && !o.AllowHTTP:
		return nil, errors.New("the webhook's URL has no TLS, and would be readable to everybody on the way: use https, or set allow_http")
	}
	return &Teller{pool: pool, opt: o, url: u, http: outward.Transport(o.AllowPrivate, 2)}, nil
}

// Close ends the connections.
func (t *Teller) Close() { t.http.CloseIdleConnections() }

const alertsTable = `"` + migrations.ControlSchema + `"."alerts"`

// Tell tells a condition if it is wrong and was not told, or the last time is a Cooldown ago, or if it is over and was
// told. It reports whether it was told by this call. The error says why it could not be; it is to be told again then.
func (t *Teller) Tell(ctx context.Context, c Condition) (bool, error) {
	if err := t.note(ctx, &c); err != nil {
		return false, err
	}
	m, err := t.claim(ctx, &c)
	if err != nil || m == nil {
		return false, err
	}
	sent := t.post(ctx, m)
	if err := t.settle(ctx, m, sent == nil); err != nil {
		return sent == nil, errors.Join(sent, err)
	}
	return sent == nil, sent
}

// note writes down how a condition is. What is right and was never wrong has no row.
func (t *Teller) note(ctx context.Context, c *Condition) error {
	var err error
	if c.Firing {
		_, err = t.pool.Exec(ctx, `insert into `+alertsTable+` as a (key, kind, state, text) values ($1, $2, 'firing', $3)
			on conflict (key) do update set state = 'firing', text = excluded.text, kind = excluded.kind,
			since = case when a.state = 'firing' then a.since else now() end`, c.Key, c.Kind, c.Text)
	} else {
		_, err = t.pool.Exec(ctx, `update `+alertsTable+` set state = 'resolved', text = $2, since = now() where key = $1 and state = 'firing'`, c.Key, c.Text)
	}
	if err != nil {
		return fmt.Errorf("note alert %s: %w", c.Key, err)
	}
	return nil
}

// claimFor is how long a process that tries to tell something keeps others from it: longer than it tries.
const claimFor = 5 * time.Minute

// claim returns the message to be told, if there is one and nobody else tells it at the moment. A process that dies over
// it leaves it to others when the claim ends.
func (t *Teller) claim(ctx context.Context, c *Condition) (*message, error) {
	m := message{Kind: c.Kind, Key: c.Key, Host: t.opt.Host, Version: t.opt.Version, Details: c.Details}
	err := t.pool.QueryRow(ctx, `update `+alertsTable+` set claimed_until = clock_timestamp() + $2
		where key = $1 and (claimed_until is null or claimed_until < clock_timestamp())
			and (state = 'firing' and (told_state is distinct from 'firing' or told_at < clock_timestamp() - $3::interval)
				or state = 'resolved' and told_state = 'firing')
		returning state, text, since`, c.Key, claimFor, t.opt.Cooldown).Scan(&m.State, &m.Message, &m.Since)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // there is nothing to be told
	}
	if err != nil {
		return nil, fmt.Errorf("claim alert %s: %w", c.Key, err)
	}
	return &m, nil
}

// settle notes what was told, and gives the claim back.
func (t *Teller) settle(ctx context.Context, m *message, told bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err := t.pool.Exec(ctx, `update `+alertsTable+` set claimed_until = null, told_state = case when $2 then $3 else told_state end,
		told_at = case when $2 then clock_timestamp() else told_at end where key = $1`, m.Key, told, m.State)
	if err != nil {
		return fmt.Errorf("note what was told of %s: %w", m.Key, err)
	}
	return nil
}

// Test tells that there is nothing wrong, and notes nothing.
func (t *Teller) Test(ctx context.Context) error {
	return t.post(ctx, &message{
		State: "test", Kind: "test", Key: "test", Since: time.Now(), Host: t.opt.Host, Version: t.opt.Version,
		Message: "This is a test of Tapline's alerts, sent by tapline alerts test on " + t.opt.Host + ".",
	})
}
