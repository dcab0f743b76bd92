package clevertap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// EventSchema is an event that the account knows.
type EventSchema struct {
	Name       string
	Properties []PropertySchema
}

// PropertySchema is a property of an event. Type is what the account calls its type, empty if it does not say.
type PropertySchema struct{ Name, Type string }

// maxSchema is how long the account's schema may be, in bytes: 512 events of 256 properties are some 10 MB.
const maxSchema = 64 << 20

// Schema returns the events that the account knows, system events and its own, in the order of their names. How it
// tells of their properties is documented nowhere in full: what is not understood is left out.
func (c *Client) Schema(ctx context.Context) ([]EventSchema, error) {
	var out []EventSchema
	err := c.again(ctx, Window{Event: "schema of events"}, func() error {
		raw, err := c.get(ctx, "/getSchema?type=events")
		if err == nil {
			out, err = c.parseSchema(raw)
		}
		return err
	})
	switch hint := c.hint(err); {
	case err != nil && hint != "":
		return nil, fmt.Errorf("read the account's schema: %w: %s", err, hint)
	case err != nil:
		return nil, fmt.Errorf("read the account's schema: %w", err)
	}
	return out, nil
}

// get reads a short answer as a whole.
func (c *Client) get(ctx context.Context, path string) ([]byte, error) {
	resp, done, err := c.send(ctx, http.MethodGet, path, nil) //nolint:bodyclose // done closes it
	if err != nil {
		return nil, err
	}
	defer done()
	if resp.StatusCode != http.StatusOK {
		return nil, c.refusal(resp)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxSchema))
	if err != nil {
		return nil, c.broken(ctx, err)
	}
	return raw, nil
}

// schemaAnswer is what getSchema answers.
type schemaAnswer struct {
	Status string            `json:"status"`
	Error  json.RawMessage   `json:"error"`
	Code   json.RawMessage   `json:"code"`
	Events []json.RawMessage `json:"events"`
}

func (c *Client) parseSchema(raw []byte) ([]EventSchema, error) {
	var body schemaAnswer
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, &ReplyError{Status: http.StatusOK, class: classFault, err: errAnswer}
	}
	a := answer{status: body.Status, err: words(body.Error), code: number(body.Code)}
	if class := a.class(); class != classNone {
		return nil, &ReplyError{Status: http.StatusOK, Code: a.code, Text: c.clean(a.text()), class: class}
	}
	var out []EventSchema
	for _, raw := range body.Events {
		if e, ok := eventSchema(raw); ok {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b EventSchema) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(out, func(a, b EventSchema) bool { return a.Name == b.Name }), nil
}

// eventSchema reads one event: its name alone, or an object with its name and properties.
func eventSchema(raw []byte) (e EventSchema, ok bool) {
	if json.Unmarshal(raw, &e.Name) == nil {
		return e, isEventName(e.Name)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return e, false
	}
	e.Name = textOf(fields, "name", "eventName", "event_name")
	for _, key := range []string{"properties", "eventProperties", "event_properties", "props", "eventProps"} {
		e.Properties = append(e.Properties, properties(fields[key])...)
	}
	return e, isEventName(e.Name)
}

func textOf(fields map[string]json.RawMessage, keys ...string) (text string) {
	for _, key := range keys {
		if json.Unmarshal(fields[key], &text) == nil && text != "" {
			return text
		}
	}
	return ""
}

