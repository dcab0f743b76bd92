package lint

// ref is the name of a relation or another object, as it is written.
type ref struct {
	schema, name string
	at           int // offset
}

// same reports whether both name one object. A name without a schema is another one: where it leads is not known.
func (r ref) same(o ref) bool { return r.schema == o.schema && r.name == o.name }

func (r ref) String() string {
	if r.schema == "" {
		return r.name
	}
	return r.schema + "." + r.name
}

// action is one thing that a statement does, as far as the rules want to know it.
type action struct {
	// op is what is done, such as "create table", "add column" or "set not null".
	op string
	// object is what it is done to: for columns and constraints their table, for a new index too.
	object ref
	// name is that of the column, the constraint or the new index.
	name string
	typ  typeName // of "add column" and "alter type"
	at   int      // offset

	concurrently bool
	notValid     bool
	usingIndex   bool
	orReplace    bool
	cascade      bool
	temporary    bool
	filtered     bool   // a delete or update has a where
	notNull      bool   // of a new column
	def          string // why a new column's default makes Postgres write the table anew; may be empty
	defaulted    bool   // a new column has a default
	columns      []string
	all          bool // what is done is done to a whole table, such as a vacuum that is full
}

// cursor walks over the tokens of a statement.
type cursor struct {
	s *statement
	i int
}

func (c *cursor) done() bool { return c.i >= len(c.s.tokens) }

// token returns the token at the cursor, an empty symbol at the end.
func (c *cursor) token() *token {
	if c.done() {
		return &token{kind: symbol, start: c.s.tokens[len(c.s.tokens)-1].end}
	}
	return &c.s.tokens[c.i]
}

// at returns the offset of the cursor.
func (c *cursor) at() int { return c.token().start }

// accept goes over those key words if they stand there.
func (c *cursor) accept(words ...string) bool {
	if !c.s.wordsAt(c.i, words...) {
		return false
	}
	c.i += len(words)
	return true
}

// any goes over one of those key words if it stands there.
func (c *cursor) any(words ...string) bool {
	for _, w := range words {
		if c.accept(w) {
			return true
		}
	}
	return false
}

func (c *cursor) ifExists() { _ = c.accept("if", "not", "exists") || c.accept("if", "exists") }

// ident reads one name.
func (c *cursor) ident() (string, bool) {
	t := c.token()
	if t.kind != word && t.kind != quoted {
		return "", false
	}
	c.i++
	return t.text, true
}

// parts reads a name with what stands before its dots.
func (c *cursor) parts() (names []string, at int) {
	at = c.at()
	for {
		name, ok := c.ident()
		if !ok {
			return names, at
		}
		names = append(names, name)
		if !c.token().is(".") {
			return names, at
		}
		c.i++
	}
}

// ref reads the name of an object. A database before the schema is left out.
func (c *cursor) ref() ref {
	names, at := c.parts()
	return refOf(names, at)
}

func refOf(names []string, at int) ref {
	switch n := len(names); n {
	case 0:
		return ref{at: at}
	case 1:
		return ref{name: names[0], at: at}
	default:
		return ref{schema: names[n-2], name: names[n-1], at: at}
	}
}

// parens goes over a group in parentheses and returns where its inside begins and ends.
func (c *cursor) parens() (from, to int, ok bool) {
	if !c.token().is("(") {
		return 0, 0, false
	}
	depth := 0
	from = c.i + 1
	for ; !c.done(); c.i++ {
		if c.token().is("(") {
			depth++
		} else if c.token().is(")") {
			if depth--; depth == 0 {
				c.i++
				return from, c.i - 1, true
			}
		}
	}
	return from, c.i, true
}

// list returns the parts of the tokens from..to between commas outside of parentheses, each as a statement of its own.
func (s *statement) list(from, to int) []statement {
	var parts []statement
	depth, start := 0, from
	end := func(i int) {
		if i > start {
			parts = append(parts, statement{tokens: s.tokens[start:i], from: s.from, to: s.to, inBody: s.inBody})
		}
		start = i + 1
	}
	for i := from; i < to; i++ {
		switch t := &s.tokens[i]; {
		case t.is("("), t.is("["):
			depth++
		case t.is(")"), t.is("]"):
			depth--
		case t.is(",") && depth == 0:
			end(i)
		}
	}
	end(to)
	return parts
}
