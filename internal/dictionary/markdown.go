package dictionary

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tapline/tapline/schema"
)

// markdown writes the data dictionary: the tables, what each column means, and queries to begin with.
func markdown(s *Schema) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Data dictionary of `%s`\n\n", s.Name)
	b.WriteString("One table for each event, one column for each property. Filter and report by `timestamp`, when it happened; " +
		"`received_at`, when it arrived, has an index and finds new rows fastest.\n\n")
	b.WriteString("| Table | Rows | Meaning |\n| --- | ---: | --- |\n")
	for _, t := range s.Tables {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", cell(t.Name), t.Name, rowCount(t), cell(t.Comment))
	}
	if view := s.Table(schema.TableTracks); view != nil {
		b.WriteString("\n## Queries\n\n")
		tracks := ident(s.Name, view.Name)
		query(&b, "Events of each kind in the last 30 days:",
			"select event_text, count(*) as events, count(distinct coalesce(user_id, anonymous_id)) as people\nfrom "+tracks+
				"\nwhere received_at >= now() - interval '30 days'\ngroup by event_text\norder by events desc;")
		query(&b, "Events and people by day:",
			"select date_trunc('day', \"timestamp\") as day, count(*) as events, count(distinct coalesce(user_id, anonymous_id)) as people\nfrom "+
				tracks+"\ngroup by day\norder by day desc\nlimit 30;")
	}
	for _, t := range s.Tables {
		markdownTable(&b, s, t)
	}
	return b.Bytes()
}

func rowCount(t *Table) string {
	if t.Exact {
		return fmt.Sprint(t.Rows)
	}
	return "about " + fmt.Sprint(t.Rows)
}

func markdownTable(b *bytes.Buffer, s *Schema, t *Table) {
	fmt.Fprintf(b, "\n## %s\n\n", cell(t.Name))
	if t.Comment != "" {
		b.WriteString(cell(t.Comment) + "\n\n")
	}
	if t.Event != "" {
		b.WriteString("Event: " + code(t.Event) + "\n\n")
	}
	b.WriteString("| Column | Type | Sent as | Filled | Meaning |\n| --- | --- | --- | ---: | --- |\n")
	for _, c := range t.Columns {
		sent, filled := "", ""
		if len(c.Path) > 0 {
			sent = code(strings.Join(c.Path, "."))
		}
		if c.Filled != nil {
			filled = fmt.Sprintf("%.0f %%", *c.Filled*100)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", code(c.Name), cell(c.Type), sent, filled, cell(c.Comment))
	}
	if c := fullest(t); c != nil {
		b.WriteByte('\n')
		name := ident(c.Name)
		query(b, "Most frequent values:", "select "+name+", count(*) as \"rows\"\nfrom "+ident(s.Name, t.Name)+"\nwhere "+name+
			" is not null\ngroup by "+name+"\norder by \"rows\" desc\nlimit 10;")
	}
}

// fullest returns the property of text that most rows have, or nil.
func fullest(t *Table) *Column {
	var best *Column
	for _, c := range t.properties() {
		if schema.ParseType(c.Type) != schema.Text {
			continue
		}
		if best == nil || c.Filled != nil && (best.Filled == nil || *c.Filled > *best.Filled) {
			best = c
		}
	}
	return best
}

func query(b *bytes.Buffer, title, sql string) {
	b.WriteString(title + "\n\n```sql\n" + sql + "\n```\n\n")
}

// cell makes a text safe for a cell of a table: names and comments come from others.
func cell(s string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", ">", "&gt;", "`", "\\`",
		"[", "\\[", "]", "\\]", "*", "\\*").Replace(s)
}

// code writes a text as code, in as many backticks as it needs.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	s = strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ").Replace(s)
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}
