package migrations

import (
	"strings"

	"github.com/tapline/tapline/schema"
)

// completeTracks adds to d what a tracks that is a table would lack after it of the columns that the view has elsewhere.
// Such a table has only the columns that its events had while another warehouse filled it: without anonymous_id, for
// example, the events of anonymous devices would be rows of nobody. Context is text, as in the view.
func completeTracks(have schema.Tables, d schema.Diff) schema.Diff {
	tracks := have[schema.TableTracks]
	if d.Empty() || tracks == nil || tracks.View {
		return d
	}
	after := d.Apply(have) // what asks for d may have looked at tracks before
	tables := after.TracksTables()
	known := columnNames(after[schema.TableTracks].Columns)
	standard := map[string]schema.Column{}
	for _, c := range schema.StandardColumns() {
		standard[c.Name] = c
	}
	added := make([]schema.Added, 0, len(d.Columns))
	for _, name := range tracksColumns(known, tables)[len(known):] {
		c, ok := standard[name]
		if !ok {
			c = schema.Column{Name: name, Type: schema.Text, Path: contextPath(name, tables)}
		}
		added = append(added, schema.Added{Table: tracks.Name, Column: c})
	}
	d.Columns = append(added, d.Columns...)
	return d.Missing(have)
}

// contextPath returns the original name of a context column in the first table that knows it.
func contextPath(name string, tables []*schema.Table) []string {
	if !strings.HasPrefix(name, "context_") {
		return nil
	}
	for _, t := range tables {
		if c := t.Column(name); c != nil && len(c.Path) > 0 {
			return c.Path
		}
	}
	return nil
}
