package schema

import "slices"

// Diff is what a source's schema lacks: the input of a migration. The zero Diff lacks nothing.
type Diff struct {
	Tables  []Table  // tables to create, each with all its columns, standard ones first
	Columns []Added  // columns to add to tables that exist
	Widen   []Widens // columns whose type becomes wider
}

// Added is one column to add to a table that exists.
type Added struct {
	Table  string
	Column Column
}

// Widens is one change of type that keeps every value: bigint to double precision or numeric (rule 11).
type Widens struct {
	Table, Column string
	From, To      Type
}

// Empty reports whether there is nothing to do.
func (d *Diff) Empty() bool { return len(d.Tables) == 0 && len(d.Columns) == 0 && len(d.Widen) == 0 }

// Size is how many tables, columns and changes of type there are.
func (d *Diff) Size() int {
	n := len(d.Tables) + len(d.Columns) + len(d.Widen)
	for i := range d.Tables {
		n += len(d.Tables[i].Columns)
	}
	return n
}

// Missing returns the part of d that have still lacks: another loader may have been faster. A column that exists keeps
// the type it has, whatever d says; a column to widen that has its new type, or any other than From, is left alone.
func (d *Diff) Missing(have Tables) Diff {
	var out Diff
	for _, t := range d.Tables {
		existing := have[t.Name]
		if existing == nil {
			out.Tables = append(out.Tables, t)
			continue
		}
		for _, c := range t.Columns {
			if existing.Column(c.Name) == nil {
				out.Columns = append(out.Columns, Added{t.Name, c})
			}
		}
	}
	missing := func(a Added) bool {
		t := have[a.Table]
		return t != nil && t.Column(a.Column.Name) == nil
	}
	rest := d.Columns
	if len(out.Columns) == 0 { // mostly all are missing, and they may be very many: these are not copied
		n := 0
		for n < len(rest) && missing(rest[n]) {
			n++
		}
		out.Columns, rest = slices.Clip(rest[:n]), rest[n:]
	}
	for _, a := range rest {
		if missing(a) {
			out.Columns = append(out.Columns, a)
		}
	}
	for _, w := range d.Widen {
		if t := have[w.Table]; t != nil {
			if c := t.Column(w.Column); c != nil && c.Type == w.From {
				out.Widen = append(out.Widen, w)
			}
		}
	}
	return out
}

// Apply returns have with d done to it. have itself is not changed.
func (d *Diff) Apply(have Tables) Tables {
	out := make(Tables, len(have)+len(d.Tables))
	for name, t := range have {
		c := *t
		c.Columns = slices.Clone(t.Columns)
		out[name] = &c
	}
	for _, t := range d.Tables {
		t.Columns = slices.Clone(t.Columns)
		out[t.Name] = &t
	}
	for _, a := range d.Columns {
		if t := out[a.Table]; t != nil {
			t.Columns = append(t.Columns, a.Column)
		}
	}
	for _, w := range d.Widen {
		if t := out[w.Table]; t != nil {
			if c := t.Column(w.Column); c != nil {
				c.Type = w.To
			}
		}
	}
	return out
}
