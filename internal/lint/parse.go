package lint

import "slices"

// actions returns what a statement does. A statement that no rule is about does nothing.
func (s *statement) actions() []action {
	c := &cursor{s: s, i: 1}
	switch first := &s.tokens[0]; {
	case first.kind != word:
		return nil
	case first.text == "create":
		return c.create()
	case first.text == "drop":
		return c.drop()
	case first.text == "alter":
		return c.alter()
	case first.text == "truncate":
		return c.truncate()
	default:
		return c.other(first.text)
	}
}

// other reads statements that do not change the schema.
func (c *cursor) other(first string) []action {
	at := c.s.at()
	switch first {
	case "insert":
		c.accept("into")
		return []action{{op: "insert", object: c.ref(), at: at}}
	case "update":
		c.accept("only")
		return []action{{op: "update", object: c.ref(), at: at, filtered: c.s.has("where")}}
	case "delete":
		c.accept("from")
		c.accept("only")
		return []action{{op: "delete", object: c.ref(), at: at, filtered: c.s.has("where")}}
	case "lock":
		c.accept("table")
		c.accept("only")
		return []action{{op: "lock", object: c.ref(), at: at}}
	case "comment":
		return c.comment(at)
	case "vacuum":
		full := c.s.has("full") || slices.ContainsFunc(c.s.tokens, func(t token) bool { return t.word("full") })
		return []action{{op: "vacuum", at: at, all: full}}
	case "cluster":
		return []action{{op: "cluster", at: at, all: true}}
	case "reindex":
		return []action{{op: "reindex", at: at, concurrently: slices.ContainsFunc(c.s.tokens, func(t token) bool { return t.word("concurrently") })}}
	case "refresh":
		c.accept("materialized", "view")
		concurrently := c.accept("concurrently")
		return []action{{op: "refresh", object: c.ref(), at: at, concurrently: concurrently}}
	case "set", "select", "perform":
		if c.setsLockTimeout(first) {
			return []action{{op: "set lock_timeout", at: at}}
		}
	case "begin", "start", "commit", "rollback", "end", "abort", "savepoint", "prepare":
		if c.transaction(first) {
			return []action{{op: "transaction", name: first, at: at}}
		}
	}
	return nil
}

// setsLockTimeout knows set lock_timeout, and select set_config('lock_timeout', ...).
func (c *cursor) setsLockTimeout(first string) bool {
	if first == "set" {
		c.any("local", "session")
		return c.accept("lock_timeout")
	}
	for i := range c.s.tokens {
		t := &c.s.tokens[i]
		if t.word("set_config") && i+2 < len(c.s.tokens) && c.s.tokens[i+2].kind == literal && c.s.tokens[i+2].text == "lock_timeout" {
			return true
		}
	}
	return false
}

func (c *cursor) transaction(first string) bool {
	if c.s.inBody {
		return first == "commit" || first == "rollback"
	}
	return first != "prepare" || c.accept("transaction")
}

func (c *cursor) comment(at int) []action {
	if !c.accept("on") {
		return nil
	}
	switch {
	case c.accept("column"):
		names, start := c.parts()
		if len(names) > 0 {
			names = names[:len(names)-1]
		}
		return []action{{op: "comment", object: refOf(names, start), at: at}}
	case c.accept("table"), c.accept("view"), c.accept("index"), c.accept("materialized", "view"), c.accept("type"), c.accept("sequence"):
		return []action{{op: "comment", object: c.ref(), at: at}}
	}
	return nil
}

func (c *cursor) truncate() []action {
	c.accept("table")
	var list []action
	for {
		c.accept("only")
		list = append(list, action{op: "truncate", object: c.ref(), at: c.s.at()})
		if c.token().is("*") {
			c.i++
		}
		if !c.token().is(",") {
			break
		}
		c.i++
	}
	cascade := c.s.has("cascade")
	for i := range list {
		list[i].cascade = cascade
	}
	return list
}

// dropped are the kinds of objects that a drop statement may be about, with the number of words of each.
var dropped = [][]string{
	{"table"},
	{"materialized", "view"},
	{"foreign", "table"},
	{"view"},
	{"index"},
	{"sequence"},
	{"schema"},
	{"type"},
	{"domain"},
	{"function"},
	{"procedure"},
	{"routine"},
	{"aggregate"},
	{"trigger"},
	{"policy"},
	{"rule"},
	{"extension"},
	{"database"},
	{"tablespace"},
}

func (c *cursor) drop() []action {
	at := c.s.at()
	for _, words := range dropped {
		if !c.accept(words...) {
			continue
		}
		kind := words[len(words)-1]
		concurrently := c.accept("concurrently")
		c.ifExists()
		cascade := c.s.has("cascade")
		var list []action
		for {
			list = append(list, action{op: "drop " + kind, object: c.ref(), at: at, concurrently: concurrently, cascade: cascade})
			_, _, _ = c.parens() // the arguments of a function
			if !c.token().is(",") {
				break
			}
			c.i++
		}
		if kind == "trigger" || kind == "policy" || kind == "rule" {
			name := list[0].object.name
			c.accept("on")
			list[0].object, list[0].name = c.ref(), name
		}
		return list
	}
	return nil
}
