package lint

func (c *cursor) alter() []action {
	at := c.s.at()
	switch {
	case c.accept("table"), c.accept("foreign", "table"):
		return c.alterTable("table", at)
	case c.accept("materialized", "view"), c.accept("view"):
		return c.alterTable("view", at)
	case c.accept("index"):
		return c.alterTable("index", at)
	case c.accept("system"):
		return []action{{op: "alter system", at: at}}
	case c.any("schema", "type", "sequence", "domain", "function"):
		kind := c.s.tokens[c.i-1].text
		object := c.ref()
		if c.s.find(c.i, "rename", "to") >= 0 || c.s.find(c.i, "rename", "value") >= 0 || c.s.find(c.i, "rename", "attribute") >= 0 {
			return []action{{op: "rename " + kind, object: object, at: at}}
		}
		if c.s.find(c.i, "set", "schema") >= 0 {
			return []action{{op: "set schema", object: object, at: at}}
		}
		return []action{{op: "change " + kind, object: object, at: at}}
	}
	return nil
}

func (c *cursor) alterTable(kind string, at int) []action {
	if c.accept("all", "in", "tablespace") {
		return []action{{op: "set tablespace", at: at, all: true}}
	}
	c.ifExists()
	c.accept("only")
	object := c.ref()
	if c.token().is("*") {
		c.i++
	}
	list := []action{{op: "alter " + kind, object: object, at: at}}
	for _, part := range c.s.list(c.i, len(c.s.tokens)) {
		p := &cursor{s: &part}
		list = append(list, p.part(kind, object)...)
	}
	return list
}

// part reads one of the things that an alter table does.
func (c *cursor) part(kind string, object ref) []action {
	a := action{object: object, at: c.at()}
	switch {
	case c.accept("add"):
		return c.add(a)
	case c.accept("drop", "constraint"):
		c.ifExists()
		a.op = "drop constraint"
	case c.accept("drop"):
		c.accept("column")
		c.ifExists()
		a.op = "drop column"
	case c.accept("validate", "constraint"):
		a.op = "validate"
	case c.accept("alter"):
		return c.alterColumn(a)
	case c.accept("rename"):
		return c.rename(kind, a)
	case c.accept("set", "schema"):
		a.op = "set schema"
	case c.accept("set", "tablespace"):
		a.op = "set tablespace"
	case c.accept("set", "logged"), c.accept("set", "unlogged"), c.accept("set", "access", "method"):
		a.op = "rewrite"
	case c.accept("detach", "partition"):
		c.ref()
		a.op, a.concurrently = "detach", c.accept("concurrently")
		return []action{a}
	default:
		return nil
	}
	a.name, _ = c.ident()
	a.cascade = c.s.has("cascade")
	return []action{a}
}

func (c *cursor) add(a action) []action {
	if c.accept("constraint") {
		a.name, _ = c.ident()
	}
	a.notValid = c.s.has("not", "valid")
	a.usingIndex = c.s.has("using", "index")
	switch {
	case c.accept("foreign", "key"):
		a.op = "add foreign key"
	case c.accept("check"):
		a.op = "add check"
		a.columns = c.notNullColumns()
	case c.accept("not", "null"): // Postgres 18
		a.op = "add check"
		if name, ok := c.ident(); ok {
			a.columns = []string{name}
		}
	case c.accept("unique"):
		a.op = "add unique"
	case c.accept("primary", "key"):
		a.op = "add primary key"
	case c.accept("exclude"):
		a.op = "add exclude"
	default:
		c.accept("column")
		c.ifExists()
		return c.newColumn(a)
	}
	return []action{a}
}

// notNullColumns returns the column of a check that says that it is not null.
func (c *cursor) notNullColumns() []string {
	from, to, ok := c.parens()
	if !ok || to-from != 4 || !c.s.wordsAt(from+1, "is", "not", "null") {
		return nil
	}
	return []string{c.s.tokens[from].text}
}

func (c *cursor) alterColumn(a action) []action {
	if c.accept("constraint") {
		return nil
	}
	c.accept("column")
	a.name, _ = c.ident()
	switch {
	case c.accept("set", "data", "type"), c.accept("type"):
		a.op, a.typ = "alter type", c.typ()
	case c.accept("set", "not", "null"):
		a.op = "set not null"
	case c.accept("drop", "not", "null"):
		a.op = "drop not null"
	default:
		return nil
	}
	return []action{a}
}

// rename is about names that people query by: those of indexes and constraints are not.
func (c *cursor) rename(kind string, a action) []action {
	switch {
	case kind == "index", c.accept("constraint"):
		return nil
	case c.accept("to"):
		a.op = "rename " + kind
	default:
		c.accept("column")
		a.op = "rename column"
	}
	a.name, _ = c.ident()
	return []action{a}
}
