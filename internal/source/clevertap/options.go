// Package clevertap reads CleverTap's Get Events API. A unit is a window: one event on one day of the project's time zone,
// which may be read again as often as wanted, because equal records get equal ids (rules 25 and 33).
//
// A window is read whole into a spool before it is yielded: at most 256 KiB of it are in memory, the rest in a temporary file
// without a name. So a cursor never waits for Postgres, a window that has to start again has stored nothing, and a unit that
// is rolled back is read from the spool.
package clevertap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// MaxRequests is how many requests an account may have under way at once.
const MaxRequests = 3

// DefaultBatchSize is how many records a page is asked to have, and the most that may be asked for.
const DefaultBatchSize = 5000

// Passcode is an account's secret. It prints as ***, whatever prints it.
type Passcode string

// String implements fmt.Stringer.
func (Passcode) String() string { return "***" }

// GoString implements fmt.GoStringer.
func (Passcode) GoString() string { return `"***"` }

// MarshalText implements encoding.TextMarshaler.
func (Passcode) MarshalText() ([]byte, error) { return []byte("***"), nil }

// LogValue implements slog.LogValuer.
func (Passcode) LogValue() slog.Value { return slog.StringValue("***") }

// Options say how to reach an account. Account, Passcode and one of Region and Endpoint are required.
type Options struct {
	Account  string
	Passcode Passcode
	// Region is one of Regions.
	Region string
	// Endpoint is a URL in place of the region's, such as that of a proxy. Without TLS it has to be on this machine.
	Endpoint string
	// BatchSize is how many records a page may have. Defaults to DefaultBatchSize.
	BatchSize int
	// NoProfile leaves out the custom profile properties, which are today's, not the event's.
	NoProfile bool
	// PollWait is the first wait for an answer that is not ready, MinWait the first one after a fault or when there are too
	// many requests. Both grow up to MaxWait. They default to a quarter of a second, five and sixty seconds; a quarter is left to chance.
	PollWait, MinWait, MaxWait time.Duration
	// Patience is how long one request may be repeated before its window fails. Defaults to 30 minutes.
	Patience time.Duration
	// Timeout is how long an answer may make no progress. Defaults to a minute.
	Timeout time.Duration
	// Slot waits until a request may be made, for the sake of others that ask the same account, and returns what ends it. It is called
	// for at most MaxRequests at once. Defaults to no waiting.
	Slot func(ctx context.Context) (give func())
	// Logger gets what is repeated and why. Defaults to none.
	Logger *slog.Logger
}

// Regions are the names of CleverTap's regions. eu1 is the default one of the dashboard. That sk1 has an API host of this
// name is not documented.
func Regions() []string { return []string{"eu1", "in1", "sg1", "us1", "aps3", "mec1", "sk1"} }

// OptionError says which option is wrong and what it may be. The value of a passcode is never part of it.
type OptionError struct{ Option, Problem, Hint string }

// Error returns option, problem and hint in one line.
func (e *OptionError) Error() string { return e.Option + ": " + e.Problem + ": " + e.Hint }

// Client asks one account's API. It may be used by several goroutines, and has at most MaxRequests requests under way.
type Client struct {
	opts  Options
	base  string
	http  *http.Client
	slots chan struct{}
}

// New returns a client. It does not connect. The error is an *OptionError.
func New(o Options) (*Client, error) {
	switch {
	case strings.TrimSpace(o.Account) == "":
		return nil, &OptionError{"account", "no CleverTap account id", "it is on the dashboard's settings page"}
	case o.Passcode == "":
		return nil, &OptionError{"passcode", "no passcode of the account", "name the environment variable or the file that has it"}
	case !headerText(o.Account) || !headerText(string(o.Passcode)):
		return nil, &OptionError{"account, passcode", "a character that cannot be in a header", "look for line ends and quotes around them"}
	case o.BatchSize < 0 || o.BatchSize > DefaultBatchSize:
		return nil, &OptionError{"batch_size", fmt.Sprintf("%d is not from 1 to %d", o.BatchSize, DefaultBatchSize), "leave it out for the largest"}
	}
	base, err := endpoint(o.Region, o.Endpoint)
	if err != nil {
		return nil, err
	}
	o.setDefaults()
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // net/http says so
	transport.MaxIdleConnsPerHost = MaxRequests
	transport.ResponseHeaderTimeout = o.Timeout
	return &Client{
		opts: o, base: base, slots: make(chan struct{}, MaxRequests),
		http: &http.Client{
			Transport: transport,
			// A redirect would take the passcode to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close closes connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Account is the account's id.
func (c *Client) Account() string { return c.opts.Account }

func (o *Options) setDefaults() {
	defaults := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	defaults(&o.PollWait, time.Second/4)
	defaults(&o.MinWait, 5*time.Second)
	defaults(&o.MaxWait, time.Minute)
	defaults(&o.Patience, 30*time.Minute)
	defaults(&o.Timeout, time.Minute)
	if o.BatchSize == 0 {
		o.BatchSize = DefaultBatchSize
	}
	if o.Slot == nil {
		o.Slot = func(context.Context) func() { return func() {} }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

func headerText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// endpoint returns the URL that paths are appended to.
func endpoint(region, given string) (string, error) {
	if given == "" {
		if !slices.Contains(Regions(), region) {
			return "", &OptionError{"region", fmt.Sprintf("%q is no region", region), "use one of " + strings.Join(Regions(), ", ")}
		}
		return "https://" + region + ".api.clevertap.com", nil
	}
	u, err := url.Parse(given)
	switch {
	case err != nil:
		var why *url.Error
		if errors.As(err, &why) {
			err = why.Err
		}
		return "", &OptionError{"endpoint", err.Error(), "use a URL such as https://proxy.example.com"}
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", &OptionError{"endpoint", "not the URL of a host alone", "use a URL such as https://proxy.example.com"}
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return strings.TrimRight(u.String(), "/"), nil
	}
	return "", &OptionError{"endpoint", "the passcode would travel without encryption", "use https"}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
