package dictionary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tapline/tapline/schema"
)

const jsonSuffix = ".json"

// object is a JSON object; encoding/json writes its members in byte order of their names.
type object map[string]any

// jsonSchemas describes the events as they are sent, not their rows: the original names, nested as they were.
func jsonSchemas(s *Schema) ([]File, error) {
	var files []File
	for _, t := range s.Tables {
		call, ok := callOf(t)
		if !ok {
			continue
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(jsonSchema(t, call)); err != nil {
			return nil, fmt.Errorf("write JSON schema of %s: %w", t.Name, err)
		}
		files = append(files, File{t.Name + jsonSuffix, b.Bytes()})
	}
	return files, nil
}

func jsonSchema(t *Table, call call) object {
	_, catalogued := schema.CatalogueTable(t.Name)
	holder, context := &node{}, &node{}
	for _, c := range t.properties() {
		holder.add(c.keys(), c, catalogued)
	}
	for _, c := range t.Columns {
		if len(c.Path) > 1 && c.Path[0] == "context" {
			context.add(c.Path[1:], c, false)
		}
	}
	id := object{"type": []string{"string", "integer", "null"}}
	members := object{
		"type": object{"const": call.typ}, "userId": id, "anonymousId": id, "messageId": object{"type": []string{"string", "null"}, "maxLength": 100},
		"context": context.schema(""), call.holder: holder.schema(""),
	}
	out := object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": t.eventName(), "type": "object", "properties": members,
		"required": []string{"type"},
	}
	if t.Comment != "" {
		out["description"] = t.Comment
	}
	if call.typ == "track" {
		members["event"] = object{"type": "string"}
		if t.Event != "" {
			members["event"] = object{"const": t.Event}
		}
		out["required"] = []string{"type", "event"}
	}
	if call.typ == "group" {
		members["groupId"] = id
	}
	if call.typ == "alias" {
		members["previousId"] = id
	}
	if call.typ == "page" || call.typ == "screen" {
		members["name"], members["category"] = object{"type": []string{"string", "null"}}, object{"type": []string{"string", "null"}}
	}
	return out
}

// node is a key of an object that is sent: a value, an object of further keys, or, from different senders, both.
type node struct {
	column   *Column
	types    []string
	format   string
	any      bool
	children map[string]*node
}

func (n *node) add(path []string, c *Column, catalogued bool) {
	if len(path) == 0 {
		n.column = c
		n.types, n.format, n.any = jsonTypes(c, catalogued)
		return
	}
	if n.children == nil {
		n.children = map[string]*node{}
	}
	child := n.children[path[0]]
	if child == nil {
		child = &node{}
		n.children[path[0]] = child
	}
	child.add(path[1:], c, catalogued)
}

// jsonTypes returns what a column takes without a discard, short of conversions. The catalogue's text columns get numbers
// too: ids of campaigns and versions are sent as either. A text column that was made for an array holds its JSON.
func jsonTypes(c *Column, catalogued bool) (types []string, format string, anything bool) {
	switch base, _, _ := strings.Cut(c.Type, "("); base {
	case "smallint", "integer":
		return []string{"integer"}, "", false
	case "real":
		return []string{"number"}, "", false
	}
	switch schema.ParseType(c.Type) {
	case schema.Boolean:
		return []string{"boolean"}, "", false
	case schema.Bigint:
		return []string{"integer"}, "", false
	case schema.Double, schema.Numeric:
		return []string{"number"}, "", false
	case schema.Timestamptz:
		return []string{"string"}, "date-time", false
	case schema.Text:
		if catalogued {
			return []string{"string", "number", "boolean", "array"}, "", false
		}
		return []string{"string", "array"}, "", false
	}
	return nil, "", true
}

// schema returns the JSON Schema of the node. Null is always allowed: it is the same as not sent.
func (n *node) schema(description string) object {
	out := object{}
	if n.column != nil {
		description = n.column.Comment
	}
	if description != "" {
		out["description"] = description
	}
	types := slices.Clone(n.types)
	if len(n.children) > 0 || n.column == nil {
		types = append(types, "object")
		members := object{}
		for key, child := range n.children {
			members[key] = child.schema("")
		}
		out["properties"] = members
	}
	if n.format != "" {
		out["format"] = n.format
	}
	if !n.any {
		out["type"] = append(types, "null")
	}
	return out
}
