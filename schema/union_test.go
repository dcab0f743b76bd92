package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/schema"
)

func TestUnion(t *testing.T) {
	t.Parallel()
	column := func(name string, typ schema.Type) schema.Column { return schema.Column{Name: name, Type: typ} }
	a := schema.Diff{
		Tables:  []schema.Table{{Name: "t", Columns: []schema.Column{column("id", schema.Text), column("x", schema.Text)}}},
		Columns: []schema.Added{{Table: "u", Column: column("x", schema.Text)}},
		Widen:   []schema.Widens{{Table: "u", Column: "n", From: schema.Bigint, To: schema.Numeric}},
	}
	b := schema.Diff{
		Tables: []schema.Table{
			{Name: "t", Columns: []schema.Column{column("id", schema.Text), column("x", schema.Bigint), column("y", schema.Bigint)}},
			{Name: "v", Columns: []schema.Column{column("id", schema.Text)}},
		},
		Columns: []schema.Added{
			{Table: "u", Column: column("x", schema.Bigint)},
			{Table: "u", Column: column("z", schema.Bigint)},
			{Table: "t", Column: column("z", schema.Boolean)},
		},
		Widen: []schema.Widens{{Table: "u", Column: "n", From: schema.Bigint, To: schema.Double}, {Table: "u", Column: "m", From: schema.Bigint, To: schema.Double}},
	}
	want := schema.Diff{
		Tables: []schema.Table{
			{Name: "t", Columns: []schema.Column{column("id", schema.Text), column("x", schema.Text), column("y", schema.Bigint), column("z", schema.Boolean)}},
			{Name: "v", Columns: []schema.Column{column("id", schema.Text)}},
		},
		Columns: []schema.Added{{Table: "u", Column: column("x", schema.Text)}, {Table: "u", Column: column("z", schema.Bigint)}},
		Widen:   []schema.Widens{{Table: "u", Column: "n", From: schema.Bigint, To: schema.Numeric}, {Table: "u", Column: "m", From: schema.Bigint, To: schema.Double}},
	}
	if diff := cmp.Diff(want, a.Union(b)); diff != "" {
		t.Errorf("Union (-want +got):\n%s", diff)
	}
	if len(a.Tables[0].Columns) != 2 {
		t.Error("Union changed what it was called on")
	}
}
