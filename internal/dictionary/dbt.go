package dictionary

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dbtSources writes the sources.yml of dbt 1.10 and newer, where freshness and loaded_at_field are settings below config.
// Everything from outside is a quoted string, in which YAML reads the escapes of Go.
func dbtSources(s *Schema, fresh Freshness) []byte {
	var b bytes.Buffer
	b.WriteString("# Made by tapline schema export --format dbt: changes here are lost when it is made again.\nversion: 2\n\nsources:\n")
	line(&b, 2, "- name: %s", yamlText(s.Name))
	line(&b, 4, "schema: %s", yamlText(s.Name))
	line(&b, 4, "description: %s", dbtText("Events that Tapline loaded: one table for each event, and tracks, which has all of them."))
	line(&b, 4, "loader: tapline")
	line(&b, 4, "config:")
	line(&b, 6, "loaded_at_field: received_at")
	line(&b, 6, "freshness:")
	line(&b, 8, "warn_after: %s", dbtAge(fresh.Warn))
	line(&b, 8, "error_after: %s", dbtAge(fresh.Error))
	line(&b, 4, "tables:")
	for _, t := range s.Tables {
		dbtTable(&b, t)
	}
	return b.Bytes()
}

func dbtTable(b *bytes.Buffer, t *Table) {
	line(b, 6, "- name: %s", yamlText(t.Name))
	if t.Comment != "" {
		line(b, 8, "description: %s", dbtText(t.Comment))
	}
	// dbt takes a table without rows for a stale one, and tracks would be read whole: its tables are asked one by one.
	if t.Newest == nil || t.isView() {
		line(b, 8, "config:")
		line(b, 10, "freshness: null")
	}
	line(b, 8, "columns:")
	for _, c := range t.Columns {
		line(b, 10, "- name: %s", yamlText(c.Name))
		if c.Comment != "" {
			line(b, 12, "description: %s", dbtText(c.Comment))
		}
		line(b, 12, "data_type: %s", yamlText(c.Type))
		if c.Name == "id" {
			line(b, 12, "data_tests:")
			line(b, 14, "- not_null")
			if !t.isView() { // an id may be used again in another table
				line(b, 14, "- unique")
			}
		}
	}
}

func line(b *bytes.Buffer, indent int, format string, args ...any) {
	b.WriteString(strings.Repeat(" ", indent))
	fmt.Fprintf(b, format, args...)
	b.WriteByte('\n')
}

func yamlText(s string) string { return strconv.Quote(s) }

// dbtText quotes a text that dbt renders as a template of Jinja: what a sender called a property must not be run.
func dbtText(s string) string {
	for _, mark := range []string{"{{", "{%", "{#"} {
		if strings.Contains(s, mark) {
			return yamlText(strings.ReplaceAll(s, "{", "{{ '{' }}"))
		}
	}
	return yamlText(s)
}

// dbtAge writes a span in the largest unit of dbt that has no remainder.
func dbtAge(d time.Duration) string {
	count, period := int64(d/time.Minute), "minute"
	switch {
	case d%(24*time.Hour) == 0:
		count, period = int64(d/(24*time.Hour)), "day"
	case d%time.Hour == 0:
		count, period = int64(d/time.Hour), "hour"
	}
	return fmt.Sprintf("{count: %d, period: %s}", count, period)
}
