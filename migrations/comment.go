package migrations

import (
	"strings"

	"github.com/tapline/tapline/schema"
)

// tableComment is what Postgres shows for a table: its description, else the event whose rows it holds.
func tableComment(t *schema.Table) string {
	switch {
	case t.Comment != "":
		return t.Comment
	case t.Event != "":
		return "One row for each event " + jsonText(t.Event) + "."
	}
	switch t.Name {
	case schema.TableIdentifies:
		return "One row for each identify call: what was said of a user, when."
	case schema.TableUsers:
		return "One row for each user, with the newest value of each trait."
	case schema.TablePages:
		return "One row for each page that was viewed."
	case schema.TableScreens:
		return "One row for each screen that was viewed."
	case schema.TableGroups:
		return "One row for each group call: which user joined which account."
	case schema.TableAccounts:
		return "One row for each account, with the newest value of each trait."
	case schema.TableAliases:
		return "One row for each alias call: which identity became which."
	}
	return "Rows of the source's calls of the kind " + jsonText(t.Name) + "."
}

// columnComment is what Postgres shows for a column: its description, else the original name of the property. The name
// is JSON-escaped, key by key: a newline or U+0000 in it stays visible and harmless.
func columnComment(t *schema.Table, c *schema.Column) string {
	if c.Comment != "" {
		return c.Comment
	}
	kind, keys := "Property", c.Path
	if len(keys) == 0 {
		keys = []string{c.Name}
		kind = "Column"
	} else if strings.HasPrefix(c.Name, "context_") {
		kind = "Context"
	} else if t.Event == "" {
		kind = "Trait or property"
	}
	var b strings.Builder
	b.WriteString(kind)
	b.WriteByte(' ')
	for i, key := range keys {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(jsonText(key))
	}
	if t.Event != "" {
		b.WriteString(" of event " + jsonText(t.Event) + ".")
	} else {
		b.WriteString(" of table " + jsonText(t.Name) + ".")
	}
	return b.String()
}
