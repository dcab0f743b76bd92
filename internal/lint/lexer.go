package lint

import (
	"strings"
	"unicode/utf8"
)

// kind is what a token is.
type kind uint8

const (
	word    kind = iota // a key word or an unquoted name; text is in lower case
	quoted              // a name in double quotes; text is what is between them
	literal             // a string, whichever way it is quoted; text is its value, escapes of an E string left as they are
	number
	symbol  // one character of punctuation, or ::
	comment // text is what is in it
)

// token is one piece of SQL.
type token struct {
	kind kind
	text string
	// start and end are offsets in the source in bytes, inner that of the text of a dollar-quoted literal.
	start, end, inner int
	open              bool // a quote or comment that never ends
	dollar            bool // a literal in dollar quotes
}

// lexer splits SQL as Postgres does with standard_conforming_strings on. It takes any bytes, ends always, and every byte
// that is no white space is in exactly one token.
//
// It is our own because the parsers there are do not fit: Postgres's needs cgo, or 24 MB of WebAssembly that compiles at
// each start, and the one light lexer for Go ends a nested comment at its first end and splits "a""b" in two.
type lexer struct {
	src    string
	pos    int
	tokens []token
}

func lex(src string) []token {
	l := lexer{src: src}
	for l.pos < len(src) {
		l.next()
	}
	return l.tokens
}

func (l *lexer) next() {
	c, rest := l.src[l.pos], l.src[l.pos:]
	switch {
	case isSpace(c):
		l.pos++
	case strings.HasPrefix(rest, "--"):
		end := strings.IndexAny(rest, "\r\n")
		if end < 0 {
			end = len(rest)
		}
		l.add(token{kind: comment, text: rest[2:end]}, end)
	case strings.HasPrefix(rest, "/*"):
		l.block(rest)
	case c == '\'':
		l.text(0, false)
	case c == '"':
		l.name(0)
	case c == '$':
		l.dollar(rest)
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		l.number(rest)
	case isLetter(c):
		l.word(rest)
	case strings.HasPrefix(rest, "::"):
		l.add(token{kind: symbol, text: "::"}, 2)
	default:
		l.add(token{kind: symbol, text: rest[:1]}, 1)
	}
}

func (l *lexer) add(t token, size int) {
	t.start, t.end = l.pos, l.pos+size
	l.tokens = append(l.tokens, t)
	l.pos += size
}

// block reads a comment in slashes; they nest.
func (l *lexer) block(rest string) {
	depth, i := 1, 2
	for i < len(rest) && depth > 0 {
		switch {
		case strings.HasPrefix(rest[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(rest[i:], "*/"):
			depth--
			i += 2
		default:
			i++
		}
	}
	l.add(token{kind: comment, text: strings.TrimSuffix(rest[2:i], "*/"), open: depth > 0}, i)
}

// text reads a string whose quote is at offset skip; with escapes, a backslash takes the next character with it. A string
// that goes on after a line break is one.
func (l *lexer) text(skip int, escapes bool) {
	rest := l.src[l.pos:]
	var b strings.Builder
	i := skip + 1
	for i < len(rest) {
		c := rest[i]
		switch {
		case c == '\\' && escapes && i+1 < len(rest):
			b.WriteString(rest[i : i+2])
			i += 2
		case c == '\'' && strings.HasPrefix(rest[i+1:], "'"):
			b.WriteByte(c)
			i += 2
		case c == '\'':
			i++
			more := continued(rest[i:])
			if more == 0 {
				l.add(token{kind: literal, text: b.String()}, i)
				return
			}
			i += more
		default:
			b.WriteByte(c)
			i++
		}
	}
	l.add(token{kind: literal, text: b.String(), open: true}, len(rest))
}

// continued returns how much of rest leads to the next part of the same string, its quote included; 0 if there is none.
func continued(rest string) int {
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == '\'':
			if strings.ContainsAny(rest[:i], "\r\n") {
				return i + 1
			}
			return 0
		case !isSpace(c):
			return 0
		}
	}
	return 0
}

// name reads a name in double quotes, the first of which is at offset skip.
func (l *lexer) name(skip int) {
	rest := l.src[l.pos:]
	var b strings.Builder
	for i := skip + 1; i < len(rest); i++ {
		switch {
		case rest[i] != '"':
			b.WriteByte(rest[i])
		case strings.HasPrefix(rest[i+1:], `"`):
			b.WriteByte('"')
			i++
		default:
			l.add(token{kind: quoted, text: b.String()}, i+1)
			return
		}
	}
	l.add(token{kind: quoted, text: b.String(), open: true}, len(rest))
}

// dollar reads a dollar-quoted string, or a parameter such as $1.
func (l *lexer) dollar(rest string) {
	i := 1
	for i < len(rest) && isPart(rest[i]) {
		i++
	}
	if i < len(rest) && rest[i] == '$' && (i == 1 || !isDigit(rest[1])) {
		tag := rest[:i+1]
		body := rest[len(tag):]
		inner := l.pos + len(tag)
		if end := strings.Index(body, tag); end >= 0 {
			l.add(token{kind: literal, text: body[:end], inner: inner, dollar: true}, len(tag)+end+len(tag))
			return
		}
		l.add(token{kind: literal, text: body, inner: inner, dollar: true, open: true}, len(rest))
		return
	}
	l.add(token{kind: symbol, text: rest[:i]}, i)
}

func (l *lexer) number(rest string) {
	i := 0
	for i < len(rest) {
		c := rest[i]
		exponent := i > 0 && (c == '+' || c == '-') && (rest[i-1] == 'e' || rest[i-1] == 'E')
		point := c == '.' && !strings.HasPrefix(rest[i+1:], ".")
		if !isPart(c) && !exponent && !point {
			break
		}
		i++
	}
	l.add(token{kind: number, text: rest[:max(i, 1)]}, max(i, 1))
}

// word reads a key word or a name, or the string or name that a prefix such as E or U& belongs to.
func (l *lexer) word(rest string) {
	if len(rest) > 1 && rest[1] == '\'' && strings.ContainsRune("eEbBxXnN", rune(rest[0])) {
		l.text(1, rest[0] == 'e' || rest[0] == 'E')
		return
	}
	if len(rest) > 2 && (rest[0] == 'u' || rest[0] == 'U') && rest[1] == '&' {
		switch rest[2] {
		case '\'':
			l.text(2, false)
			return
		case '"':
			l.name(2)
			return
		}
	}
	i := 1
	for i < len(rest) && (isPart(rest[i]) || rest[i] == '$') {
		i++
	}
	l.add(token{kind: word, text: lower(rest[:i])}, i)
}

// lower folds ASCII only, as Postgres does for names in UTF8 databases.
func lower(s string) string {
	if !utf8.ValidString(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80 }
func isPart(c byte) bool   { return isLetter(c) || isDigit(c) }
