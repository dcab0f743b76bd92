package lint

import "strings"

// check looks at a file by itself. known is what the files before it say, for a down file those up to its up file.
func (f *file) check(known *model) {
	f.syntax()
	if len(f.statements) == 0 {
		f.report("empty-file", 0, nil, "it does nothing, and takes a number", "write the change, or delete the file if it was never applied")
	}
	local := &local{file: f, known: known, timeout: f.options.LockTimeout}
	for i := range f.statements {
		s := &f.statements[i]
		f.bodiesOf(s)
		local.named = nil
		for j := range s.actions {
			local.action(s, &s.actions[j])
		}
	}
}

// local is what a file's own statements have said so far.
type local struct {
	file  *file
	known *model
	// timeout says that lock_timeout is set, or was missed and reported.
	timeout  bool
	notValid []action // constraints that this file adds without looking at the rows
	named    []ref    // names without a schema that the statement at work was told of
}

func (l *local) action(s *parsed, a *action) {
	switch {
	case a.op == "set lock_timeout":
		l.timeout = true
	case a.op == "transaction":
		l.file.report("transaction-control", s.at(), s,
			"golang-migrate runs the file as one transaction: what stands before a commit stays when a later statement fails, and after "+
				"an error in an open transaction the version cannot be written",
			"leave begin, commit and rollback out; the file is a transaction already")
	}
	l.unqualified(s, a)
	l.outsideTransaction(s, a)
	if !l.file.isFresh(a.object) {
		l.lockTimeout(s, a)
		l.lock(s, a)
		l.table(s, a)
	}
	l.data(s, a)
	if a.notValid {
		l.notValid = append(l.notValid, *a)
	}
	if a.op == "create table" || a.op == "create view" && !a.orReplace {
		l.file.fresh = append(l.file.fresh, a.object)
	}
}

// local names need no schema.
var noSchema = map[string]bool{
	"create schema": true, "drop schema": true, "change schema": true, "rename schema": true, "create extension": true,
	"drop extension": true, "create database": true, "drop database": true, "create tablespace": true, "drop tablespace": true,
	"create subscription": true, "alter system": true,
}

func (l *local) unqualified(s *parsed, a *action) {
	if a.object.schema != "" || a.object.name == "" || a.temporary || noSchema[a.op] || l.file.isFresh(a.object) && a.op != "create table" {
		return
	}
	for _, r := range l.named {
		if r.same(a.object) {
			return
		}
	}
	l.named = append(l.named, a.object)
	l.file.report("unqualified-name", a.object.at, s,
		"search_path decides which "+a.object.name+" this is: another role or DSN changes, or fills, another table",
		"write the schema before it: schema."+a.object.name)
}

// outsideTransaction is about what Postgres refuses in a transaction block. A file of one statement is none.
func (l *local) outsideTransaction(s *parsed, a *action) {
	never := a.op == "vacuum" || a.op == "alter system" || strings.HasSuffix(a.op, " database") || strings.HasSuffix(a.op, " tablespace") && a.op != "set tablespace" ||
		a.concurrently && a.op != "refresh"
	if !never || s.outer == nil && (l.file.options.MultiStatement || l.file.count() == 1) {
		return
	}
	why := "golang-migrate runs a file of several statements as one transaction, and Postgres refuses this in one (25001): the file always fails"
	if s.outer != nil {
		why = "a do block is always in a transaction, and Postgres refuses this in one (25001)"
	}
	l.file.report("concurrently-in-transaction", s.at(), s, why, "put it alone into a file of its own")
}

// locksAll are the statements that keep readers or writers out of what exists, even if only for a moment: the moment
// begins when everybody before has ended.
var locksAll = []string{"alter ", "add ", "drop ", "set ", "rename ", "rewrite", "truncate", "lock", "cluster", "create trigger", "create policy", "create rule", "create index", "validate", "reindex", "detach"}

func (l *local) lockTimeout(s *parsed, a *action) {
	if l.timeout || a.concurrently || a.op == "drop schema" || a.temporary {
		return
	}
	locks := a.op == "create view" && a.orReplace || a.op == "vacuum" && a.all
	for _, prefix := range locksAll {
		locks = locks || strings.HasPrefix(a.op, prefix)
	}
	if !locks || strings.HasSuffix(a.op, " database") || a.op == "set lock_timeout" {
		return
	}
	l.timeout = true
	l.file.report("lock-timeout", s.at(), s,
		"while this waits behind one long query, every later reader of the table waits behind it",
		"begin the file with: set local lock_timeout = '300ms';")
}

// syntax reports what never ends.
func (f *file) syntax() {
	for i := range f.tokens {
		t := &f.tokens[i]
		if !t.open {
			continue
		}
		rule, what := "syntax", map[kind]string{literal: "string", quoted: "name in quotes", comment: "comment"}[t.kind]
		if t.dollar {
			rule, what = "dollar-quote", "body in dollar quotes"
		}
		f.report(rule, t.start, nil, "this "+what+" never ends: everything after it is part of it", "close it")
	}
	depth, at := 0, 0
	for i := range f.tokens {
		switch t := &f.tokens[i]; {
		case t.is("("):
			if depth == 0 {
				at = t.start
			}
			depth++
		case t.is(")"):
			depth--
		}
		if depth < 0 {
			f.report("syntax", f.tokens[i].start, nil, "nothing opened this parenthesis", "delete it, or write the other one")
			return
		}
	}
	if depth > 0 {
		f.report("syntax", at, nil, "this parenthesis never ends", "close it")
	}
}

// bodiesOf looks at the dollar-quoted texts of a statement: one that holds its own quote ends there, and what follows is
// read as SQL.
func (f *file) bodiesOf(s *parsed) {
	for i := range s.tokens {
		t := &s.tokens[i]
		if !t.dollar || t.open {
			continue
		}
		if i+1 < len(s.tokens) && s.tokens[i+1].start == t.end && (s.tokens[i+1].kind == word || s.tokens[i+1].kind == literal || s.tokens[i+1].kind == quoted) {
			f.report("dollar-quote", t.end, s, "the body ends here, because its text holds the quote that it began with: the rest is read as SQL",
				"quote the body with a tag that is not in it, such as $body$")
		} else if f.options.MultiStatement && s.outer == nil && strings.Contains(t.text, ";") {
			f.report("dollar-quote", t.start, s, "with x-multi-statement golang-migrate splits this body at its semicolons",
				"leave x-multi-statement off: a file of several statements is one transaction without it")
		}
	}
}
