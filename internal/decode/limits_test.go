package decode_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

type broken struct{ err error }

func (b broken) Next([32]byte) (uint64, error) { return 0, b.err }

// Ids that could not be counted must not be loaded: the decoder says so until its end.
func TestOccurrencesFail(t *testing.T) {
	t.Parallel()
	want := errors.New("disk full")
	opt := options(decode.Segment)
	opt.Occurrences = broken{want}
	d := newWith(t, opt)
	one(t, d, `{"type":"track","messageId":"m","event":"E","userId":"u"}`)
	if err := d.Err(); err != nil {
		t.Errorf("error %v before an id was made", err)
	}
	one(t, d, `{"type":"track","event":"E","userId":"u"}`)
	one(t, d, `{"type":"track","messageId":"m","event":"E","userId":"u"}`)
	if err := d.Err(); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	opt.Kind = decode.SegmentCSV
	c, err := decode.NewCSV(decode.SegmentCSV, []string{"event", "userId"}, opt)
	if err != nil {
		t.Fatal(err)
	}
	record(c, "E|u")
	if err := c.Err(); !errors.Is(err, want) {
		t.Errorf("CSV: error %v, want %v", err, want)
	}
}

// However many or long the keys of the records themselves are, a repeated one is noticed.
func TestManyEnvelopeKeys(t *testing.T) {
	t.Parallel()
	d := newDecoder(t, decode.Segment)
	long := strings.Repeat("k", 500)
	for i := range 300 {
		var keys strings.Builder
		for n := range 30 {
			fmt.Fprintf(&keys, `,"k%d":1`, i*30+n)
		}
		line := `{"type":"track","event":"E","userId":"u"` + keys.String()
		if ev := one(t, d, line+`}`); ev.Reason != "" {
			t.Fatalf("record %d: reason %q", i, ev.Reason)
		}
		if ev := one(t, d, line+fmt.Sprintf(`,"k%d":2}`, i*30)); ev.Reason != schema.DuplicateKey {
			t.Fatalf("record %d: reason %q, want duplicate_key", i, ev.Reason)
		}
	}
	if ev := one(t, d, `{"type":"track","event":"E","userId":"u","`+long+`":1}`); ev.Reason != "" {
		t.Errorf("long key: reason %q", ev.Reason)
	}
	if ev := one(t, d, `{"type":"track","event":"E","userId":"u","`+long+`":1,"`+long+`":2}`); ev.Reason != schema.DuplicateKey {
		t.Errorf("long key: reason %q, want duplicate_key", ev.Reason)
	}
}

func TestOddProperties(t *testing.T) {
	t.Parallel()
	got := page(t, "odd_props.json")
	want := []schema.Reason{"", "", schema.NoUserAnonID, schema.NoUserAnonID}
	for i, g := range got {
		if g.Reason != want[i] {
			t.Errorf("record %d: reason %q, want %q", i, g.Reason, want[i])
		}
	}
	g := strings.Join(got[0].Properties, " ")
	if !strings.HasPrefix(g, `items=arr:[{"id": 1}] amount=num:1 amount=num:2 prop_e3b0c442=num:3 prop_`) {
		t.Errorf("properties %s", g)
	}
}

// A CleverTap number is one value however it is written.
func TestNumbersInIDs(t *testing.T) {
	t.Parallel()
	id := func(value string) string {
		ev := one(t, newDecoder(t, decode.CleverTap), `{"eventName":"E","profile":{"identity":"u"},"eventProps":{"n":`+value+`}}`)
		return string(ev.ID)
	}
	for _, equal := range [][]string{
		{"0", "-0", "0.00", "0e5", `"0"`},
		{"1500", "1.5e3", "1500.0", "15E+2", "150000e-2", `" 1500 "`},
		{"-0.001", "-1e-3", "-0.0010"},
		{"1e400", "10e399", `"1e400"`},
		{"[1,2.0]", "[1.0, 2]", `"[1, 2]"`},
		{`["a",{"x":1}]`, `[ "a" , {"x":1} ]`},
		{`["a\ud800"]`, `[ "a\ud800"]`},
		{"true", `"true"`},
		{`"a\u0000"`},
		{"12345678901234567890123456789012345678901", "1.2345678901234567890123456789012345678901e40"},
	} {
		for _, other := range equal[1:] {
			if id(other) != id(equal[0]) {
				t.Errorf("%s and %s make different ids", equal[0], other)
			}
		}
	}
	seen := map[string]string{}
	for _, value := range []string{"0", "1", "10", "0.1", "-1", "1e400", "1e401", `"01"`, `"1x"`, "[1]", "[1,2]", "true", `"a"`, "null"} {
		if same, ok := seen[id(value)]; ok {
			t.Errorf("%s and %s make the same id", same, value)
		}
		seen[id(value)] = value
	}
}
