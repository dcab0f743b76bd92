package schema_test

import (
	"fmt"
	"testing"

	"github.com/tapline/tapline/schema"
)

// TestOutdated: rows are outdated only by a widening that would have made others of them.
func TestOutdated(t *testing.T) {
	t.Parallel()
	crowd := []string{"a", "9007199254740993"}
	for i := range 400 {
		crowd = append(crowd, fmt.Sprint("p", i), "1")
	}
	for name, c := range map[string]struct {
		events [][]string
		want   bool
	}{
		"nothing refused":              {[][]string{{"a", "1"}, {"a", "0.5"}}, false},
		"not widened":                  {[][]string{{"a", "1"}, {"a", `"0.5"`}}, false},
		"a number as a string":         {[][]string{{"a", "1"}, {"a", `"0.5"`}, {"a", "0.5"}}, true},
		"minus zero":                   {[][]string{{"a", "1"}, {"a", "-0.0"}, {"a", "0.5"}}, true},
		"a large integer":              {[][]string{{"a", "1"}, {"a", "9223372036854775808"}, {"a", "0.5"}}, true},
		"refused for ever":             {[][]string{{"a", "1"}, {"a", `"x"`}, {"a", `"03"`}, {"a", "true"}, {"a", "1e400"}, {"a", "[1]"}, {"a", "0.5"}}, false},
		"refused after it":             {[][]string{{"a", "1"}, {"a", "0.5"}, {"a", `"x"`}}, false},
		"another column":               {[][]string{{"a", "1", "b", "1"}, {"b", `"0.5"`}, {"a", "0.5"}}, false},
		"a row that may not fit":       {[][]string{crowd, {"a", "0.5"}}, true},
		"a row as large with a double": {[][]string{crowd[2:], {"p1", "0.5"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := newSource()
			state := schema.NewState(schema.Tables{}, schema.Options{})
			for round := range 2 {
				state.Begin(true)
				for _, properties := range c.events {
					row(t, state, src.track("e", properties...))
				}
				if got, want := state.Outdated(), c.want && round == 0; got != want {
					t.Errorf("round %d: outdated %t, want %t", round, got, want)
				}
			}
		})
	}
}

// TestBeginForgetsWhatIsStored: of values of earlier units only the database knows whether they are there.
func TestBeginForgetsWhatIsStored(t *testing.T) {
	t.Parallel()
	for committed, want := range map[bool]schema.Type{true: schema.Double, false: schema.Numeric} {
		src := newSource()
		state := schema.NewState(tables(table("e", schema.Column{Name: "x", Type: schema.Bigint})), schema.Options{Widener: widener{"e.x": schema.Double}})
		row(t, state, src.track("e", "x", "9007199254740993"))
		state.Begin(committed)
		if got := cell(row(t, state, src.track("e", "x", "0.5")), "x").Column.Type; got != want {
			t.Errorf("committed %t: %s, want %s", committed, got, want)
		}
	}
}
