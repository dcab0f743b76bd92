package schema_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/schema"
)

// extra are the columns of a definition beside the standard ones, as name and type.
func extra(t *schema.Table) []string {
	var out []string
	for _, c := range t.Columns {
		if (&schema.Table{Columns: schema.StandardColumnsOf(t.Name)}).Column(c.Name) == nil {
			out = append(out, c.Name+" "+c.Type.String())
		}
	}
	return out
}

func TestPending(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(tables(table("purchase", schema.Column{Name: "amount", Type: schema.Bigint})), schema.Options{})
	if state.HasPending() {
		t.Fatal("a State of what is there lacks something")
	}
	row(t, state, src.track("Purchase", "amount", "7"))
	if d := state.Pending(); state.HasPending() || !d.Empty() {
		t.Errorf("a row that fits makes pending %+v", d)
	}
	row(t, state, src.track("Purchase", "Coupon Code", `"x"`, "null byte", `"\u0000x"`))
	row(t, state, src.track("New One", "b", "1.5", "a", "[1]", "at", `"2026-01-15T10:00:00Z"`))
	d := state.Pending()
	if !state.HasPending() || len(d.Widen) != 0 || len(d.Tables) != 1 {
		t.Fatalf("pending %+v, want one table", d)
	}
	want := []schema.Added{
		{Table: "purchase", Column: schema.Column{Name: "coupon_code", Type: schema.Text, Path: []string{"Coupon Code"}}},
		{Table: "purchase", Column: schema.Column{Name: "null_byte", Type: schema.Text, Path: []string{"null byte"}}},
	}
	if diff := cmp.Diff(want, d.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	created := d.Tables[0]
	if diff := cmp.Diff([]string{"a text", "at timestamptz", "b double precision"}, extra(&created)); diff != "" {
		t.Errorf("columns of the new table (-want +got):\n%s", diff)
	}
	if created.Name != "new_one" || created.Event != "New One" || created.Columns[0].Name != "id" ||
		created.Columns[1].Name != "received_at" || created.Columns[2].Name != "uuid_ts" || created.Columns[3].Name != "a" {
		t.Errorf("definition %+v, want the key first and the rest by name", created)
	}
	have := d.Apply(tables(table("purchase", schema.Column{Name: "amount", Type: schema.Bigint})))
	if !state.Sync(have) || state.HasPending() {
		t.Error("what was asked for is there and still pending")
	}
}

// TestSyncFindsContradictions: rows were made for a type that somebody else has decided otherwise meanwhile.
func TestSyncFindsContradictions(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(schema.Tables{}, schema.Options{})
	row(t, state, src.track("Purchase", "amount", "7"))
	have := tables(table("purchase", schema.Column{Name: "amount", Type: schema.Text}, schema.Column{Name: "more", Type: schema.Bigint}))
	if state.Sync(have) {
		t.Error("bigint rows are consistent with a text column")
	}
	if d := state.Pending(); !d.Empty() {
		t.Errorf("pending %+v, want the types that are there", d)
	}
	r := row(t, state, src.track("Purchase", "amount", "8", "more", "9"))
	if string(cell(r, "amount").Bytes) != "8" || cell(r, "more").Int != 9 {
		t.Error("the State does not use the columns that are there")
	}
	if !state.Sync(schema.Tables{}) || len(state.Pending().Tables) != 1 {
		t.Error("a table that is gone is not wanted again")
	}
}

type widener map[string]schema.Type

func (w widener) Widen(table, column string) (schema.Type, bool) {
	to, ok := w[table+"."+column]
	return to, ok
}

func TestWidening(t *testing.T) {
	t.Parallel()
	bigint := func(name string) schema.Column { return schema.Column{Name: name, Type: schema.Bigint} }
	for name, c := range map[string]struct {
		have    schema.Tables
		widener schema.Widener
		managed bool
		ints    []string // sent before the fraction
		want    schema.Type
	}{
		"new column":          {have: schema.Tables{}, ints: []string{"9007199254740992"}, want: schema.Double},
		"new, large value":    {have: schema.Tables{}, ints: []string{"-9007199254740993"}, want: schema.Numeric},
		"stored, small":       {have: tables(table("e", bigint("x"))), widener: widener{"e.x": schema.Double}, want: schema.Double},
		"stored, large":       {have: tables(table("e", bigint("x"))), widener: widener{"e.x": schema.Numeric}, want: schema.Numeric},
		"stored, large comes": {have: tables(table("e", bigint("x"))), widener: widener{"e.x": schema.Double}, ints: []string{"9223372036854775807"}, want: schema.Numeric},
		"refused":             {have: tables(table("e", bigint("x"))), widener: widener{}, want: schema.Bigint},
		"nobody to ask":       {have: tables(table("e", bigint("x"))), want: schema.Bigint},
		"managed":             {have: tables(table("e", bigint("x"))), widener: widener{"e.x": schema.Double}, managed: true, want: schema.Bigint},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := newSource()
			state := schema.NewState(c.have, schema.Options{Widener: c.widener, Managed: c.managed})
			for _, lit := range append(c.ints, "1") {
				row(t, state, src.track("e", "x", lit))
			}
			r := row(t, state, src.track("e", "x", "0.5"))
			wider := c.want != schema.Bigint
			if got := cell(r, "x"); (got != nil) != wider || wider && got.Column.Type != c.want {
				t.Errorf("cell %+v, want type %s", got, c.want)
			}
			if got := len(state.Blocked()) == 1; got == wider {
				t.Errorf("blocked %v", state.Blocked())
			}
			if !wider {
				if diff := cmp.Diff([][3]string{{"x", "0.5", "type_mismatch"}}, discards(r)); diff != "" {
					t.Errorf("discards (-want +got):\n%s", diff)
				}
			}
			if want := wider && len(c.have) > 0; (len(state.Pending().Widen) == 1) != want {
				t.Errorf("pending %+v", state.Pending())
			}
		})
	}
}

