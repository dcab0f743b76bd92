package lint

// lock is about statements that keep others out of a table for as long as it takes to read all of it.
func (l *local) lock(s *parsed, a *action) {
	f := l.file
	table := a.object.String()
	switch {
	case a.concurrently:
	case a.op == "create index":
		f.report("index-lock", s.at(), s, "nothing can be written to "+table+" until the index is made",
			"create index concurrently ..., alone in a file of its own")
	case a.op == "drop index":
		f.report("index-lock", s.at(), s, "nobody can read or write the index's table while this waits and works",
			"drop index concurrently ..., alone in a file of its own")
	case a.op == "reindex":
		f.report("index-lock", s.at(), s, "nothing can be written to the table until the index is made anew",
			"reindex ... concurrently, alone in a file of its own")
	case a.op == "add foreign key" && !a.notValid:
		f.report("foreign-key-lock", a.at, s, "all rows are checked while nothing can be written to either table",
			"add constraint ... not valid; then, in a later file: alter table "+table+" validate constraint ...")
	case a.op == "add check" && !a.notValid:
		f.report("check-lock", a.at, s, "all rows of "+table+" are checked while nobody can read it",
			"add constraint ... not valid; then, in a later file: alter table "+table+" validate constraint ...")
	case a.op == "set not null" && !l.known.notNull(a):
		f.report("not-null-lock", a.at, s, "all rows of "+table+" are checked while nobody can read it",
			"add constraint ... check ("+a.name+" is not null) not valid; validate it in a later file; then set not null looks at no row")
	case (a.op == "add unique" || a.op == "add primary key" || a.op == "add exclude") && !a.usingIndex:
		f.report("unique-lock", a.at, s, "an index is made over all rows of "+table+" while nobody can read it",
			"create unique index concurrently in a file of its own, then add constraint ... using index")
	case a.op == "validate":
		l.validated(s, a)
	case a.op == "vacuum" && a.all, a.op == "cluster":
		f.report("full-table-lock", s.at(), s, "the whole table is written anew while nobody can read it",
			"plain vacuum, or a tool that repacks without the lock")
	case a.op == "detach":
		f.report("full-table-lock", a.at, s, "nobody can read "+table+" while this waits and works", "detach partition ... concurrently, alone in a file of its own")
	case a.op == "refresh":
		f.report("full-table-lock", s.at(), s, "nobody can read "+table+" until its query has ended",
			"refresh materialized view concurrently "+table+" (it needs a unique index)")
	}
}

// validated is about a constraint that the same file has added: the strong lock of the adding is held to the end.
func (l *local) validated(s *parsed, a *action) {
	for i := range l.notValid {
		if added := &l.notValid[i]; added.name == a.name && added.object.same(a.object) {
			l.file.report("validate-same-file", a.at, s,
				"the file is one transaction: all rows are checked under the lock that adding "+a.name+" took, and nobody can write meanwhile",
				"validate it in a later file")
		}
	}
}

// table is about changes that write a table anew, or lose values.
func (l *local) table(s *parsed, a *action) {
	f := l.file
	switch a.op {
	case "alter type":
		l.retype(s, a)
	case "add column":
		if a.def != "" {
			f.report("table-rewrite", a.at, s, a.def+": all of "+a.object.String()+" is written anew while nobody can read it",
				"add the column without it, fill it in batches, then set the default")
		}
		if a.notNull && !a.defaulted {
			f.report("add-not-null", a.at, s, "it fails if "+a.object.String()+" has a row: column "+a.name+" would be null there",
				"give it a default, or add it without not null, fill it, and set not null after a validated check")
		}
	case "set tablespace":
		f.report("table-rewrite", a.at, s, "the whole table is copied while nobody can read it", "move it in a maintenance window, or make a new table there")
	case "rewrite":
		f.report("table-rewrite", a.at, s, "the whole table is written anew while nobody can read it", "choose it when the table is made")
	}
}

const newColumn = "add a column of the new type, fill it in batches, then swap the names (tapline schema widen does that)"

func (l *local) retype(s *parsed, a *action) {
	l.file.consider("table-rewrite", s)
	from := l.known.types[placeOf(a)]
	column := a.object.String() + "." + a.name
	if !from.known() {
		switch compare(from, a.typ) {
		case narrows:
			l.file.report("narrowing", a.at, s, "values of "+column+" that are no "+a.typ.String()+" make it fail, or are rounded; its type now is not known from these files",
				newColumn)
		case unclear:
			l.file.report("table-rewrite", a.at, s, "unless "+column+" is of a type that "+a.typ.String()+" is stored like, every row is written anew while nobody can read "+
				a.object.String()+"; its type now is not known from these files", newColumn)
		}
		return
	}
	if compare(from, a.typ) == narrows {
		l.file.report("narrowing", a.at, s, "not every "+from.String()+" in "+column+" is a "+a.typ.String()+": it fails there, or rounds", newColumn)
	}
	if compare(from, a.typ) != nothing {
		l.file.report("table-rewrite", a.at, s, "every row of "+a.object.String()+" is written anew, or read, as "+a.typ.String()+" while nobody can read it", newColumn)
	}
}
