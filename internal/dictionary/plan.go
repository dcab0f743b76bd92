package dictionary

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
)

// planHeader are the columns of the CSV that Segment's Protocols exports a tracking plan to and takes one from.
var planHeader = []string{
	"Version", "Event Type", "Event Name", "Property Name", "Source", "Description", "Labels", "Property Status",
	"Property Data Type", "Allowed Property Values", "Enum Values",
}

// trackingPlan writes a row for each event and below it one for each property. Every property is optional: a table does not
// tell what must be sent. Nested ones are written with dots.
func trackingPlan(s *Schema) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{planHeader}
	for _, t := range s.Tables {
		call, ok := callOf(t)
		if !ok || call.typ == "alias" {
			continue // a plan has no alias calls
		}
		name := ""
		if call.typ == "track" {
			name = t.eventName()
		}
		row := func(property, description, status, typ string) {
			rows = append(rows, []string{"1", call.name, name, property, "", description, "", status, typ, "", ""})
		}
		if call.typ == "track" {
			row("", t.Comment, "", "")
		}
		for _, c := range t.properties() {
			row(strings.Join(c.keys(), "."), c.Comment, "Optional", planType(c))
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write tracking plan: %w", err)
	}
	return b.Bytes(), nil
}

func planType(c *Column) string {
	types, format, anything := jsonTypes(c, false)
	switch {
	case anything:
		return "any"
	case format != "":
		return format
	}
	return types[0]
}
