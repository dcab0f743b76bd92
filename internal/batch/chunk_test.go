package batch_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

// source decodes lines and makes rows of them, as a load does.
type source struct {
	t     rapid.TB
	dec   *decode.Decoder
	state *schema.State
	ev    schema.Event
	row   schema.Row
}

func newSource(t rapid.TB) *source {
	t.Helper()
	dec, err := decode.New(decode.Options{Kind: decode.Segment, Paths: schema.NewPaths(0)})
	if err != nil {
		t.Fatalf("new decoder: %v", err)
	}
	return &source{t: t, dec: dec, state: schema.NewState(nil, schema.Options{})}
}

// add makes a row of event E with the given properties and adds it to c.
func (s *source) add(c *batch.Chunk, id int, properties string) {
	s.t.Helper()
	line := fmt.Sprintf(`{"type":"track","event":"E","userId":"u","messageId":"m%d","properties":%s}`, id, properties)
	if !s.dec.Line([]byte(line), &s.ev) || s.ev.Reason != "" {
		s.t.Fatalf("decode %s: %s", line, s.ev.Reason)
	}
	if reason := s.state.Row(&s.ev, 0, &s.row); reason != "" {
		s.t.Fatalf("row of %s: %s", line, reason)
	}
	c.Add(&s.row)
}

// column reads one column of the chunk's only table back through Arrow's own array types.
func column(t rapid.TB, c *batch.Chunk, name string) []any {
	t.Helper()
	var r batch.Record
	c.Tables()[0].Record(&r)
	for i, n := range r.Names {
		if n == name {
			return values(t, array.MakeFromData(r.Columns[i]))
		}
	}
	return nil
}

func values(t rapid.TB, a arrow.Array) []any {
	t.Helper()
	out := make([]any, a.Len())
	for i := range out {
		if a.IsNull(i) {
			continue
		}
		switch a := a.(type) {
		case *array.Int64:
			out[i] = a.Value(i)
		case *array.Float64:
			out[i] = a.Value(i)
		case *array.Boolean:
			out[i] = a.Value(i)
		case *array.String:
			out[i] = a.Value(i)
		case *array.Timestamp:
			out[i] = int64(a.Value(i))
		default:
			t.Fatalf("column has arrow type %s", a.DataType())
		}
	}
	return out
}

func TestValuesAreArrowColumns(t *testing.T) {
	t.Parallel()
	s, c := newSource(t), batch.NewChunk(1<<20)
	for round := range 2 { // the second reuses the memory of the first
		c.Reset()
		s.add(c, 10*round, `{"i":1,"f":1.5,"b":true,"s":"x","t":"1970-01-01T00:00:01Z"}`)
		s.add(c, 10*round+1, `{}`)
		s.add(c, 10*round+2, `{"i":-3,"s":"","b":false,"late":7}`)
		want := map[string][]any{
			"i": {int64(1), nil, int64(-3)}, "f": {1.5, nil, nil}, "b": {true, nil, false}, "s": {"x", nil, ""},
			"t": {int64(1_000_000), nil, nil}, "late": {nil, nil, int64(7)}, "user_id": {"u", "u", "u"}, "absent": nil,
		}
		for name, w := range want {
			if diff := cmp.Diff(w, column(t, c, name)); diff != "" {
				t.Errorf("round %d, column %s (-want +got):\n%s", round, name, diff)
			}
		}
	}
}

func TestBigintColumnWidensInsideAChunk(t *testing.T) {
	t.Parallel()
	s, c := newSource(t), batch.NewChunk(1<<20)
	s.add(c, 1, `{"v":3,"w":9007199254740993}`)
	s.add(c, 2, `{}`)
	s.add(c, 3, `{"v":2.5,"w":0.5}`)
	if diff := cmp.Diff([]any{3.0, nil, 2.5}, column(t, c, "v")); diff != "" {
		t.Errorf("small integers become doubles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"9007199254740993", nil, "0.5"}, column(t, c, "w")); diff != "" {
		t.Errorf("an integer that no double holds makes the column numeric (-want +got):\n%s", diff)
	}
}

// TestAnyPatternOfNulls adds a value to a random part of many rows and reads all of them back.
func TestAnyPatternOfNulls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, c := newSource(t), batch.NewChunk(1<<20)
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			c.Reset()
			want := map[string][]any{}
			rows := rapid.IntRange(1, 70).Draw(t, "rows")
			for row := range rows {
				b, i := rapid.Bool().Draw(t, "b"), rapid.Int64Range(-math.MaxInt32, math.MaxInt32).Draw(t, "i")
				line := "{"
				for _, p := range []struct {
					name, text string
					value      any
				}{{"b", fmt.Sprint(b), b}, {"i", fmt.Sprint(i), i}, {"s", fmt.Sprintf(`"s%d"`, i), fmt.Sprintf("s%d", i)}} {
					if want[p.name] == nil {
						want[p.name] = make([]any, rows)
					}
					if rapid.Bool().Draw(t, "has "+p.name) {
						line += fmt.Sprintf(`%q:%s,`, p.name, p.text)
						want[p.name][row] = p.value
					}
				}
				s.add(c, row, line+`"end":1}`)
			}
			for name, w := range want {
				got := column(t, c, name)
				if got == nil {
					got = make([]any, rows) // no row has a value: no column
				}
				if diff := cmp.Diff(w, got); diff != "" {
					t.Fatalf("column %s (-want +got):\n%s", name, diff)
				}
			}
		}
	})
}

func TestChunkIsFullAtItsLimit(t *testing.T) {
	t.Parallel()
	s, c := newSource(t), batch.NewChunk(64<<10)
	n := 0
	for ; !c.Full(); n++ {
		s.add(c, n, `{"s":"0123456789012345678901234567890123456789"}`)
	}
	if size := c.Size(); size < 64<<10 || size > 65<<10 {
		t.Errorf("full at %d bytes, want about 64 KiB", size)
	}
	if n < 300 || n > 1200 {
		t.Errorf("full after %d rows of about 130 bytes, want about 500", n)
	}
	c.Reset()
	if c.Full() || !c.Empty() {
		t.Error("chunk is not empty after Reset")
	}
}
