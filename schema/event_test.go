package schema_test

import (
	"encoding/json"
	"testing"

	"github.com/tapline/tapline/schema"
)

// source makes events by hand: what a decoder would make of them.
type source struct{ paths *schema.Paths }

func newSource() source { return source{schema.NewPaths(0)} }

// leaf is the value lit, a JSON literal, at keys.
func (s source) leaf(section schema.Section, lit string, keys ...string) schema.Leaf {
	p := s.paths.Root(section)
	for _, k := range keys {
		p = s.paths.Child(p, []byte(k))
	}
	l := schema.Leaf{Path: p, Raw: []byte(lit), Text: []byte(lit), Kind: schema.Number}
	switch lit[0] {
	case 't', 'f':
		l.Kind = schema.Bool
	case '[':
		l.Kind = schema.Array
	case '"':
		l.Kind = schema.String
		var text string
		if json.Unmarshal(l.Raw, &text) != nil {
			panic("schema_test: not a JSON string: " + lit)
		}
		l.Text = []byte(text)
	}
	return l
}

// track is an event with properties: name and JSON literal by turns.
func (s source) track(event string, properties ...string) *schema.Event {
	ev := &schema.Event{}
	ev.Reset()
	ev.Call, ev.ID, ev.Name, ev.UserID = schema.Track, []byte("id"), []byte(event), []byte("u")
	for i := 0; i < len(properties); i += 2 {
		ev.Properties = append(ev.Properties, s.leaf(schema.SectionProperty, properties[i+1], properties[i]))
	}
	return ev
}

// call is track for the other calls.
func (s source) call(c schema.Call, properties ...string) *schema.Event {
	ev := s.track("", properties...)
	ev.Call, ev.Name = c, nil
	return ev
}

// row makes the event's row and fails the test if it goes to quarantine.
func row(t testing.TB, state *schema.State, ev *schema.Event) *schema.Row {
	t.Helper()
	var r schema.Row
	if reason := state.Row(ev, 1_000_000, &r); reason != "" {
		t.Fatalf("row: %s", reason)
	}
	return &r
}

// cell returns the value that a row has for a column, or nil.
func cell(r *schema.Row, column string) *schema.Cell {
	for i := range r.Cells {
		if r.Cells[i].Column.Name == column {
			return &r.Cells[i]
		}
	}
	return nil
}

// discards are those of a row as column, literal and reason.
func discards(r *schema.Row) [][3]string {
	var out [][3]string
	for _, d := range r.Discards {
		out = append(out, [3]string{d.Column, string(d.Raw), string(d.Reason)})
	}
	return out
}

// table is a table of a track event with extra columns.
func table(name string, columns ...schema.Column) *schema.Table {
	return &schema.Table{Name: name, Columns: append(schema.StandardColumnsOf(name), columns...)}
}

func tables(ts ...*schema.Table) schema.Tables {
	out := schema.Tables{}
	for _, t := range ts {
		out[t.Name] = t
	}
	return out
}
