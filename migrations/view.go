package migrations

import (
	"slices"
	"strings"

	"github.com/tapline/tapline/schema"
)

// maxViewColumns and maxViewCells bound the tracks view: Postgres allows 1,600 columns, and keeps some 300 bytes of
// parse tree for each column of each table in it. A context column beyond that is in its tables but not in tracks.
const (
	maxViewColumns = 1500
	maxViewCells   = 200_000
)

// viewChange is the SQL that a migration needs around its other statements for the tracks view.
type viewChange struct {
	upFirst, upLast, downFirst, downLast string
	// replaces says that the view exists before and that the migration changes it.
	replaces bool
}

// tracksChange returns how the tracks view has to change when d is done to before: not at all if it is a table, as in
// schemas that were Segment's, or if it shows the same as before.
//
// The view is never dropped on the way up: that would take the analysts' grants and their own views with it. Postgres
// refuses to change the type of a column that a view uses, so where one is widened the view first becomes an empty
// SELECT of the same columns and then itself again.
//
// shown are the tables that it shows before, each with the columns of it that it uses.
func tracksChange(schemaName string, before schema.Tables, shown []*schema.Table, d schema.Diff) viewChange {
	old := before[schema.TableTracks]
	if old != nil && !old.View {
		return viewChange{}
	}
	after := d.Apply(before)
	v := view{name: qualified(schemaName, schema.TableTracks), schema: schemaName}
	tables := after.TracksTables()
	if old == nil {
		if len(tables) == 0 {
			return viewChange{}
		}
		columns := tracksColumns(nil, tables)
		return viewChange{
			upLast:    v.replace(v.union(tables, columns)) + v.comments(tables, columns, 0),
			downFirst: "drop view if exists " + v.name + ";\n",
		}
	}
	return v.change(shown, tables, old.Columns, retypes(d))
}

// retypes reports whether d changes the type of a column that the view shows.
func retypes(d schema.Diff) bool {
	return slices.ContainsFunc(d.Widen, func(w schema.Widens) bool {
		return strings.HasPrefix(w.Column, "context_") || schema.IsStandardColumn(w.Column)
	})
}

type view struct{ name, schema string }

func (v view) change(oldTables, newTables []*schema.Table, columns []schema.Column, retyped bool) viewChange {
	oldColumns := columnNames(columns)
	newColumns := tracksColumns(oldColumns, newTables)
	oldSQL, newSQL := v.union(oldTables, oldColumns), v.union(newTables, newColumns)
	if oldSQL == newSQL && !retyped {
		return viewChange{}
	}
	c := viewChange{
		replaces:  true,
		upLast:    v.replace(newSQL) + v.comments(newTables, newColumns, len(oldColumns)),
		downFirst: v.replace(v.union(nil, oldColumns)),
		downLast:  v.replace(oldSQL),
	}
	if retyped {
		c.upFirst = v.replace(v.union(nil, oldColumns))
	}
	if len(newColumns) > len(oldColumns) {
		c.downFirst = "drop view if exists " + v.name + ";\n" // a view cannot lose columns
		c.downLast += v.comments(oldTables, oldColumns, 0)
	}
	return c
}

// tracksColumns returns the columns of the view over tables: those that it has already, in their order, because a view
// cannot change it, then the standard ones, then the context columns of any table in byte order.
func tracksColumns(shown []string, tables []*schema.Table) []string {
	columns := slices.Clone(shown)
	known := make(map[string]bool, len(shown))
	for _, name := range shown {
		known[name] = true
	}
	for _, c := range schema.StandardColumns() {
		if !known[c.Name] {
			known[c.Name] = true
			columns = append(columns, c.Name)
		}
	}
	var added []string
	for _, t := range tables {
		for i := range t.Columns {
			name := t.Columns[i].Name
			if strings.HasPrefix(name, "context_") && !known[name] {
				known[name] = true
				added = append(added, name)
			}
		}
	}
	slices.Sort(added)
	room := min(maxViewColumns, maxViewCells/max(1, len(tables))) - len(columns)
	return append(columns, added[:min(len(added), max(0, room))]...)
}

func columnNames(columns []schema.Column) []string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	return names
}

func (v view) replace(query string) string {
	return "create or replace view " + v.name + " as\n" + query + ";\n"
}

// union returns the query of the view; without tables it has the same columns and no rows. UNION ALL needs equal types,
// and the same context property may have another type in each table: those are shown as text.
func (v view) union(tables []*schema.Table, columns []string) string {
	types := make(map[string]schema.Type, 16)
	for _, c := range schema.StandardColumns() {
		types[c.Name] = c.Type
	}
	var b strings.Builder
	for i, t := range tables {
		if i > 0 {
			b.WriteString("\nunion all\n")
		}
		v.branch(&b, t, columns, types)
		b.WriteString("\nfrom " + qualified(v.schema, t.Name))
	}
	if len(tables) == 0 {
		v.branch(&b, &schema.Table{}, columns, types)
		b.WriteString("\nwhere false")
	}
	return b.String()
}

func (v view) branch(b *strings.Builder, t *schema.Table, columns []string, types map[string]schema.Type) {
	has := make(map[string]bool, len(t.Columns))
	for i := range t.Columns {
		has[t.Columns[i].Name] = true
	}
	b.WriteString("select ")
	for i, name := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		if has[name] {
			b.WriteString(ident(name))
		} else {
			b.WriteString("null")
		}
		typ, standard := types[name]
		if !standard {
			typ = schema.Text
		}
		b.WriteString("::" + typ.String())
		if name == "id" {
			// Said for tables that were not made here too: all branches must agree. The key's index is still used.
			b.WriteString(` collate "C"`)
		}
		b.WriteString(" as " + ident(name))
	}
}

// comments returns the comments of the view and of its columns from number from on.
func (v view) comments(tables []*schema.Table, columns []string, from int) string {
	comments := make(map[string]string, len(columns))
	for _, c := range schema.StandardColumns() {
		comments[c.Name] = c.Comment
	}
	for _, t := range tables {
		for i := range t.Columns {
			c := &t.Columns[i]
			if comments[c.Name] == "" && strings.HasPrefix(c.Name, "context_") {
				comments[c.Name] = contextComment(c)
			}
		}
	}
	var b strings.Builder
	if from == 0 {
		b.WriteString("comment on view " + v.name +
			" is 'All track events of all tables: the columns they share, context as text.';\n")
	}
	for _, name := range columns[from:] {
		comment := comments[name]
		if comment == "" {
			comment = "Column " + jsonText(name) + " of the events."
		}
		b.WriteString("comment on column " + v.name + "." + ident(name) + " is " + lit(comment) + ";\n")
	}
	return b.String()
}

// contextComment describes a context column without the event that one of its tables is about.
func contextComment(c *schema.Column) string {
	if len(c.Path) == 0 {
		return ""
	}
	keys := make([]string, len(c.Path))
	for i, key := range c.Path {
		keys[i] = jsonText(key)
	}
	return "Context " + strings.Join(keys, ".") + " of the events that have it, as text."
}
