package schema_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tapline/tapline/schema"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	a, b := schema.Column{Name: "a", Type: schema.Bigint}, schema.Column{Name: "b", Type: schema.Text}
	have := tables(&schema.Table{Name: "t", Columns: []schema.Column{{Name: "a", Type: schema.Text}, {Name: "w", Type: schema.Double}, {Name: "i", Type: schema.Bigint}}})
	d := schema.Diff{
		Tables:  []schema.Table{{Name: "t", Columns: []schema.Column{a, b}}, {Name: "new", Columns: []schema.Column{a}}},
		Columns: []schema.Added{{Table: "t", Column: a}, {Table: "t", Column: schema.Column{Name: "c"}}, {Table: "gone", Column: a}},
		Widen: []schema.Widens{
			{Table: "t", Column: "w", From: schema.Bigint, To: schema.Double},
			{Table: "t", Column: "i", From: schema.Bigint, To: schema.Numeric},
			{Table: "t", Column: "gone", From: schema.Bigint, To: schema.Double},
			{Table: "gone", Column: "i", From: schema.Bigint, To: schema.Double},
		},
	}
	want := schema.Diff{
		Tables:  []schema.Table{{Name: "new", Columns: []schema.Column{a}}},
		Columns: []schema.Added{{Table: "t", Column: b}, {Table: "t", Column: schema.Column{Name: "c"}}},
		Widen:   []schema.Widens{{Table: "t", Column: "i", From: schema.Bigint, To: schema.Numeric}},
	}
	if diff := cmp.Diff(want, d.Missing(have)); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if empty := (schema.Diff{}); !empty.Empty() || d.Empty() {
		t.Error("Empty is wrong")
	}
}

// drawTables draws small schemas out of few names, so that they often overlap.
func drawTables(t *rapid.T, label string) schema.Tables {
	out := schema.Tables{}
	for i := range 3 {
		if !rapid.Bool().Draw(t, label) {
			continue
		}
		table := &schema.Table{Name: fmt.Sprint("t", i)}
		for j := range 4 {
			if typ := rapid.SampledFrom([]schema.Type{schema.Unknown, schema.Bigint, schema.Double, schema.Text}).Draw(t, "type"); typ != schema.Unknown {
				table.Columns = append(table.Columns, schema.Column{Name: fmt.Sprint("c", j), Type: typ})
			}
		}
		out[table.Name] = table
	}
	return out
}

// TestApplyLeavesNothingMissing: what a State wants of one schema, done to another, is there, and the other is not changed.
func TestApplyLeavesNothingMissing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want, have := drawTables(t, "want"), drawTables(t, "have")
		var d schema.Diff
		for _, name := range want.Names() {
			d.Tables = append(d.Tables, *want[name])
			for _, c := range want[name].Columns {
				if c.Type == schema.Double {
					d.Widen = append(d.Widen, schema.Widens{Table: name, Column: c.Name, From: schema.Bigint, To: schema.Double})
				}
			}
		}
		before := (&schema.Diff{}).Apply(have)
		missing := d.Missing(have)
		after := missing.Apply(have)
		if left := d.Missing(after); !left.Empty() {
			t.Fatalf("still missing: %+v", left)
		}
		if diff := cmp.Diff(before, have); diff != "" {
			t.Fatalf("Apply changed its argument:\n%s", diff)
		}
		for name, table := range have {
			for i, c := range table.Columns {
				got := after[name].Columns[i]
				widened := c.Type == schema.Bigint && got.Type == schema.Double
				if got.Name != c.Name || got.Type != c.Type && !widened {
					t.Fatalf("column %s.%v became %v", name, c, got)
				}
			}
		}
	})
}
