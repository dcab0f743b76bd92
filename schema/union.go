package schema

import "slices"

// Union returns a Diff that does what d and other do. What both make is made as d says; a table has the columns of both.
func (d *Diff) Union(other Diff) Diff {
	out := Diff{Tables: slices.Clone(d.Tables), Columns: slices.Clone(d.Columns), Widen: slices.Clone(d.Widen)}
	at := map[string]int{}
	for i := range out.Tables {
		at[out.Tables[i].Name] = i
		out.Tables[i].Columns = slices.Clone(out.Tables[i].Columns)
	}
	for _, t := range other.Tables {
		i, found := at[t.Name]
		if !found {
			at[t.Name] = len(out.Tables)
			out.Tables = append(out.Tables, t)
			continue
		}
		for _, c := range t.Columns {
			if out.Tables[i].Column(c.Name) == nil {
				out.Tables[i].Columns = append(out.Tables[i].Columns, c)
			}
		}
	}
	seen := map[[2]string]bool{}
	for _, a := range out.Columns {
		seen[[2]string{a.Table, a.Column.Name}] = true
	}
	for _, a := range other.Columns {
		if i, made := at[a.Table]; made {
			if out.Tables[i].Column(a.Column.Name) == nil {
				out.Tables[i].Columns = append(out.Tables[i].Columns, a.Column)
			}
		} else if !seen[[2]string{a.Table, a.Column.Name}] {
			seen[[2]string{a.Table, a.Column.Name}] = true
			out.Columns = append(out.Columns, a)
		}
	}
	for _, w := range other.Widen {
		same := func(x Widens) bool { return x.Table == w.Table && x.Column == w.Column }
		if !slices.ContainsFunc(out.Widen, same) {
			out.Widen = append(out.Widen, w)
		}
	}
	return out
}
