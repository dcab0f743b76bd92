package lint

import (
	"fmt"
	"path"
	"strings"
)

// numbers looks for numbers that are missing, and for such that are there twice.
func numbers(files []*file) {
	type key struct {
		version uint
		up      bool
	}
	seen := map[key]*file{}
	var last uint
	for _, f := range files {
		if !f.named {
			continue
		}
		if other := seen[key{f.version, f.up}]; other != nil {
			f.report("duplicate-number", 0, nil, "golang-migrate runs one of two files of a number, or neither: "+path.Base(other.path)+" has it too",
				"give the one that was not applied yet the next free number")
		}
		seen[key{f.version, f.up}] = f
		// Numbers that are dates are not counted through.
		if f.version > last+1 && f.version < 10_000_000 {
			f.report("number-gap", 0, nil, fmt.Sprintf("the number before it, %d, is missing: golang-migrate goes over the gap, and skips the missing file in silence "+
				"when it turns up", f.version-1), "bring the file back, or give this one the next free number if it was never applied")
		}
		last = max(last, f.version)
	}
}

// pairs looks for files that lack the other one, and for down files that do not take back all of their up files.
func pairs(files []*file) {
	ups, downs := map[uint]*file{}, map[uint]*file{}
	for _, f := range files {
		switch {
		case !f.named:
		case f.up:
			ups[f.version] = f
		default:
			downs[f.version] = f
		}
	}
	for _, f := range files {
		switch {
		case !f.named:
		case f.up && downs[f.version] == nil:
			f.report("missing-down", 0, nil, "it cannot be taken back: tapline migrate down stops here",
				"write "+strings.TrimSuffix(path.Base(f.path), ".up.sql")+".down.sql")
		case !f.up && ups[f.version] == nil:
			f.report("missing-up", 0, nil, "golang-migrate stops at a number that has no up file", "bring the up file back, or delete this one too")
		case f.up:
			f.undone(downs[f.version])
		}
	}
}

// undone reports what a down file leaves.
func (f *file) undone(down *file) {
	for i := range f.statements {
		s := &f.statements[i]
		for j := range s.actions {
			if a := &s.actions[j]; !f.takesBack(down, a) {
				f.report("down-incomplete", a.at, s, path.Base(down.path)+" does not take this back: "+describe(a)+
					". After a down, up fails or finds something else than before", "write the opposite into the down file")
			}
		}
	}
}

func describe(a *action) string {
	switch {
	case a.op == "create index" || a.op == "create trigger":
		return a.op + " " + a.name + " on " + a.object.String()
	case a.name != "":
		return a.op + " " + a.object.String() + "." + a.name
	}
	return a.op + " " + a.object.String()
}

// opposites of what an up file does, each with what a down file may say instead.
var opposites = map[string][]string{
	"create table": {"drop table"}, "create view": {"drop view", "create view"}, "create schema": {"drop schema"},
	"create sequence": {"drop sequence"}, "create type": {"drop type"}, "create domain": {"drop domain"}, "create extension": {"drop extension"},
	"create function": {"drop function", "drop routine", "create function"}, "create procedure": {"drop procedure", "drop routine", "create procedure"},
	"create trigger": {"drop trigger", "create trigger"}, "create policy": {"drop policy"}, "create rule": {"drop rule"},
	"create index": {"drop index"}, "add column": {"drop column"}, "drop column": {"add column"}, "drop table": {"create table"}, "drop view": {"create view"},
	"alter type": {"alter type"}, "set not null": {"drop not null"}, "drop not null": {"set not null"},
	"add check": {"drop constraint"}, "add foreign key": {"drop constraint"}, "add unique": {"drop constraint"},
	"add primary key": {"drop constraint"}, "rename column": {"rename column"}, "rename table": {"rename table"}, "rename view": {"rename view"},
	"set schema": {"set schema"},
}

// takesBack reports whether the down file has the opposite of an action, or drops what it was done to.
func (f *file) takesBack(down *file, a *action) bool {
	ops := opposites[a.op]
	if len(ops) == 0 || a.temporary || strings.HasPrefix(a.op, "drop ") && f.makesLater("create "+strings.TrimPrefix(a.op, "drop "), a.object) {
		return true
	}
	for i := range down.statements {
		for j := range down.statements[i].actions {
			if d := &down.statements[i].actions[j]; undoes(d, a, ops) {
				return true
			}
		}
	}
	return false
}

func undoes(d, a *action, ops []string) bool {
	switch d.op {
	case "drop schema":
		return d.object.name == a.object.schema || a.op == "create schema" && d.object.same(a.object)
	case "drop table":
		if d.object.same(a.object) {
			return true
		}
	case "drop column":
		if d.object.same(a.object) && d.name == a.name && strings.HasPrefix(a.op, "add ") {
			return true
		}
	}
	if !has(ops, d.op) {
		return false
	}
	switch a.op {
	case "create index":
		return d.object.name == a.name || a.name == ""
	case "rename table", "rename view", "rename column", "set schema":
		return true // under other names: by which is not followed
	case "add check", "add foreign key", "add unique", "add primary key":
		return d.object.same(a.object) && (d.name == a.name || !named(a))
	}
	return d.object.same(a.object) && (a.name == "" || d.name == a.name)
}

// named reports whether a constraint's name is known: Postgres names the others by itself.
func named(a *action) bool { return a.name != "" }

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
