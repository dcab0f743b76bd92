package parquet

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
)

// The shapes of CleverTap's exports, told apart by the names of their columns alone:
//
//	documented   timestamp, eventName, eventProperties
//	nested       ts, eventName, profile, deviceInfo, eventProps, as the JSON export has them
//	flattened    ts, eventName, profile.identity, eventProps.CT Source, ... as the CSV export has them
//	newer        eventTime (epoch), eventName, and maps: identity, profile, deviceInfo, eventProps
//
// A part may be a group, a map, or text that holds JSON. What is none of these is a property.

// section is a member of the JSON record that is an object itself.
type section uint8

const (
	properties section = iota
	session
	profile
	device
	dimensions // within device
	sections
)

func (s section) key() string {
	return [sections]string{"eventProps", "session_props", "profile", "deviceInfo", "dimensions"}[s]
}

// source is a column or group of the file and where its values go.
type source struct {
	node *node
	to   section
	key  string // of a single value; empty if its members go there
	from string // device and identity have members of their own names
}

// record makes JSON records of rows.
type record struct {
	root    *node
	times   []*node // of which the first that is not null counts
	event   *node
	group   *node // controlGroupName
	sources []source

	parts [sections][]byte // the members of each section, of the current row
	value []byte
}

// newRecord finds the columns by name.
func newRecord(root *node, hasEvent bool) (*record, error) {
	r := &record{root: root}
	var clock [3]*node
	for _, n := range root.children {
		switch name := strings.ToLower(n.name); {
		case name == "ts":
			clock[0] = n
		case slices.Contains([]string{"timestamp", "event_timestamp", "eventtimestamp"}, name):
			clock[1] = n
		case name == "eventtime" || name == "event_time":
			clock[2] = n
		case name == "eventname" || name == "event_name":
			r.event = n
		case name == "controlgroupname":
			r.group = n
		default:
			r.sources = append(r.sources, sourceOf(n))
		}
	}
	for _, n := range clock {
		if n != nil {
			r.times = append(r.times, n)
		}
	}
	if len(r.times) == 0 || r.event == nil && !hasEvent {
		return nil, problem(UnknownShape, "the columns are %s: an export of CleverTap has ts, timestamp or eventTime, and eventName "+
			"unless --event names the event", names(root))
	}
	return r, nil
}

// names lists the columns, the first of them.
func names(root *node) string {
	var out []string
	for i, n := range root.children {
		if i == 12 {
			out = append(out, "...")
			break
		}
		out = append(out, n.name)
	}
	return strings.Join(out, ", ")
}

// sourceOf says where a column goes.
func sourceOf(n *node) source {
	prefix, rest, dotted := strings.Cut(n.name, ".")
	s := source{node: n, key: rest, from: strings.ToLower(prefix)}
	switch s.from {
	case "eventprops", "event_props", "eventproperties", "event_properties":
		s.to = properties
	case "sessionprops", "session_props", "sessionproperties", "session_properties":
		s.to = session
	case "profile":
		s.to = profile
	case "deviceinfo", "device_info":
		s.to, s.from = device, "device"
	case "identity":
		s.to = profile
		if !dotted && n.leaf() {
			s.key = "identity"
		}
	case "platform":
		if !dotted {
			s.to, s.key = profile, "platform"
			return s
		}
		fallthrough
	default:
		return source{node: n, to: properties, key: n.name}
	}
	return s
}

