package lint

// model is what earlier files have said about the tables.
type model struct {
	types  map[place]typeName
	checks map[string]*check // by table and name of the constraint
}

type place struct{ schema, table, column string }

// check is a constraint that a column is not null.
type check struct {
	table  ref
	column string
	valid  bool
}

func newModel() *model { return &model{types: map[place]typeName{}, checks: map[string]*check{}} }

func placeOf(a *action) place { return place{a.object.schema, a.object.name, a.name} }

func checkKey(a *action) string { return a.object.String() + "\x00" + a.name }

// learn takes in what a file does.
func (m *model) learn(f *file) {
	for i := range f.statements {
		for j := range f.statements[i].actions {
			m.take(&f.statements[i].actions[j])
		}
	}
}

func (m *model) take(a *action) {
	switch a.op {
	case "in table", "add column", "alter type":
		m.types[placeOf(a)] = a.typ
	case "drop column":
		delete(m.types, placeOf(a))
	case "drop table":
		for p := range m.types {
			if p.schema == a.object.schema && p.table == a.object.name {
				delete(m.types, p)
			}
		}
	case "rename column", "rename table":
		delete(m.types, placeOf(a)) // the names that follow are looked up in vain, and said to be unknown
	case "add check":
		if len(a.columns) == 1 {
			m.checks[checkKey(a)] = &check{a.object, a.columns[0], !a.notValid}
		}
	case "validate":
		if c := m.checks[checkKey(a)]; c != nil {
			c.valid = true
		}
	case "drop constraint":
		delete(m.checks, checkKey(a))
	}
}

// notNull reports whether a validated constraint says that the column is not null: Postgres then looks at no row.
func (m *model) notNull(a *action) bool {
	for _, c := range m.checks {
		if c.valid && c.column == a.name && c.table.same(a.object) {
			return true
		}
	}
	return false
}
