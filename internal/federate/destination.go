package federate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB is what this package needs of a pool, a connection or a transaction of pgx.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Regions of Segment, and the endpoint of each.
const (
	RegionUS   = "us"
	RegionEU   = "eu"
	EndpointUS = "https://api.segment.io"
	EndpointEU = "https://events.eu1.segmentapis.com"
)

// Status of a destination.
const (
	Active   = "active"
	Retrying = "retrying" // it does not take requests at the moment; they are sent again
	Paused   = "paused"   // by hand, or because it refuses everything: see Destination.LastError
)

// ErrNotFound says that there is no destination of that name.
var ErrNotFound = errors.New("no such destination")

// ErrExists says that there is a destination of that name already.
var ErrExists = errors.New("there is a destination of that name already")

// ErrLeased says that another process sends to a destination at the moment.
var ErrLeased = errors.New("another process sends to this destination")

// Destination is where the rows of one source are sent.
type Destination struct {
	Name     string
	Source   string // nickname of the source
	Endpoint string // base URL, to which /v1/batch is appended; empty means the region's
	Region   string // RegionUS, RegionEU, or another word with an endpoint of its own; empty means the source's, else RegionUS
	KeyFrom  string // reference of the write key, for Options.Key: never the key
	Settings Settings

	// What follows is written by this package.
	Status      string
	LastError   string // never with a key; empty if the last request went well
	LastErrorAt time.Time
	CreatedAt   time.Time
}

// Settings are kept as JSON. The zero value sends everything.
type Settings struct {
	// Events, if any, are the only ones that are sent; NotEvents are not sent. An event is named as sent ("App Launched"),
	// by its table ("app_launched"), or, for calls that are no track call, by the call ("identify").
	Events    []string `json:"events,omitempty"`
	NotEvents []string `json:"not_events,omitempty"`
	// Since leaves out rows whose timestamp is earlier. Zero means none.
	Since time.Time `json:"since,omitzero"`
	// Sample is the share of users whose rows are sent, between 0 and 1; the same users each time. 0 means all.
	Sample float64 `json:"sample,omitempty"`
	// Properties, if any, are the only properties and traits that are sent; NotProperties are dropped; Hashed are sent as
	// the hex HMAC-SHA-256 of their text. A property is named by its keys joined with dots as sent ("cart.total"; one
	// name covers all below it), or by its column ("cart_total"). Those of context begin with "context."; only
	// NotProperties and Hashed speak of them.
	Properties    []string `json:"properties,omitempty"`
	NotProperties []string `json:"not_properties,omitempty"`
	Hashed        []string `json:"hashed,omitempty"`
	// HashKeyFrom is the reference of the key of Hashed, for Options.Key. Required with Hashed.
	HashKeyFrom string `json:"hash_key_from,omitempty"`
	// Integrations is sent with every message, for example {"All": false, "Mixpanel": true}.
	Integrations map[string]any `json:"integrations,omitempty"`
	// Rate is how many events a second are sent at most. 0 means no limit.
	Rate float64 `json:"rate,omitempty"`
	// AllowHTTP and AllowPrivate are as in Options, for this destination.
	AllowHTTP    bool `json:"allow_http,omitempty"`
	AllowPrivate bool `json:"allow_private,omitempty"`
	// IDSource is the nickname that short ids are made messageIds with. Add sets it: a source that gets another nickname
	// keeps its ids.
	IDSource string `json:"id_source,omitempty"`
	// Declared says that a configuration file asks for the destination.
	Declared bool `json:"declared,omitempty"`
}

// PausedError says that a destination is paused.
type PausedError struct {
	Destination string
	Reason      string // empty if a person has paused it
}

// Error says why and what to do.
func (e *PausedError) Error() string {
	why := ""
	if e.Reason != "" {
		why = ": " + e.Reason
	}
	return fmt.Sprintf("destination %s is paused%s (then: tapline destination resume %s)", e.Destination, why, e.Destination)
}

// RegionError says that a destination is in another region than its source, or, if that has none, than Other, another
// destination of the source.
type RegionError struct{ Destination, Region, Source, SourceRegion, Other string }