// append writes one row.
func (r *record) append(out []byte, columns values) ([]byte, error) {
	for i := range r.parts {
		r.parts[i] = r.parts[i][:0]
	}
	for i := range r.sources {
		if err := r.collect(&r.sources[i], columns); err != nil {
			return out, err
		}
	}
	if len(r.parts[dimensions]) > 0 {
		r.add(device, []byte(dimensions.key()), braced(r.parts[dimensions]))
	}
	out = append(out, '{')
	from := len(out)
	member := func(key string, value []byte) {
		if len(out) > from {
			out = append(out, ',')
		}
		out = append(append(appendString(out, []byte(key)), ':'), value...)
	}
	for _, n := range r.times {
		value, ok, err := r.time(n, columns)
		if err != nil {
			return out, err
		}
		if ok {
			member("ts", value)
			break
		}
	}
	for _, s := range []struct {
		key  string
		node *node
	}{{"eventName", r.event}, {"controlGroupName", r.group}} {
		if s.node == nil {
			continue
		}
		value, ok, err := appendNode(r.value[:0], s.node, columns.of(r.root, s.node))
		if err != nil {
			return out, err
		}
		if ok {
			member(s.key, value)
		}
		r.value = value[:0]
	}
	for s := properties; s < dimensions; s++ {
		if len(r.parts[s]) > 0 {
			member(s.key(), braced(r.parts[s]))
		}
	}
	return append(out, '}'), nil
}

func braced(members []byte) []byte { return append(append([]byte{'{'}, members...), '}') }

// time returns the value of a column that tells the time: instants as epoch seconds, which CleverTap's ts may be.
func (r *record) time(n *node, columns values) ([]byte, bool, error) {
	value, ok, err := appendNode(r.value[:0], n, columns.of(r.root, n))
	if !ok || err != nil {
		return nil, false, err
	}
	return epoch(value), true, nil
}

// epoch makes seconds of an instant that was written out, and a number of digits in a string. Other text stays.
func epoch(value []byte) []byte {
	text := string(bytes.Trim(value, `"`))
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return strconv.AppendInt(nil, at.Unix(), 10)
	}
	if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
		return strconv.AppendInt(nil, n, 10)
	}
	return value
}

// collect adds what a column holds to its section.
func (r *record) collect(s *source, columns values) error {
	v := columns.of(r.root, s.node)
	if s.key == "" && !s.node.leaf() && !s.node.repeated && s.node.form != list && s.node.form != union {
		if absent, err := v.absent(s.node); err != nil || absent {
			return err
		}
		return members(s.node, v, func(key, value []byte) { r.route(s, string(key), value) })
	}
	value, ok, err := appendNode(nil, s.node, v)
	if err != nil || !ok {
		return err
	}
	if s.key == "" && s.node.leaf() && v[0][0].Kind() == parquet.ByteArray {
		if inner, ok := membersOf(v[0][0].ByteArray()); ok {
			if len(inner) > 0 && len(r.parts[s.to]) <= maxRecord {
				r.separate(s.to)
				r.parts[s.to] = append(r.parts[s.to], inner...)
			}
			return nil
		}
	}
	key := s.key
	if key == "" {
		key = s.node.name
	}
	r.route(s, key, value)
	return nil
}

// membersOf returns what is between the braces of a JSON object. ok is false for any other text.
func membersOf(text []byte) (inner []byte, ok bool) {
	text = bytes.TrimSpace(text)
	if len(text) < 2 || len(text) > maxText || text[0] != '{' || !json.Valid(text) {
		return nil, false
	}
	inner = bytes.TrimSpace(text[1 : len(text)-1])
	return bytes.ReplaceAll(inner, []byte("\n"), []byte(" ")), true
}

// route adds a member to its section, under the name that the JSON export has for it.
func (r *record) route(s *source, key string, value []byte) {
	to := s.to
	switch {
	case s.from == "identity" && strings.EqualFold(key, "clevertapId"):
		key = "objectId"
	case s.from == "device" && key == "platform":
		to = profile
	case s.from == "device" && key == "token":
		to, key = profile, "push_token"
	case s.from == "device" && (key == "width" || key == "height" || key == "unit"):
		to = dimensions
	case s.from == "device" && strings.HasPrefix(key, "dimensions."):
		to, key = dimensions, strings.TrimPrefix(key, "dimensions.")
	}
	r.add(to, []byte(key), value)
}

func (r *record) separate(to section) {
	if len(r.parts[to]) > 0 {
		r.parts[to] = append(r.parts[to], ',')
	}
}

func (r *record) add(to section, key, value []byte) {
	if len(r.parts[to]) > maxRecord {
		return
	}
	r.separate(to)
	r.parts[to] = append(append(appendString(r.parts[to], key), ':'), value...)
}
