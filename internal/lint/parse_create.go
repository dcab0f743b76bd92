package lint

func (c *cursor) create() []action {
	a := action{at: c.s.at()}
	a.orReplace = c.accept("or", "replace")
	c.any("global", "local")
	a.temporary = c.any("temp", "temporary")
	c.any("unlogged", "recursive", "foreign", "constraint", "trusted")
	switch {
	case c.accept("unique", "index"), c.accept("index"):
		return []action{c.index(a)}
	case c.accept("table"):
		c.ifExists()
		a.op, a.object = "create table", c.ref()
		return append([]action{a}, c.columns(a.object)...)
	case c.accept("materialized", "view"), c.accept("view"):
		c.ifExists()
		a.op, a.object = "create view", c.ref()
	case c.accept("schema"):
		c.ifExists()
		a.op, a.object = "create schema", c.ref()
	case c.accept("trigger"), c.accept("policy"), c.accept("rule"):
		a.op = "create " + c.s.tokens[c.i-1].text
		a.name, _ = c.ident()
		if c.i = c.s.find(c.i, "on"); c.i < 0 {
			return nil
		}
		c.i++
		a.object = c.ref()
	case c.any("sequence", "type", "domain", "function", "procedure", "aggregate", "extension"):
		a.op = "create " + c.s.tokens[c.i-1].text
		c.ifExists()
		a.object = c.ref()
	case c.any("database", "tablespace", "subscription"):
		a.op = "create " + c.s.tokens[c.i-1].text
		a.object = c.ref()
	default:
		return nil
	}
	return []action{a}
}

// index reads create index from after that word. object is the table.
func (c *cursor) index(a action) action {
	a.op = "create index"
	a.concurrently = c.accept("concurrently")
	c.ifExists()
	if !c.s.wordsAt(c.i, "on") {
		a.name, _ = c.ident()
	}
	c.accept("on")
	c.accept("only")
	a.object = c.ref()
	return a
}

// columns returns an "in table" for each column of a new table: no rule is about it, but its type is known then.
func (c *cursor) columns(table ref) []action {
	from, to, ok := c.parens()
	if !ok {
		return nil
	}
	var list []action
	for _, part := range c.s.list(from, to) {
		p := &cursor{s: &part}
		switch t := p.token(); {
		case t.word("constraint"), t.word("primary"), t.word("unique"), t.word("check"), t.word("foreign"), t.word("exclude"), t.word("like"):
			continue
		}
		if name, ok := p.ident(); ok {
			list = append(list, action{op: "in table", object: table, name: name, at: part.at(), typ: p.typ()})
		}
	}
	return list
}

// newColumn reads the definition of a column that is added, from its name on.
func (c *cursor) newColumn(a action) []action {
	a.name, _ = c.ident()
	a.typ = c.typ()
	a.notNull = c.s.find(c.i, "not", "null") >= 0
	if i := c.s.find(c.i, "default"); i >= 0 {
		a.defaulted = true
		a.def = c.s.volatile(i + 1)
	}
	switch {
	case c.s.find(c.i, "generated") >= 0 && c.s.find(c.i, "identity") >= 0:
		a.def, a.defaulted = "an identity is numbered for every row", true
	case c.s.find(c.i, "stored") >= 0:
		a.def, a.defaulted = "a stored generated column is computed for every row", true
	case a.typ.base == "serial" || a.typ.base == "bigserial" || a.typ.base == "smallserial":
		a.def, a.defaulted = "a serial is numbered for every row", true
	}
	a.op = "add column"
	list := []action{a}
	for _, inline := range []struct{ word, op string }{
		{"references", "add foreign key"}, {"check", "add check"}, {"unique", "add unique"}, {"primary", "add primary key"},
	} {
		if i := c.s.find(c.i, inline.word); i >= 0 {
			list = append(list, action{op: inline.op, object: a.object, name: a.name, at: c.s.tokens[i].start})
		}
	}
	return list
}

// steady are functions whose value is the same for all rows, so that Postgres stores it once.
var steady = map[string]bool{
	"now": true, "transaction_timestamp": true, "statement_timestamp": true, "coalesce": true, "nullif": true, "greatest": true,
	"least": true, "lower": true, "upper": true, "to_timestamp": true, "make_date": true, "make_interval": true, "date_trunc": true,
	"jsonb_build_object": true, "jsonb_build_array": true, "json_build_object": true, "json_build_array": true, "md5": true,
	"current_setting": true, "length": true, "round": true, "abs": true, "numeric": true, "varchar": true, "char": true,
	"timestamp": true, "timestamptz": true, "interval": true, "date": true, "time": true, "array": true,
}

// volatile says why the default that begins at a token differs from row to row; nothing if it does not.
func (s *statement) volatile(from int) string {
	for i := from; i < len(s.tokens)-1; i++ {
		t := &s.tokens[i]
		switch {
		case t.kind == word && (t.text == "constraint" || t.text == "references" || t.text == "check" || t.text == "collate"):
			return ""
		case (t.kind == word || t.kind == quoted) && s.tokens[i+1].is("(") && !steady[t.text]:
			return "its default " + t.text + "() is computed for every row"
		}
	}
	return ""
}