// TestUsersMirrorIdentifies: what identifies gets, users gets, and both widen or neither.
func TestUsersMirrorIdentifies(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(schema.Tables{}, schema.Options{})
	row(t, state, src.call(schema.Identify, "age", "30", "name", `"x"`))
	row(t, state, src.call(schema.Group, "plan", `"p"`))
	got := map[string][]string{}
	for _, d := range state.Pending().Tables {
		got[d.Name] = extra(&d)
	}
	want := map[string][]string{
		"identifies": {"age bigint", "name text"}, "users": {"age bigint", "name text"}, "groups": {"plan text"}, "accounts": {"plan text"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	for name, c := range map[string]struct {
		users   schema.Type
		widener widener
		want    []schema.Widens
	}{
		"both":    {schema.Bigint, widener{"identifies.age": schema.Double, "users.age": schema.Double}, []schema.Widens{{"identifies", "age", schema.Bigint, schema.Double}, {"users", "age", schema.Bigint, schema.Double}}},
		"larger":  {schema.Bigint, widener{"identifies.age": schema.Double, "users.age": schema.Numeric}, []schema.Widens{{"identifies", "age", schema.Bigint, schema.Numeric}, {"users", "age", schema.Bigint, schema.Numeric}}},
		"neither": {schema.Bigint, widener{"identifies.age": schema.Double}, nil},
		"text":    {schema.Text, widener{"identifies.age": schema.Double}, []schema.Widens{{"identifies", "age", schema.Bigint, schema.Double}}},
	} {
		state := schema.NewState(tables(table("identifies", schema.Column{Name: "age", Type: schema.Bigint}),
			table("users", schema.Column{Name: "age", Type: c.users})), schema.Options{Widener: c.widener})
		row(t, state, src.call(schema.Identify, "age", "0.5"))
		if diff := cmp.Diff(c.want, state.Pending().Widen); diff != "" {
			t.Errorf("%s: widen (-want +got):\n%s", name, diff)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(tables(table("e", schema.Column{Name: "old", Type: schema.Text})), schema.Options{MaxColumns: 3, MaxTables: 2})
	ev := src.track("e", "a", "null byte", "b", "1")
	ev.Properties = nil
	for i := range 5 {
		ev.Properties = append(ev.Properties, src.leaf(schema.SectionProperty, "1", fmt.Sprint("p", i)))
	}
	ev.Properties = append(ev.Properties, src.leaf(schema.SectionProperty, `"o"`, "old"))
	ev.Context = append(ev.Context, src.leaf(schema.SectionContext, `"c"`, "ip"))
	r := row(t, state, ev)
	if diff := cmp.Diff([][3]string{{"p1", "1", "column_limit"}, {"p2", "1", "column_limit"}, {"p3", "1", "column_limit"}, {"p4", "1", "column_limit"}}, discards(r)); diff != "" {
		t.Errorf("discards (-want +got): context comes first, existing columns are always filled\n%s", diff)
	}
	if cell(r, "old") == nil || cell(r, "context_ip") == nil || cell(r, "p0") == nil {
		t.Error("a column that fits is not filled")
	}
	row(t, state, src.track("second"))
	var none schema.Row
	if reason := state.Row(src.track("third"), 0, &none); reason != schema.TableLimit {
		t.Errorf("third table: %q, want table_limit", reason)
	}
}

func TestManagedKeepsToWhatIsThere(t *testing.T) {
	t.Parallel()
	src := newSource()
	state := schema.NewState(tables(table("e", schema.Column{Name: "a", Type: schema.Bigint})), schema.Options{Managed: true})
	r := row(t, state, src.track("e", "a", "1", "b", `"x"`))
	if diff := cmp.Diff([][3]string{{"b", `"x"`, "unknown_column"}}, discards(r)); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
	var none schema.Row
	if reason := state.Row(src.track("other"), 0, &none); reason != schema.UnknownTable {
		t.Errorf("event without a table: %q, want unknown_table", reason)
	}
	if state.HasPending() {
		t.Errorf("pending %+v in managed mode", state.Pending())
	}
}