// Error says both regions and why that is refused.
func (e *RegionError) Error() string {
	if e.Other != "" {
		return fmt.Sprintf("destination %s would be in region %s, but destination %s of the same source is in %s, and nothing says which of them "+
			"the source's data may go to: say it with tapline source set %s --region REGION", e.Destination, e.Region, e.Other, e.SourceRegion, e.Source)
	}
	return fmt.Sprintf("destination %s is in region %s, source %s in region %s: Segment drops what is sent to the wrong region without an error, "+
		"and data would leave its region; use an endpoint of region %s", e.Destination, e.Region, e.Source, e.SourceRegion, e.SourceRegion)
}

// regionName is what a region may be called that is none of Segment's.
var regionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Check completes a destination with its defaults and refuses what cannot work. sourceRegion may be empty if the source
// has none.
func (d *Destination) Check(sourceRegion string) error {
	if d.Region == "" {
		d.Region = sourceRegion
	}
	if d.Region == "" {
		d.Region = RegionUS
	}
	switch {
	case d.Name == "" || strings.ContainsFunc(d.Name, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Errorf("destination name %q: use letters, digits, - and _", d.Name)
	case d.Source == "":
		return fmt.Errorf("destination %s has no source", d.Name)
	case d.KeyFrom == "":
		return fmt.Errorf("destination %s has no write key: name the environment variable or file that holds it", d.Name)
	case CheckReference(d.KeyFrom) != nil:
		return fmt.Errorf("destination %s: %w", d.Name, CheckReference(d.KeyFrom))
	case d.Region != RegionUS && d.Region != RegionEU && (d.Endpoint == "" || !regionName.MatchString(d.Region)):
		return fmt.Errorf("destination %s: region %q is unknown: want %s or %s, or another word with an endpoint of your own",
			d.Name, d.Region, RegionUS, RegionEU)
	case sourceRegion != "" && sourceRegion != d.Region:
		return &RegionError{Destination: d.Name, Region: d.Region, Source: d.Source, SourceRegion: sourceRegion}
	}
	if d.Endpoint == "" {
		d.Endpoint = map[string]string{RegionUS: EndpointUS, RegionEU: EndpointEU}[d.Region]
	}
	d.Endpoint = base(d.Endpoint)
	if err := checkEndpoint(d.Endpoint, d.Settings.AllowHTTP); err != nil {
		return fmt.Errorf("destination %s: %w", d.Name, err)
	}
	for region, endpoint := range map[string]string{RegionUS: EndpointUS, RegionEU: EndpointEU} {
		if region != d.Region && hostOf(d.Endpoint) == hostOf(endpoint) {
			return fmt.Errorf("destination %s: %s is not the endpoint of region %s", d.Name, endpoint, d.Region)
		}
	}
	return d.Settings.check(d.Name)
}

func (s *Settings) check(name string) error {
	switch {
	case s.Sample < 0 || s.Sample > 1 || s.Sample != s.Sample:
		return fmt.Errorf("destination %s: sample %v is not between 0 and 1", name, s.Sample)
	case s.Rate < 0 || s.Rate != s.Rate:
		return fmt.Errorf("destination %s: rate %v is negative", name, s.Rate)
	case len(s.Hashed) > 0 && s.HashKeyFrom == "":
		return fmt.Errorf("destination %s: hashed properties need a key: name the environment variable or file that holds it", name)
	case s.HashKeyFrom != "" && CheckReference(s.HashKeyFrom) != nil:
		return fmt.Errorf("destination %s: hashed properties: %w", name, CheckReference(s.HashKeyFrom))
	}
	return nil
}

// base is an endpoint without what the client appends to it: people copy whole addresses.
func base(endpoint string) string {
	endpoint = strings.TrimRight(strings.TrimSpace(endpoint), "/")
	for _, tail := range []string{"/v1/batch", "/v1"} {
		endpoint = strings.TrimRight(strings.TrimSuffix(endpoint, tail), "/")
	}
	return endpoint
}

// hostOf is the host of a URL as DNS sees it.
func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// checkEndpoint refuses URLs that are no plain https address.
func checkEndpoint(endpoint string, http bool) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the endpoint is not a URL such as " + EndpointUS)
	case u.Opaque != "" || u.Hostname() == "":
		return errors.New("the endpoint has no host: give a URL such as " + EndpointUS)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the endpoint may have no user, password, query or fragment")
	case u.Scheme == "http" && http, u.Scheme == "https":
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("endpoint %s would send write key and events readable to everybody on the way: use https, or allow http", endpoint)
	}
	return fmt.Errorf("endpoint %s: scheme %s is not https", endpoint, u.Scheme)
}

