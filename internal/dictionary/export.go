package dictionary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tapline/tapline/schema"
)

// The formats of Export.
const (
	formatDBT        = "dbt"
	formatJSONSchema = "json-schema"
	formatPlan       = "tracking-plan-csv"
	formatMarkdown   = "markdown"
)

// Formats returns the formats that Export knows.
func Formats() []string { return []string{formatDBT, formatJSONSchema, formatPlan, formatMarkdown} }

// File is one exported file.
type File struct {
	Name    string // without a folder
	Content []byte
}

// Freshness says how old the newest row of a table may be before dbt warns and fails. Minutes are the finest.
type Freshness struct{ Warn, Error time.Duration }

// Export describes the tables of events to another tool. s has been through Measure. The same schema gives the same bytes.
func Export(s *Schema, format string, fresh Freshness) ([]File, error) {
	switch format {
	case formatDBT:
		return []File{{"sources.yml", dbtSources(s, fresh)}}, nil
	case formatJSONSchema:
		return jsonSchemas(s)
	case formatPlan:
		content, err := trackingPlan(s)
		return []File{{"tracking-plan.csv", content}}, err
	case formatMarkdown:
		return []File{{"data-dictionary.md", markdown(s)}}, nil
	}
	return nil, fmt.Errorf("export schema %s: unknown format %q", s.Name, format)
}

// Bundle makes one document of files: JSON Schemas become the members of an object, by table.
func Bundle(files []File, format string) []byte {
	if format != formatJSONSchema {
		return files[0].Content
	}
	var b bytes.Buffer
	b.WriteString("{")
	for i, f := range files {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(strings.TrimSuffix(f.Name, jsonSuffix)) // a string always has JSON
		b.WriteString("\n")
		b.Write(name)
		b.WriteString(": ")
		b.Write(bytes.TrimSpace(f.Content))
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// call is what the rows of a table were sent as.
type call struct {
	typ    string // of the Segment protocol
	name   string // as a tracking plan has it
	holder string // the object whose keys are the columns
}

// callOf returns the call of a table; false for tables that no call of their own fills: users, accounts and tracks.
func callOf(t *Table) (call, bool) {
	switch t.Name {
	case schema.TableTracks, schema.TableUsers, schema.TableAccounts:
		return call{}, false
	case schema.TableIdentifies:
		return call{"identify", "Identify", "traits"}, true
	case schema.TableGroups:
		return call{"group", "Group", "traits"}, true
	case schema.TablePages:
		return call{"page", "Page", "properties"}, true
	case schema.TableScreens:
		return call{"screen", "Screen", "properties"}, true
	case schema.TableAliases:
		return call{"alias", "Alias", "properties"}, true
	}
	return call{"track", "Track", "properties"}, true
}

// eventName is the name of the event as it is sent. Of a table that was there before nobody knows more than the table's.
func (t *Table) eventName() string {
	if t.Event != "" {
		return t.Event
	}
	return t.Name
}

// properties returns the columns that hold properties or traits: neither standard ones nor context.
func (t *Table) properties() []*Column {
	standard := map[string]bool{}
	for _, c := range schema.StandardColumnsOf(t.Name) {
		standard[c.Name] = true
	}
	var out []*Column
	for _, c := range t.Columns {
		if !standard[c.Name] && !schema.IsStandardColumn(c.Name) && !strings.HasPrefix(c.Name, "context_") {
			out = append(out, c)
		}
	}
	return out
}

// keys are the keys that lead to the column's value.
func (c *Column) keys() []string {
	if len(c.Path) > 0 {
		return c.Path
	}
	return []string{c.Name}
}
