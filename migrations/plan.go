package migrations

import (
	"context"
	"strings"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/schema"
)

// Plan returns the SQL that Evolve would apply for d now, with number 1 before it if that is not applied, or nothing.
// It changes nothing and takes no lock; the schema need not exist.
func (m *Migrator) Plan(ctx context.Context, d schema.Diff) (string, error) {
	var b strings.Builder
	err := m.read(ctx, func(s *session) error {
		have, err := catalog.Read(ctx, s.conn, m.schema)
		if err != nil {
			return err
		}
		shown, err := s.shown(ctx, have)
		if err != nil {
			return err
		}
		version, err := s.lastApplied(ctx)
		if err != nil {
			return err
		}
		if version < 1 {
			first, err := s.first(ctx)
			if err != nil {
				return err
			}
			b.WriteString(first.Up)
			lack := CatalogueDiff(have)
			have = withTracks(lack.Apply(have))
			shown = have.TracksTables()
		}
		lack := d.Missing(have)
		tracks := tracksChange(m.schema, have, shown, lack)
		if lack.Empty() && tracks == (viewChange{}) {
			return nil
		}
		parts := split(sorted(lack))
		for i, part := range parts {
			change := viewChange{}
			if i == len(parts)-1 {
				change = tracks
			}
			b.WriteString(s.file(uint(max(version, 1)+1+i), have, part, change).Up)
		}
		return nil
	})
	return b.String(), err
}

// withTracks returns tables with the tracks view over them, if there is no tracks yet.
func withTracks(tables schema.Tables) schema.Tables {
	if tables[schema.TableTracks] != nil {
		return tables
	}
	view := &schema.Table{Name: schema.TableTracks, View: true}
	types := map[string]schema.Type{}
	for _, c := range schema.StandardColumns() {
		types[c.Name] = c.Type
	}
	for _, name := range tracksColumns(nil, tables.TracksTables()) {
		typ, standard := types[name]
		if !standard {
			typ = schema.Text
		}
		view.Columns = append(view.Columns, schema.Column{Name: name, Type: typ})
	}
	tables[view.Name] = view
	return tables
}
