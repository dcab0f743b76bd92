package dictionary

import (
	"slices"
	"strings"

	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Kind is what is wrong with a thing, as one word for programs.
type Kind string

// The kinds of findings. Those from ExtraIndex on are no drift: analysts may add what they need.
const (
	MissingTable   Kind = "missing_table"
	ExtraTable     Kind = "extra_table"
	MissingColumn  Kind = "missing_column"
	ExtraColumn    Kind = "extra_column"
	ChangedType    Kind = "changed_type"
	MissingComment Kind = "missing_comment"
	MissingKey     Kind = "missing_key"
	MissingIndex   Kind = "missing_index"
	InvalidIndex   Kind = "invalid_index"
	MissingTracks  Kind = "missing_tracks"
	ChangedTracks  Kind = "changed_tracks"
	Migrations     Kind = "migrations"

	ExtraIndex    Kind = "extra_index"
	ExtraRelation Kind = "extra_relation"
	AdoptedTable  Kind = "adopted_table"
)

// Drift reports whether a finding of this kind is a difference that somebody should repair.
func (k Kind) Drift() bool {
	switch k {
	case ExtraIndex, ExtraRelation, AdoptedTable:
		return false
	}
	return true
}

// Finding is one difference between the database and what should be there.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Table  string `json:"table,omitempty"`
	Column string `json:"column,omitempty"`
	// Index is the name of an index, for findings about one.
	Index string `json:"index,omitempty"`
	// Problem says in words what is there and what should be.
	Problem string `json:"problem"`
	// Repair is SQL, or else Command a command line, that makes the two the same. SQL about an index that is built
	// concurrently cannot run in a transaction.
	Repair  string `json:"repair,omitempty"`
	Command string `json:"command,omitempty"`
	// Or is SQL for the other way out: what is there goes.
	Or string `json:"or,omitempty"`
}

// Diff compares the schema with what should be there: the catalogue, and the evolutions that _columns has recorded.
// Findings come by table; with those that are no drift (see Kind.Drift) if all is set. The view tracks is not looked into:
// see CheckTracks.
//
// Tables that were there before Tapline are as their owner made them: only what Tapline added to them can be missing.
func Diff(s *Schema, all bool) []Finding {
	d := differ{schema: s, expected: s.expected(), all: all}
	for _, name := range d.expected.Names() {
		if s.Table(name) == nil {
			d.missingTable(d.expected[name])
		}
	}
	for _, t := range s.Tables {
		if !t.isView() {
			d.table(t)
		}
	}
	for _, t := range s.Others {
		d.add(Finding{Kind: ExtraRelation, Table: t.Name, Problem: "a " + t.Kind + " that is not Tapline's"})
	}
	slices.SortStableFunc(d.found, func(a, b Finding) int { return strings.Compare(a.Table, b.Table) })
	return d.found
}

type differ struct {
	schema   *Schema
	expected schema.Tables
	all      bool
	found    []Finding
}

func (d *differ) add(f Finding) {
	if d.all || f.Kind.Drift() {
		d.found = append(d.found, f)
	}
}

// expected returns the tables and columns that should be there. Columns of the catalogue have its comments; the type is
// that of _columns, which follows what was widened.
func (s *Schema) expected() schema.Tables {
	tables := schema.Tables{}
	for _, t := range schema.BaselineTables() {
		tables[t.Name] = &t
	}
	recorded := make([]place, 0, len(s.recorded))
	for at := range s.recorded {
		recorded = append(recorded, at)
	}
	slices.SortFunc(recorded, func(a, b place) int {
		if c := strings.Compare(a.table, b.table); c != 0 {
			return c
		}
		return schemaOrder(a.column, b.column)
	})
	for _, at := range recorded {
		t := tables[at.table]
		if t == nil {
			t = &schema.Table{Name: at.table}
			if have := s.Table(at.table); have != nil {
				t.Event = have.Event
			}
			tables[at.table] = t
		}
		r := s.recorded[at]
		if c := t.Column(at.column); c != nil {
			c.Type, c.Path = recordedType(r.typ), r.path
			continue
		}
		t.Columns = append(t.Columns, schema.Column{Name: at.column, Type: recordedType(r.typ), Path: r.path})
	}
	return tables
}

// lack returns what is missing of the tables and columns that should be there.
func (s *Schema) lack() schema.Diff {
	all := schema.Diff{}
	expected := s.expected()
	for _, name := range expected.Names() {
		all.Tables = append(all.Tables, *expected[name])
	}
	return all.Missing(s.tables())
}

// schemaOrder puts the key first, as in tables that are made.
func schemaOrder(a, b string) int {
	rank := func(name string) int { return slices.Index([]string{"uuid_ts", "received_at", "id"}, name) }
	if ra, rb := rank(a), rank(b); ra != rb {
		return rb - ra
	}
	return strings.Compare(a, b)
}