const destinationColumns = `name, source, endpoint, region, key_from, settings, status, coalesce(last_error, ''), last_error_at, created_at`

func scanDestination(row pgx.CollectableRow) (Destination, error) {
	var d Destination
	var settings []byte
	var at *time.Time
	err := row.Scan(&d.Name, &d.Source, &d.Endpoint, &d.Region, &d.KeyFrom, &settings, &d.Status, &d.LastError, &at, &d.CreatedAt)
	if err != nil {
		return d, err
	}
	if at != nil {
		d.LastErrorAt = *at
	}
	if err := json.Unmarshal(settings, &d.Settings); err != nil {
		return d, fmt.Errorf("decode settings of destination %s: %w", d.Name, err)
	}
	return d, nil
}

// Add writes a new destination, after Check. Its first row is the first of the source, or, if fromNow is set, the first
// of the next load. The error is a *RegionError if the region is not sourceRegion.
func Add(ctx context.Context, db DB, d Destination, sourceRegion string, fromNow bool) error {
	if err := d.Check(sourceRegion); err != nil {
		return err
	}
	return insertDestination(ctx, db, &d, fromNow)
}

// List returns the destinations of a source, or of all sources if it is empty, by name.
func List(ctx context.Context, db DB, source string) ([]Destination, error) {
	rows, err := db.Query(ctx, "select "+destinationColumns+" from "+destinations+" where $1 = '' or source = $1 order by name", source)
	if err != nil {
		return nil, notSetUp(fmt.Errorf("list destinations: %w", err))
	}
	all, err := pgx.CollectRows(rows, scanDestination)
	if err != nil {
		return nil, notSetUp(fmt.Errorf("list destinations: %w", err))
	}
	return all, nil
}

// Get returns one destination. The error is ErrNotFound if there is none of that name.
func Get(ctx context.Context, db DB, name string) (*Destination, error) {
	rows, err := db.Query(ctx, "select "+destinationColumns+" from "+destinations+" where name = $1", name)
	if err != nil {
		return nil, notSetUp(fmt.Errorf("read destination %s: %w", name, err))
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDestination)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("destination %s: %w", name, ErrNotFound)
	case err != nil:
		return nil, notSetUp(fmt.Errorf("read destination %s: %w", name, err))
	}
	return &d, nil
}

// Update writes the endpoint, region, key reference and settings of a destination that exists, after Check. What is sent
// already is not sent again; the source and Settings.IDSource stay what they are.
func Update(ctx context.Context, db DB, d Destination, sourceRegion string) error {
	if err := d.Check(sourceRegion); err != nil {
		return err
	}
	before, err := Get(ctx, db, d.Name)
	if err != nil {
		return err
	}
	if d.Settings.IDSource == "" {
		d.Settings.IDSource = before.Settings.IDSource
	}
	if sourceRegion == "" {
		if err := sameRegion(ctx, db, &d); err != nil {
			return err
		}
	}
	settings, err := json.Marshal(d.Settings)
	if err != nil {
		return fmt.Errorf("encode settings of destination %s: %w", d.Name, err)
	}
	return change(ctx, db, d.Name, "endpoint = $2, region = $3, key_from = $4, settings = $5", d.Endpoint, d.Region, d.KeyFrom, string(settings))
}

// Pause stops sending to a destination, in other processes too, within a few seconds. What was committed waits.
func Pause(ctx context.Context, db DB, name string) error {
	return change(ctx, db, name, "status = '"+Paused+"', last_error = null, last_error_at = null")
}

// Resume takes up sending where it stopped.
func Resume(ctx context.Context, db DB, name string) error {
	return change(ctx, db, name, "status = '"+Active+"', last_error = null, last_error_at = null")
}

// Remove deletes a destination with its cursor and what it did not take.
func Remove(ctx context.Context, db DB, name string) error {
	tag, err := db.Exec(ctx, "delete from "+destinations+" where name = $1", name)
	if err != nil {
		return fmt.Errorf("remove destination %s: %w", name, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("destination %s: %w", name, ErrNotFound)
	}
	return nil
}

func change(ctx context.Context, db DB, name, set string, args ...any) error {
	tag, err := db.Exec(ctx, "update "+destinations+" set "+set+" where name = $1", append([]any{name}, args...)...)
	if err != nil {
		return notSetUp(fmt.Errorf("change destination %s: %w", name, err))
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("destination %s: %w", name, ErrNotFound)
	}
	return nil
}
