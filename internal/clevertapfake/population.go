package clevertapfake

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tapline/tapline/internal/gen"
)

// Record is one record of an account.
type Record struct {
	Event string
	Day   int // YYYYMMDD in the project's time zone
	Raw   []byte
	// Serial is the property of this name, which no two records share but true twins; 0 if there is none.
	Serial int64
}

// Population is what an account has recorded. It may grow while it is served.
type Population struct {
	mu      sync.RWMutex
	windows map[window][]Record
	events  []string
}

type window struct {
	event string
	day   int
}

// PopulationOptions say what to invent. The same options make the same bytes.
type PopulationOptions struct {
	// Events is how many records there are. Defaults to 1,000.
	Events int64
	Seed   uint64
	// From and To are the first and, excluded, the last instant. They default to the first week of January 2026.
	From, To time.Time
	// Location defaults to Asia/Kolkata.
	Location *time.Location
	// Only keeps the events of that name.
	Only string
	// FirstSerial is the serial of the first record. Defaults to 1.
	FirstSerial int64
}

// NewPopulation invents users, devices and what they do: system events and a shop's custom events. Every 50th record has a true
// twin behind it.
func NewPopulation(o PopulationOptions) (*Population, error) {
	if o.Location == nil {
		zone, err := time.LoadLocation("Asia/Kolkata")
		if err != nil {
			return nil, fmt.Errorf("load time zone: %w", err)
		}
		o.Location = zone
	}
	if o.From.IsZero() {
		o.From = time.Date(2026, 1, 1, 0, 0, 0, 0, o.Location)
	}
	if o.To.IsZero() {
		o.To = o.From.AddDate(0, 0, 7)
	}
	custom := 20
	if o.Only != "" {
		custom = 0
	}
	pipe, in := io.Pipe()
	go func() {
		_, err := gen.Write(in, gen.Options{
			Kind: gen.CleverTap, Seed: o.Seed, Events: o.Events, From: o.From, To: o.To, TimeZone: o.Location, Custom: custom, Only: o.Only,
		})
		in.CloseWithError(err)
	}()
	p := &Population{windows: map[window][]Record{}}
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for serial := max(o.FirstSerial, 1); lines.Scan(); serial++ {
		r, err := fromExport(lines.Bytes(), serial)
		if err != nil {
			return nil, err
		}
		p.add(r)
		if serial%50 == 0 {
			p.add(r)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("invent events: %w", err)
	}
	return p, nil
}

// export is a record of an export file.
type export struct {
	TS        json.Number                `json:"ts"`
	Event     string                     `json:"eventName"`
	Profile   map[string]json.RawMessage `json:"profile"`
	Device    map[string]json.RawMessage `json:"deviceInfo"`
	Props     json.RawMessage            `json:"eventProps"`
	Session   json.RawMessage            `json:"session_props"`
	GroupName json.RawMessage            `json:"controlGroupName"`
}

// fromExport makes a record of the API of one of an export: it has the device within the profile, the CleverTap id always,
// and does not say what event it is.
func fromExport(line []byte, serial int64) (Record, error) {
	var e export
	if err := json.Unmarshal(line, &e); err != nil {
		return Record{}, fmt.Errorf("read invented event: %w", err)
	}
	if _, ok := e.Profile["objectId"]; !ok {
		e.Profile["objectId"] = fmt.Appendf(nil, `"__%032x"`, serial%997)
	}
	for from, to := range map[string]string{"make": "make", "model": "model", "osVersion": "os_version", "appVersion": "app_version"} {
		if v, ok := e.Device[from]; ok {
			e.Profile[to] = v
		}
	}
	e.Profile["profileData"] = json.RawMessage(`{"plan":"gold","joined":"$D_1700000000"}`)
	props := bytes.TrimSuffix(e.Props, []byte{'}'})
	if len(props) > 1 {
		props = append(props, ',')
	}
	props = fmt.Appendf(props, `"Serial":%d}`, serial)
	profile, err := json.Marshal(e.Profile)
	if err != nil {
		return Record{}, fmt.Errorf("write profile: %w", err)
	}
	raw := fmt.Appendf(nil, `{"profile": %s, "ts": %s, "event_props": %s`, profile, e.TS, props)
	if e.Session != nil {
		raw = fmt.Appendf(raw, `, "session_props": %s`, e.Session)
	}
	day, err := strconv.Atoi(e.TS.String()[:8])
	return Record{Event: e.Event, Day: day, Raw: append(raw, '}'), Serial: serial}, err
}

// Add adds records as they may be: late ones, broken ones.
func (p *Population) Add(records ...Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range records {
		p.add(r)
	}
}

func (p *Population) add(r Record) {
	w := window{r.Event, r.Day}
	p.windows[w] = append(p.windows[w], r)
	if !slices.Contains(p.events, r.Event) {
		p.events = append(p.events, r.Event)
	}
}

// Events returns the names of all events, in order.
func (p *Population) Events() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Sorted(slices.Values(p.events))
}

// Records returns the records of an event on a day, or of all days if that is 0, in the order they are served.
func (p *Population) Records(event string, day int) (out []Record) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if day != 0 {
		return slices.Clone(p.windows[window{event, day}])
	}
	for _, d := range p.daysOf(event) {
		out = append(out, p.windows[window{event, d}]...)
	}
	return out
}

// days are the days on which an event has records, in order.
func (p *Population) days(event string) []int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.daysOf(event)
}

func (p *Population) daysOf(event string) (days []int) {
	for w := range p.windows {
		if w.event == event {
			days = append(days, w.day)
		}
	}
	slices.Sort(days)
	return days
}

// Len is how many records there are.
func (p *Population) Len() (n int64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, records := range p.windows {
		n += int64(len(records))
	}
	return n
}

// Days are the first and the last day that have records.
func (p *Population) Days() (first, last int) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for w := range p.windows {
		if first == 0 || w.day < first {
			first = w.day
		}
		last = max(last, w.day)
	}
	return first, last
}

func (p *Population) knows(event string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Contains(p.events, event)
}
