package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/schema"
)

func TestReservedColumns(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(schema.Tables{}, schema.Options{})
	r := row(t, state, src.track("e", "id", `"x"`, "userId", `"y"`, "Received At", "1", "context_ip", "2", "context", "3", "event", "5", "a", "4"))
	want := [][3]string{
		{"id", `"x"`, "reserved_column"},
		{"user_id", `"y"`, "reserved_column"},
		{"received_at", "1", "reserved_column"},
		{"context_ip", "2", "reserved_column"},
		{"event", "5", "reserved_column"},
	}
	if diff := cmp.Diff(want, discards(r)); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
	if cell(r, "context").Int != 3 || cell(r, "a").Int != 4 || string(cell(r, "id").Bytes) != "id" {
		t.Error("values that are not reserved are not kept")
	}
}

func TestCollisions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		properties []string
		want       int64
		discards   [][3]string
	}{
		"first wins":     {[]string{"My Key", "1", "my-key", "2"}, 1, [][3]string{{"my_key", "2", "column_name_collision"}}},
		"exact wins":     {[]string{"My Key", "1", "my-key", "2", "my_key", "3"}, 3, [][3]string{{"my_key", "1", "column_name_collision"}, {"my_key", "2", "column_name_collision"}}},
		"exact is first": {[]string{"my_key", "3", "My Key", "1"}, 3, [][3]string{{"my_key", "1", "column_name_collision"}}},
		"equal values":   {[]string{"My Key", "1", "my-key", "1", "my_key", "1"}, 1, nil},
		"other literal":  {[]string{"my_key", "1", "My Key", "1.0"}, 1, [][3]string{{"my_key", "1.0", "column_name_collision"}}},
	} {
		state := schema.NewState(schema.Tables{}, schema.Options{})
		src := newSource()
		for round := range 2 { // the second finds its paths bound
			r := row(t, state, src.track("e", c.properties...))
			if got := cell(r, "my_key"); got == nil || got.Int != c.want {
				t.Errorf("%s, round %d: %+v, want %d", name, round, got, c.want)
			}
			if diff := cmp.Diff(c.discards, discards(r)); diff != "" {
				t.Errorf("%s, round %d: discards (-want +got):\n%s", name, round, diff)
			}
		}
	}
}

func TestEnvelopeWinsOverPageProperties(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(schema.Tables{}, schema.Options{})
	ev := src.call(schema.Page, "name", `"other"`, "category", `"same"`)
	ev.PageName, ev.Category = []byte("Home"), []byte("same")
	r := row(t, state, ev)
	if string(cell(r, "name").Bytes) != "Home" {
		t.Error("the envelope's name does not win")
	}
	if diff := cmp.Diff([][3]string{{"name", `"other"`, "column_name_collision"}}, discards(r)); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
	if r := row(t, state, src.call(schema.Page, "name", `"only"`)); string(cell(r, "name").Bytes) != "only" {
		t.Error("a property name without the envelope's is lost")
	}
}

// TestRowSize: property values from the last backwards go until the row fits a page, context and envelope stay.
func TestRowSize(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(schema.Tables{}, schema.Options{})
	long := `"` + strings.Repeat("x", 100) + `"`
	var properties []string
	for i := range 400 {
		properties = append(properties, fmt.Sprintf("p%03d", i), long)
	}
	r := row(t, state, src.track("e", properties...))
	size := 8
	for i := range r.Cells {
		switch r.Cells[i].Column.Type {
		case schema.Text:
			size += min(len(r.Cells[i].Bytes)+1, 24)
		default:
			size += 8
		}
	}
	if size > 7900 || size+24 <= 7900 {
		t.Errorf("the row has %d bytes, want just below 7,900", size)
	}
	kept := 400 - len(r.Discards)
	for i, d := range r.Discards {
		if want := fmt.Sprintf("p%03d", 399-i); d.Column != want || d.Reason != schema.RowTooLarge {
			t.Fatalf("discard %d is %s (%s), want %s", i, d.Column, d.Reason, want)
		}
	}
	if kept == 0 || kept == 400 || cell(r, fmt.Sprintf("p%03d", kept-1)) == nil || cell(r, "event_text") == nil {
		t.Errorf("%d values kept", kept)
	}
}

func TestValuesThatCannotBeText(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(tables(table("e", schema.Column{Name: "a", Type: schema.Text})), schema.Options{})
	ev := src.track("e", "a", `"x"`, "new", `"y"`)
	ev.Properties[0].Bad, ev.Properties[1].Bad = schema.NULCharacter, schema.InvalidUnicode
	r := row(t, state, ev)
	if diff := cmp.Diff([][3]string{{"a", `"x"`, "nul_character"}, {"new", `"y"`, "invalid_unicode"}}, discards(r)); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
	if state.HasPending() {
		t.Error("a value that cannot be stored makes a column")
	}
}

func TestTimestampDefaultsToArrival(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(schema.Tables{}, schema.Options{})
	ev := src.track("e")
	if r := row(t, state, ev); cell(r, "timestamp").Int != 1_000_000 || cell(r, "received_at").Int != 1_000_000 || cell(r, "sent_at") != nil {
		t.Error("timestamp is not the arrival")
	}
	ev.ReceivedAt, ev.OriginalTimestamp = 5, 3
	if r := row(t, state, ev); cell(r, "timestamp").Int != 5 || r.Received != 5 || cell(r, "original_timestamp").Int != 3 {
		t.Error("timestamp is not the record's own arrival")
	}
}

// only leaves out what its name says.
type only struct{ event, column string }

func (o only) Event(name, table string) bool          { return name != o.event && table != o.event }
func (o only) Property(_ string, p *schema.Path) bool { return p.Column != o.column }

func TestFilter(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(tables(table("there")), schema.Options{Filter: only{"Noise", "secret"}, MaxTables: 2})
	for range 2 {
		if r := row(t, state, src.track("Noise", "a", "1")); !r.Ignored || len(r.Cells) != 0 || len(r.Discards) != 0 {
			t.Errorf("row %+v of an event that is left out", r)
		}
	}
	if state.HasPending() {
		t.Errorf("a left-out event makes %+v", state.Pending())
	}
	// Another spelling shares the table and is not left out.
	if r := row(t, state, src.track("noise", "secret", "1", "b", "2")); r.Ignored || cell(r, "secret") != nil || cell(r, "b") == nil || len(r.Discards) != 0 {
		t.Errorf("row %+v, want b and no secret", r)
	}
}
