package migrations

import (
	"iter"

	"github.com/tapline/tapline/schema"
)

// groups yields the runs of neighbours with the same key.
func groups[T any](items []T, key func(T) string) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for start := 0; start < len(items); {
			end := start + 1
			for end < len(items) && key(items[end]) == key(items[start]) {
				end++
			}
			if !yield(items[start:end]) {
				return
			}
			start = end
		}
	}
}

// widening returns what w is for the database.
func (r *renderer) widening(w schema.Widens) Widening {
	from := r.from[w]
	if from == "" {
		from = w.From.String()
	}
	return Widening{Table: w.Table, Column: w.Column, From: from, To: w.To}
}

// widen changes all columns of a table in one statement, so that the table is written anew once.
func (r *renderer) widen() {
	r.checkExact()
	r.floats()
	r.retype(func(w schema.Widens) (typ, using string) {
		return w.To.String(), r.widening(w).Using(ident(w.Column))
	})
}

// floats makes doubles print with all their digits, whatever the session has.
func (r *renderer) floats() {
	for _, w := range r.diff.Widen {
		if r.widening(w).Floats() {
			r.add("select pg_catalog.set_config('extra_float_digits', '1', true);\n")
			return
		}
	}
}

// checkExact stops the file before it changes anything if a value has no double of its own: one that was committed after
// CanWiden had looked would become another number without an error. The lock keeps further ones out.
func (r *renderer) checkExact() {
	for _, w := range r.diff.Widen {
		if w.From != schema.Bigint || w.To != schema.Double {
			continue
		}
		table, c := qualified(r.schema, w.Table), ident(w.Column)
		r.add("lock table ", table, " in access exclusive mode;\n", "do ", body("begin\n"+
			"\tif exists (select from "+table+" where "+c+" not between -9007199254740992 and 9007199254740992) then\n"+
			"\t\traise exception using errcode = '22003',\n"+
			"\t\t\tmessage = "+lit("column "+w.Table+"."+w.Column+" has values that are no "+w.To.String())+",\n"+
			"\t\t\thint = 'Widen it to numeric.';\n"+
			"\tend if;\nend "), ";\n")
	}
}

// narrow takes widen back; checkNarrow has made sure that no value changes.
func (r *renderer) narrow() {
	r.retype(func(w schema.Widens) (typ, using string) {
		typ = r.widening(w).From
		return typ, ident(w.Column) + "::" + typ
	})
}

// retypeReason is for tapline migrate lint, which has the file alone to judge by.
const retypeReason = "-- tapline:lint-ignore table-rewrite,narrowing no value changes, which is made sure of above; " +
	"the table is small, or somebody chose the time\n"

func (r *renderer) retype(to func(schema.Widens) (typ, using string)) {
	for group := range groups(r.diff.Widen, func(w schema.Widens) string { return w.Table }) {
		r.add(retypeReason, "alter table ", qualified(r.schema, group[0].Table))
		for i, w := range group {
			if i > 0 {
				r.add(",")
			}
			typ, using := to(w)
			r.add("\n\talter column ", ident(w.Column), " type ", typ, " using ", using)
		}
		r.add(";\n")
	}
}

// checkNarrow stops the down file before it changes anything if a value would not survive: a cast of 1.5 to bigint
// rounds without an error. The lock keeps new values out until the type has changed.
func (r *renderer) checkNarrow() {
	r.floats()
	for group := range groups(r.diff.Widen, func(w schema.Widens) string { return w.Table }) {
		table := qualified(r.schema, group[0].Table)
		r.add("lock table ", table, " in access exclusive mode;\n")
		for _, w := range group {
			from := r.widening(w).From
			r.add("do ", body("begin\n"+
				"\tif exists (select from "+table+" where "+r.changed(w)+") then\n"+
				"\t\traise exception using errcode = '22003',\n"+
				"\t\t\tmessage = "+lit("column "+w.Table+"."+w.Column+" has values that are no "+from)+",\n"+
				"\t\t\thint = 'Leave the migration applied, or set those values to null first.';\n"+
				"\tend if;\nend "), ";\n")
		}
	}
}

// changed is the condition for a value that the old type does not hold: going there and back makes another of it, or is
// an error. Whole numbers are looked at themselves, since a cast to bigint rounds.
func (r *renderer) changed(w schema.Widens) string {
	c, wide := ident(w.Column), r.widening(w)
	if wide.From == "bigint" && w.To != schema.Text {
		return c + " <> pg_catalog.trunc(" + c + ")\n\t\tor " + c + " < -9223372036854775808 or " + c + " >= 9223372036854775808"
	}
	return wide.Using("("+c+"::"+wide.From+")") + " is distinct from " + c
}
