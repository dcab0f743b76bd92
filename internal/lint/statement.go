package lint

import "strings"

// statement is one statement of a file, without its comments.
type statement struct {
	tokens []token
	// from and to are where it begins, comments before it included, and where it ends, the rest of its last line
	// included: an ignore comment in there is about it.
	from, to int
	// inBody says that it stands in the body of a do block. Its offsets are those of the file.
	inBody bool
}

// at returns the offset of the statement's first token.
func (s *statement) at() int { return s.tokens[0].start }

// split returns the statements of a source, whose tokens these are. Semicolons end them, unless they are in parentheses,
// as in a rule, or in a function's body of standard SQL.
func split(src string, tokens []token) []statement {
	var list []statement
	var s statement
	parens, atomic := 0, 0
	end := func(at int) {
		s.to = lineEnd(src, at)
		if len(s.tokens) > 0 {
			list = append(list, s)
			s = statement{from: s.to}
		}
		parens, atomic = 0, 0
	}
	for i := range tokens {
		t := &tokens[i]
		switch {
		case t.kind == comment:
			continue
		case t.is(";") && parens == 0 && atomic == 0:
			end(t.end)
			continue
		case t.is("("):
			parens++
		case t.is(")"):
			parens = max(0, parens-1)
		case t.word("atomic") && len(s.tokens) > 0 && s.tokens[len(s.tokens)-1].word("begin"):
			atomic = 1
		case t.word("case") && atomic > 0:
			atomic++
		case t.word("end") && atomic > 0:
			atomic--
		}
		s.tokens = append(s.tokens, *t)
	}
	end(len(src))
	return list
}

// lineEnd returns the offset of the end of the line, if nothing but comments and white space is left on it.
func lineEnd(src string, at int) int {
	rest := src[at:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	trimmed := strings.TrimLeft(rest, " \t")
	if trimmed == "" || strings.HasPrefix(trimmed, "--") || strings.HasPrefix(trimmed, "/*") {
		return at + len(rest)
	}
	return at
}

// is reports whether the token is that punctuation.
func (t *token) is(text string) bool { return t.kind == symbol && t.text == text }

// word reports whether the token is that key word.
func (t *token) word(text string) bool { return t.kind == word && t.text == text }

// bodies returns the statements in the body of a do block, as far as they can be told without a parser of PL/pgSQL: what
// follows a semicolon, begin, then, else or loop. SQL that is put together from strings is not seen.
func bodies(src string, s *statement) []statement {
	if !s.begins("do") {
		return nil
	}
	var list []statement
	for i := range s.tokens {
		if t := &s.tokens[i]; t.dollar {
			list = append(list, blocks(src, t)...)
		}
	}
	return list
}

func blocks(src string, body *token) []statement {
	var list []statement
	var cur statement
	end := func(at int) {
		if len(cur.tokens) > 0 {
			cur.to = lineEnd(src, at)
			list = append(list, cur)
		}
		cur = statement{from: at, inBody: true}
	}
	end(body.inner)
	for _, t := range lex(body.text) {
		t.start += body.inner
		t.end += body.inner
		t.inner += body.inner
		switch {
		case t.kind == comment:
		case t.is(";"), t.word("begin"), t.word("then"), t.word("else"), t.word("loop"):
			end(t.end)
		default:
			cur.tokens = append(cur.tokens, t)
		}
	}
	end(body.inner + len(body.text))
	return list
}

// begins reports whether the statement begins with those key words.
func (s *statement) begins(words ...string) bool { return s.wordsAt(0, words...) }

// wordsAt reports whether those key words stand at a token.
func (s *statement) wordsAt(i int, words ...string) bool {
	if i < 0 || i+len(words) > len(s.tokens) {
		return false
	}
	for j, w := range words {
		if !s.tokens[i+j].word(w) {
			return false
		}
	}
	return true
}

// find returns the index of the first of those key words in a row, from a token on and outside of parentheses; -1 if
// they are not there.
func (s *statement) find(from int, words ...string) int {
	depth := 0
	for i := max(0, from); i < len(s.tokens); i++ {
		switch t := &s.tokens[i]; {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth == 0 && s.wordsAt(i, words...):
			return i
		}
	}
	return -1
}

// has reports whether those key words stand in a row outside of parentheses.
func (s *statement) has(words ...string) bool { return s.find(0, words...) >= 0 }
