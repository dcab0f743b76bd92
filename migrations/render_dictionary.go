package migrations

import "github.com/tapline/tapline/schema"

// rowsPerInsert keeps one statement of a file readable and its parse tree small.
const rowsPerInsert = 500

// dictionary writes the new columns into _columns.
func (r *renderer) dictionary() {
	n := 0
	end := func() {
		if n > 0 {
			// A row is there if somebody dropped the column by hand, or has just been faster.
			r.add("\n\ton conflict (\"table_name\", \"column_name\") do update set \"type\" = excluded.\"type\";\n")
		}
	}
	row := func(t *schema.Table, c *schema.Column) {
		if n%rowsPerInsert == 0 {
			end()
			r.add("insert into ", qualified(r.schema, "_columns"),
				` ("table_name", "column_name", "path", "type", "event") values`)
		} else {
			r.add(",")
		}
		n++
		path, event := "null", "null"
		if len(c.Path) > 0 {
			path = lit(jsonText(c.Path))
		}
		if t.Event != "" {
			event = lit(t.Event)
		}
		r.add("\n\t(", lit(t.Name), ", ", lit(c.Name), ", ", path, ", ", lit(c.Type.String()), ", ", event, ")")
	}
	for i := range r.diff.Tables {
		t := &r.diff.Tables[i]
		for j := range t.Columns {
			row(t, &t.Columns[j])
		}
	}
	for i := range r.diff.Columns {
		row(r.table(r.diff.Columns[i].Table), &r.diff.Columns[i].Column)
	}
	end()
	r.arrays()
	r.retypeDictionary(func(w schema.Widens) string { return w.To.String() })
}

// arrays marks the new columns whose first value was an array.
func (r *renderer) arrays() {
	mark := func(table string, c *schema.Column) {
		if c.Array {
			r.add("update ", qualified(r.schema, "_columns"), ` set "is_array" = true where "table_name" = `, lit(table),
				` and "column_name" = `, lit(c.Name), ";\n")
		}
	}
	for i := range r.diff.Tables {
		t := &r.diff.Tables[i]
		for j := range t.Columns {
			mark(t.Name, &t.Columns[j])
		}
	}
	for i := range r.diff.Columns {
		mark(r.diff.Columns[i].Table, &r.diff.Columns[i].Column)
	}
}

func (r *renderer) retypeDictionary(to func(schema.Widens) string) {
	for _, w := range r.diff.Widen {
		r.add("update ", qualified(r.schema, "_columns"), ` set "type" = `, lit(to(w)),
			` where "table_name" = `, lit(w.Table), ` and "column_name" = `, lit(w.Column), ";\n")
	}
}

// forget takes dictionary back.
func (r *renderer) forget() {
	for _, t := range r.diff.Tables {
		r.add("delete from ", qualified(r.schema, "_columns"), ` where "table_name" = `, lit(t.Name), ";\n")
	}
	for group := range groups(r.diff.Columns, func(a schema.Added) string { return a.Table }) {
		r.add("delete from ", qualified(r.schema, "_columns"), ` where "table_name" = `, lit(group[0].Table),
			` and "column_name" in (`)
		for i, a := range group {
			if i > 0 {
				r.add(", ")
			}
			r.add(lit(a.Column.Name))
		}
		r.add(");\n")
	}
	r.retypeDictionary(func(w schema.Widens) string {
		if w.From == schema.Unknown {
			return r.widening(w).From
		}
		return w.From.String()
	})
}
