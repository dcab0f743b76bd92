package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tapline/tapline/internal/federate"
)

// destinationJSON is a destination as --json shows it: where its keys are, never a key.
type destinationJSON struct {
	Name         string            `json:"destination"`
	Source       string            `json:"source"`
	Endpoint     string            `json:"endpoint"`
	Region       string            `json:"region"`
	WriteKeyFrom string            `json:"write_key_from"`
	Settings     federate.Settings `json:"settings"`
	Status       string            `json:"status"`
	LastError    string            `json:"last_error,omitempty"`
	LastErrorAt  *time.Time        `json:"last_error_at,omitempty"`
	CreatedAt    time.Time         `json:"created_at"`
}

func newDestinationJSON(d *federate.Destination) destinationJSON {
	return destinationJSON{
		Name: d.Name, Source: d.Source, Endpoint: d.Endpoint, Region: d.Region, WriteKeyFrom: d.KeyFrom, Settings: d.Settings,
		Status: d.Status, LastError: d.LastError, LastErrorAt: timeOrNil(d.LastErrorAt), CreatedAt: d.CreatedAt,
	}
}

// timeOrNil is nil for no time.
func timeOrNil(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// reportJSON is how a destination does.
type reportJSON struct {
	destinationJSON
	Delivered int64       `json:"delivered"`
	Filtered  int64       `json:"filtered"`
	Pending   pendingJSON `json:"pending"`
	// Undelivered counts what it did not take, by reason.
	Undelivered map[string]int64 `json:"undelivered"`
	LatencyP95  *float64         `json:"latency_p95_ms"` // nil if there were no requests
	LastSent    *time.Time       `json:"last_sent_at"`
	LeasedUntil *time.Time       `json:"leased_until"` // a process sends to it now
	Seq         int64            `json:"last_load"`
	Sample      *sampleJSON      `json:"sample"` // the last message that it did not take
}

type pendingJSON struct {
	Rows  int64      `json:"rows"`
	Since *time.Time `json:"since"`
	Age   float64    `json:"age_seconds"`
}

type sampleJSON struct {
	Reason    string          `json:"reason"`
	Response  string          `json:"response"`
	Table     string          `json:"table"`
	RowID     string          `json:"row_id"`
	MessageID string          `json:"message_id"`
	At        time.Time       `json:"at"`
	Message   json.RawMessage `json:"message"`
}

func newReportJSON(r *federate.Report, now time.Time) reportJSON {
	out := reportJSON{
		destinationJSON: newDestinationJSON(&r.Destination), Delivered: r.Delivered, Filtered: r.Filtered, Undelivered: r.Undelivered,
		Pending:  pendingJSON{Rows: r.Pending, Since: timeOrNil(r.PendingSince)},
		LastSent: timeOrNil(r.LastSent), LeasedUntil: timeOrNil(r.Leased), Seq: r.Seq,
	}
	if !r.PendingSince.IsZero() {
		out.Pending.Age = max(0, now.Sub(r.PendingSince).Seconds())
	}
	if r.LatencyP95 > 0 {
		ms := float64(r.LatencyP95.Microseconds()) / 1000
		out.LatencyP95 = &ms
	}
	if u := r.Sample; u != nil {
		out.Sample = &sampleJSON{u.Reason, u.Response, u.Table, u.RowID, u.MessageID, u.At.UTC(), u.Message}
	}
	return out
}

// settingsOf are the filters and limits of a destination that are set.
func settingsOf(s *federate.Settings) (fields [][2]string) {
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, [2]string{name, printable(value)})
		}
	}
	add("events", strings.Join(s.Events, ", "))
	add("not events", strings.Join(s.NotEvents, ", "))
	if !s.Since.IsZero() {
		add("since", moment(&s.Since))
	}
	if s.Sample > 0 {
		add("sample", fmt.Sprintf("%g of the users", s.Sample))
	}
	add("properties", strings.Join(s.Properties, ", "))
	add("not properties", strings.Join(s.NotProperties, ", "))
	add("hashed", strings.Join(s.Hashed, ", "))
	if s.HashKeyFrom != "" {
		add("hash key", "from "+s.HashKeyFrom)
	}
	if len(s.Integrations) > 0 {
		text, err := json.Marshal(s.Integrations)
		if err == nil {
			add("integrations", string(text))
		}
	}
	if s.Rate > 0 {
		add("rate", fmt.Sprintf("%g events/s at most", s.Rate))
	}
	if s.AllowHTTP {
		add("http", "allowed")
	}
	if s.AllowPrivate {
		add("private addresses", "allowed")
	}
	if s.Declared {
		add("from", "the configuration file")
	}
	return fields
}
