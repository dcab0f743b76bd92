package lint

import "strings"

// data is about what is lost, and about readers whose names are gone. A down file may drop what its up file has made.
func (l *local) data(s *parsed, a *action) {
	f := l.file
	if a.cascade && strings.HasPrefix(a.op, "drop ") {
		f.report("drop-cascade", a.at, s, "cascade drops every view and key that depends on "+a.object.String()+", whosever it is",
			"leave cascade out, and drop by name what is yours")
	}
	if kind, ok := strings.CutPrefix(a.op, "drop "); ok {
		l.dropped(s, a, kind)
		return
	}
	switch {
	case a.op == "truncate":
		f.report("truncate", s.at(), s, "all rows of "+a.object.String()+" are gone, and nobody can read it until the file has ended", "delete with a where, in batches")
	case a.op == "delete" && !a.filtered:
		f.report("delete-without-where", s.at(), s, "all rows of "+a.object.String()+" are gone", "say in a where which rows, or drop the table if that is meant")
	case a.op == "update" && !a.filtered:
		f.report("update-without-where", s.at(), s, "every row of "+a.object.String()+" is written anew and locked until the file has ended",
			"update in batches, outside of the migration")
	case strings.HasPrefix(a.op, "rename "), a.op == "set schema":
		if f.isFresh(a.object) || f.pair != nil && f.pair.does(a.op, a.object.schema) {
			return
		}
		f.report("rename", a.at, s, "whoever reads it by the old name fails from now on: queries, dashboards, the loader itself",
			"add the new name beside it (a column that is filled, a view), and drop the old one when nobody reads it")
	}
}

// does reports whether a file has an action in a schema.
func (f *file) does(op, schemaName string) bool {
	for i := range f.statements {
		for _, a := range f.statements[i].actions {
			if a.op == op && a.object.schema == schemaName {
				return true
			}
		}
	}
	return false
}

func (l *local) dropped(s *parsed, a *action, kind string) {
	f := l.file
	if f.isFresh(a.object) && kind != "column" {
		return
	}
	made := map[string]string{"column": "add column", "table": "create table", "view": "create view"}[kind]
	if made == "" {
		made = "create " + kind
	}
	if f.isMade(made, a.object, a.name) {
		return
	}
	switch what := a.object.String(); kind {
	case "column":
		f.report("drop-column", a.at, s, "the values of "+what+"."+a.name+" are gone, and whoever reads it fails",
			"stop writing it first, keep it until nobody reads it, and keep a copy: create table ... as select id, "+a.name+" from "+what)
	case "table":
		f.report("drop-table", a.at, s, "the rows of "+what+" are gone, and whoever reads it fails", "rename it first, and drop it when nobody has missed it")
	case "view":
		if !f.makesLater("create view", a.object) {
			f.report("drop-table", a.at, s, "whoever reads the view "+what+" fails", "create or replace view keeps its readers")
		}
	case "schema", "database":
		f.report("drop-schema", a.at, s, "everything in "+what+" is gone", "drop its tables by name, in files that say what is lost")
	case "type", "domain", "sequence", "extension":
		f.report("drop-type", a.at, s, "columns and functions that use "+what+" fail, or go with it", "look for its users in pg_depend first")
	}
}

// makesLater reports whether the file makes an object anew that it drops: readers wait, and find it again.
func (f *file) makesLater(op string, object ref) bool {
	for i := range f.statements {
		for _, a := range f.statements[i].actions {
			if a.op == op && a.object.same(object) {
				return true
			}
		}
	}
	return false
}
