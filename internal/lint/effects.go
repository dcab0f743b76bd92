package lint

import "strings"

// Effect is one thing that SQL does to a schema, for people: not comments, rows and locks.
type Effect struct {
	Op     string `json:"op"`               // such as create table, add column, alter type or drop index
	Schema string `json:"schema,omitempty"` // as written
	Table  string `json:"table"`            // or what else is made or dropped
	Name   string `json:"name,omitempty"`   // of the column, constraint or index
	Type   string `json:"type,omitempty"`   // of a column that is added or changed
	// Columns is how many a new table has.
	Columns int `json:"columns,omitempty"`
}

// Effects returns what SQL does, in its order. What a do block puts together from strings is not seen.
func Effects(sql string) []Effect {
	f := newFile(Input{Text: sql}, Options{})
	list := []Effect{}
	for i := range f.statements {
		for j := range f.statements[i].actions {
			a := &f.statements[i].actions[j]
			switch kind, _, _ := strings.Cut(a.op, " "); {
			case a.op == "in table":
				list[len(list)-1].Columns++
			case kind == "create", kind == "drop", kind == "add", kind == "rename", kind == "truncate", a.op == "alter type",
				a.op == "set not null", a.op == "drop not null", a.op == "set schema":
				list = append(list, Effect{Op: a.op, Schema: a.object.schema, Table: a.object.name, Name: a.name, Type: a.typ.String()})
			}
		}
	}
	return list
}
