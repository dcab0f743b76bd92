package migrations

import (
	"regexp"
	"strings"
)

// SQL returns SQL of a migration for the source's new name: what names the schema names the new one, and number 1 of a
// folder claims it for the new nickname. Texts that hold data, such as comments and the names of properties, stay as they are
// whatever is in them.
func (r Renaming) SQL(text string) string {
	head := regexp.MustCompile(`(?m)^(-- Tapline migration [0-9]+ of schema )` + regexp.QuoteMeta(jsonText(r.From.Schema)) + `: `)
	text = head.ReplaceAllString(text, "${1}"+jsonText(r.To.Schema)+": ")
	text = strings.ReplaceAll(text, claimOnly(r.From), claimOnly(r.To))
	return (&requalifier{renaming: r, in: text}).run()
}

// claimOnly is the text of claim without the digest, which is another one in each release.
func claimOnly(n Named) string {
	digest := setCatalogue(n.Schema, lit(catalogueDigest()))
	return strings.TrimSuffix(claim(n.Nickname, n.Schema), digest)
}

// requalifier reads SQL token by token.
type requalifier struct {
	renaming Renaming
	in       string
	at       int
	out      strings.Builder
	// before and last are the tokens before the one at hand: words in lower case, quoted names without their quotes,
	// single characters of all else.
	before, last string
}

func (q *requalifier) run() string {
	for q.at < len(q.in) {
		rest := q.in[q.at:]
		switch c := rest[0]; {
		case strings.HasPrefix(rest, "--"):
			q.copy(lineEnd(rest))
		case strings.HasPrefix(rest, "/*"):
			q.copy(commentEnd(rest))
		case c == '"':
			q.name(quotedEnd(rest, '"', false))
		case c == '\'':
			q.literal(0, quotedEnd(rest, '\'', false))
		case (c == 'E' || c == 'e') && strings.HasPrefix(rest[1:], "'"):
			q.literal(1, 1+quotedEnd(rest[1:], '\'', true))
		case c == '$' && dollarTag(rest) != "":
			q.body(dollarTag(rest))
		case wordByte(c):
			q.word(wordEnd(rest))
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			q.copy(1)
		default:
			q.copy(1)
			q.token(string(c))
		}
	}
	return q.out.String()
}

// copy copies n bytes.
func (q *requalifier) copy(n int) {
	q.out.WriteString(q.in[q.at : q.at+n])
	q.at += n
}

func (q *requalifier) token(text string) { q.before, q.last = q.last, text }

// name handles a quoted name of n bytes.
func (q *requalifier) name(n int) {
	name := strings.ReplaceAll(strings.Trim(q.in[q.at:q.at+n], `"`), `""`, `"`)
	if q.isSchema(name, n) {
		q.out.WriteString(ident(q.renaming.To.Schema))
		q.at += n
	} else {
		q.copy(n)
	}
	q.token(name)
}

// word handles an unquoted word of n bytes: a folder may have files that people wrote.
func (q *requalifier) word(n int) {
	word := strings.ToLower(q.in[q.at : q.at+n])
	if q.isSchema(word, n) {
		q.out.WriteString(ident(q.renaming.To.Schema))
		q.at += n
	} else {
		q.copy(n)
	}
	q.token(word)
}

// isSchema reports whether a name of n bytes is the old schema's, where a schema's name can stand: a table may have the
// same.
func (q *requalifier) isSchema(name string, n int) bool {
	return name == q.renaming.From.Schema && q.last != "." &&
		(q.last == "schema" || strings.HasPrefix(strings.TrimLeft(q.in[q.at+n:], " \t\r\n"), "."))
}

// body handles a text in dollar quotes, which is SQL in migrations.
func (q *requalifier) body(tag string) {
	end := strings.Index(q.in[q.at+len(tag):], tag)
	if end < 0 {
		q.copy(len(q.in) - q.at)
		return
	}
	inner := q.in[q.at+len(tag) : q.at+len(tag)+end]
	q.out.WriteString(tag + (&requalifier{renaming: q.renaming, in: inner}).run() + tag)
	q.at += len(tag) + end + len(tag)
	q.token("$")
}

// literal handles a text in quotes of n bytes, with a prefix of so many.
func (q *requalifier) literal(prefix, n int) {
	value := unquote(q.in[q.at+prefix:q.at+n], prefix > 0)
	schemaName := q.renaming.From.Schema
	switch {
	case q.last == "=" && q.before == "schema_name" && value == schemaName:
		value = q.renaming.To.Schema
	case q.last == "=" && q.before == "down", q.isStatement(value, n):
		value = (&requalifier{renaming: q.renaming, in: value}).run()
	default:
		q.copy(n)
		q.token("'")
		return
	}
	q.out.WriteString(strings.TrimPrefix(lit(value), " "))
	q.at += n
	q.token("'")
}

// isStatement reports whether a literal of n bytes is SQL of ours: a statement that is executed under a condition, or a
// name that becomes a relation.
func (q *requalifier) isStatement(value string, n int) bool {
	name := ident(q.renaming.From.Schema) + "."
	for _, verb := range []string{"lock table only ", "alter view ", "grant update on "} {
		if strings.HasPrefix(value, verb+name) {
			return true
		}
	}
	return strings.HasPrefix(value, name) && (strings.HasPrefix(q.in[q.at+n:], "::") || q.last == "(" && q.before == "to_regclass")
}

// unquote returns the value of a literal.
func unquote(text string, escapes bool) string {
	if len(text) < 2 {
		return text
	}
	value := strings.ReplaceAll(text[1:len(text)-1], "''", "'")
	if escapes { // lit writes no other escape
		value = strings.ReplaceAll(value, `\\`, `\`)
	}
	return value
}

// quotedEnd returns the length of what is in quotes at the beginning of text.
func quotedEnd(text string, quote byte, escapes bool) int {
	for i := 1; i < len(text); i++ {
		switch {
		case escapes && text[i] == '\\':
			i++
		case text[i] != quote:
		case i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(text)
}

func lineEnd(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// commentEnd returns the length of a comment, in which others may be.
func commentEnd(text string) int {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

var dollarQuote = regexp.MustCompile(`^\$([A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$`)

func dollarTag(text string) string { return dollarQuote.FindString(text) }

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

func wordEnd(text string) int {
	for i := range len(text) {
		if !wordByte(text[i]) && text[i] != '$' {
			return i
		}
	}
	return len(text)
}
