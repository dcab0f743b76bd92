package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/schema"
)

// ident quotes one identifier.
func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

// qualified quotes the name of a relation in a schema. It is never left unqualified: an unqualified "pg_class" is
// Postgres's own whatever the search_path is (rule 5).
func qualified(schemaName, relation string) string {
	return pgx.Identifier{schemaName, relation}.Sanitize()
}

// lit quotes a text as Postgres's quote_literal does, so that it reads the same with standard_conforming_strings off.
// What cannot stand in a Postgres text becomes visible text instead of an error: the SQL is made once and must apply.
func lit(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", `\u0000`), "\uFFFD")
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		// The blank keeps E apart from a word before it.
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// body quotes the body of a do block with a tag that does not occur in it.
func body(text string) string {
	tag := "$tapline$"
	for i := 0; strings.Contains(text, tag); i++ {
		tag = "$tapline" + strconv.Itoa(i) + "$"
	}
	return tag + "\n" + text + tag
}

// jsonText returns v, a string or strings, as JSON without HTML escapes: control characters, U+0000 among them, become
// visible escapes.
func jsonText[T string | []string](v T) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// Strings always encode, and a Builder takes everything.
	_ = enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n")
}

// relationName names an index or a constraint: prefix, table, suffix. It begins with _, which no event's table does:
// tables and indexes share one namespace, and with Postgres's own choice of names a table for the event "Purchase Pkey"
// would silently not be made, because the index purchase_pkey is there.
func relationName(prefix, table, suffix string) string {
	name := prefix + table + suffix
	if len(name) <= schema.MaxIdentifier {
		return name
	}
	sum := sha256.Sum256([]byte(table))
	hash := "_" + hex.EncodeToString(sum[:4])
	keep := schema.MaxIdentifier - len(prefix) - len(suffix) - len(hash)
	return prefix + strings.ToValidUTF8(table[:keep], "") + hash + suffix
}