func recordedType(name string) schema.Type {
	if t := schema.ParseType(name); t != schema.Unknown {
		return t
	}
	return schema.Text // what a column without a value of any type was made
}

func (d *differ) missingTable(t *schema.Table) {
	up, _ := migrations.Render(d.schema.Name, without(nil), schema.Diff{Tables: []schema.Table{*t}})
	d.add(Finding{
		Kind: MissingTable, Table: t.Name, Repair: up,
		Problem: "the table is not there, with " + columns(len(t.Columns)) + " that should be in it",
	})
}

// without returns tables whose tracks is not a view, so that what is rendered leaves the view alone.
func without(t *schema.Table) schema.Tables {
	out := schema.Tables{schema.TableTracks: {Name: schema.TableTracks}}
	if t != nil {
		out[t.Name] = t
	}
	return out
}

func (d *differ) table(t *Table) {
	own := 0 // columns that nothing has recorded
	want := d.expected[t.Name]
	for _, c := range t.Columns {
		if want != nil && want.Column(c.Name) != nil {
			continue
		}
		own++
		if t.recorded {
			d.extraColumn(t, c)
		}
	}
	if !t.recorded {
		// Drift only if the view tracks does not have it, see CheckTracks: what was there before Tapline is in it.
		d.add(Finding{Kind: AdoptedTable, Table: t.Name, Problem: "the table was there before Tapline, with " + columns(own) + " of its own"})
	}
	if want != nil {
		d.comment(t, want)
		for i := range want.Columns {
			d.column(t, want, &want.Columns[i])
		}
	}
	d.indexes(t)
}

func (d *differ) comment(t *Table, want *schema.Table) {
	if t.recorded && t.Comment == "" {
		d.add(Finding{
			Kind: MissingComment, Table: t.Name, Problem: "the table has no comment",
			Repair: migrations.CommentSQL(d.schema.Name, want, nil),
		})
	}
}

func (d *differ) column(t *Table, want *schema.Table, c *schema.Column) {
	have := t.Column(c.Name)
	record, recorded := d.schema.recorded[place{t.Name, c.Name}]
	if have == nil {
		up, _ := migrations.Render(d.schema.Name, without(want), schema.Diff{Columns: []schema.Added{{Table: t.Name, Column: *c}}})
		d.add(Finding{
			Kind: MissingColumn, Table: t.Name, Column: c.Name, Repair: up, Problem: "the column is not there; it should be " + c.Type.String(),
		})
		return
	}
	if !recorded {
		return // it was there before, and is as its owner made it
	}
	known := schema.ParseType(record.typ) != schema.Unknown // else it was recorded as what it is: a type of somebody's own
	if known && (schema.ParseType(have.Type) != c.Type || strings.Contains(have.Type, "(")) {
		d.changedType(t, have, c)
	}
	if have.Comment == "" {
		d.add(Finding{
			Kind: MissingComment, Table: t.Name, Column: c.Name, Problem: "the column has no comment",
			Repair: migrations.CommentSQL(d.schema.Name, want, c),
		})
	}
}

// changedType names both ways out. A wider type is better recorded than taken back: the loader uses it as it is.
func (d *differ) changedType(t *Table, have *Column, want *schema.Column) {
	back := "alter table " + ident(d.schema.Name, t.Name) + " alter column " + ident(have.Name) + " type " + want.Type.String() +
		" using " + ident(have.Name) + "::" + want.Type.String() + ";\n"
	f := Finding{
		Kind: ChangedType, Table: t.Name, Column: have.Name, Repair: back,
		Problem: "the column is " + have.Type + "; it should be " + want.Type.String(),
	}
	now := schema.ParseType(have.Type)
	if holds(now, want.Type) && !strings.Contains(have.Type, "(") {
		f.Repair, f.Or = "update "+ident(d.schema.Name, "_columns")+" set type = '"+now.String()+"' where table_name = "+
			quote(t.Name)+" and column_name = "+quote(have.Name)+";\n", back
	}
	d.add(f)
}

// holds reports whether a column of the wider type can hold what one of the other could.
func holds(wider, narrower schema.Type) bool {
	switch wider {
	case schema.Text:
		return true
	case schema.Numeric:
		return narrower == schema.Bigint
	case schema.Double:
		return narrower == schema.Bigint
	}
	return false
}

// extraColumn is about a column that somebody added to a table of Tapline's.
func (d *differ) extraColumn(t *Table, c *Column) {
	up, _ := migrations.Render(d.schema.Name, without(t.plain()), schema.Diff{Columns: []schema.Added{{Table: t.Name, Column: c.plain()}}})
	d.add(Finding{
		Kind: ExtraColumn, Table: t.Name, Column: c.Name, Repair: up,
		Problem: "a column of type " + c.Type + " that no migration made",
		Or:      "alter table " + ident(d.schema.Name, t.Name) + " drop column " + ident(c.Name) + ";\n",
	})
}