// properties reads an array of names or of objects, or an object of types by name.
func properties(raw []byte) (out []PropertySchema) {
	var list []json.RawMessage
	var types map[string]json.RawMessage
	switch {
	case json.Unmarshal(raw, &list) == nil:
		for _, item := range list {
			var p PropertySchema
			var fields map[string]json.RawMessage
			if json.Unmarshal(item, &p.Name) != nil && json.Unmarshal(item, &fields) == nil {
				p = PropertySchema{textOf(fields, "name", "key", "property"), textOf(fields, "type", "dataType", "data_type")}
			}
			if p.Name != "" {
				out = append(out, p)
			}
		}
	case json.Unmarshal(raw, &types) == nil:
		for name, t := range types {
			p := PropertySchema{Name: name}
			var fields map[string]json.RawMessage
			if json.Unmarshal(t, &p.Type) != nil && json.Unmarshal(t, &fields) == nil {
				p.Type = textOf(fields, "type", "dataType", "data_type")
			}
			out = append(out, p)
		}
		slices.SortFunc(out, func(a, b PropertySchema) int { return strings.Compare(a.Name, b.Name) })
	}
	return out
}

// sample returns a value of a type, as the API would have it; empty for a type that is not known: the first value decides then.
func (p PropertySchema) sample() string {
	switch strings.ToLower(strings.TrimSpace(p.Type)) {
	case "string", "text":
		return `"a"`
	case "boolean", "bool":
		return `true`
	case "integer", "int", "long":
		return `1`
	case "float", "double", "decimal":
		return `1.5`
	case "date", "datetime", "timestamp":
		return `"$D_1"`
	}
	return ""
}

// sampleProperties is how many properties one sample event has: it stays below the limits of one event.
const sampleProperties = 64

// SchemaSource returns a source of sample events that need just the tables and columns of the given ones. It is for
// planning alone: nothing of it is to be loaded.
func SchemaSource(events []EventSchema) source.Source { return schemaSource(events) }

type schemaSource []EventSchema

// Units implements source.Source.
func (s schemaSource) Units(context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) { yield(schemaUnit(s), nil) }
}

// schemaUnit is all sample events.
type schemaUnit []EventSchema

// Key implements source.Unit.
func (u schemaUnit) Key() string { return "clevertap schema" }

// Name implements source.Unit.
func (u schemaUnit) Name() string { return "schema of events" }

// Size implements source.Unit.
func (u schemaUnit) Size() int64 { return 0 }

// Open implements source.Unit.
func (u schemaUnit) Open(_ context.Context, paths *schema.Paths) (source.Reader, error) {
	dec, err := decode.New(decode.Options{Kind: decode.CleverTap, Paths: paths, Location: time.UTC, Account: "schema", Within: true})
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	return &schemaReader{dec: dec, events: u}, nil
}

type schemaReader struct {
	dec    *decode.Decoder
	events []EventSchema
	from   int // property of the first of events
}

// Next implements source.Reader.
func (r *schemaReader) Next(ev *schema.Event) error {
	if len(r.events) == 0 {
		return io.EOF
	}
	e := r.events[0]
	to := min(r.from+sampleProperties, len(e.Properties))
	line, err := sampleRecord(e.Name, e.Properties[r.from:to])
	if err != nil {
		return err
	}
	if r.from = to; to == len(e.Properties) {
		r.events, r.from = r.events[1:], 0
	}
	if !r.dec.Line(line, ev) {
		return errors.New("read schema: an event became no event")
	}
	return r.dec.Err()
}

func sampleRecord(event string, properties []PropertySchema) ([]byte, error) {
	name, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("write sample: %w", err)
	}
	var props bytes.Buffer
	for _, p := range properties {
		key, err := json.Marshal(p.Name)
		value := p.sample()
		if err != nil || value == "" {
			continue
		}
		if props.Len() > 0 {
			props.WriteByte(',')
		}
		fmt.Fprintf(&props, "%s:%s", key, value)
	}
	return fmt.Appendf(nil, `{"ts":1,"eventName":%s,"profile":{"objectId":"a"},"event_props":{%s}}`, name, props.Bytes()), nil
}

// Read implements source.Reader.
func (r *schemaReader) Read() int64 { return 0 }

// Notes implements source.Reader.
func (r *schemaReader) Notes() source.Notes { return source.Notes{} }

// Close implements source.Reader.
func (r *schemaReader) Close() error { return nil }
