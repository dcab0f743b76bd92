package migrations

import (
	"context"
	"fmt"
	"strings"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/schema"
)

// Plan returns the SQL that Evolve would apply for d now, or nothing. It changes nothing and takes no lock; the schema
// need not exist. If number 1 is not applied it is part of the plan: a schema with tables of its own gets it in full, for
// a schema without it is what PlanNew says.
func (m *Migrator) Plan(ctx context.Context, d schema.Diff) (string, error) {
	var plan string
	err := m.read(ctx, func(s *session) error {
		have, err := catalog.Read(ctx, s.conn, m.schema)
		if err != nil {
			return err
		}
		version, err := s.lastApplied(ctx)
		switch {
		case err != nil:
			return err
		case version < 1 && len(have) == 0:
			plan = PlanNew(m.schema, d)
		case version < 1:
			plan = adoptedFile(m.schema, have).Up + planAfterFirst(m.schema, have, d)
		default:
			shown, err := s.shown(ctx, have)
			if err != nil {
				return err
			}
			plan = planned(m.schema, uint(version)+1, have, shown, d)
		}
		return nil
	})
	return plan, err
}

// PlanNew returns the SQL that would bring a schema that does not exist yet to d. Of number 1, the baseline, it says in a
// comment that it comes first: its 2,000 lines are the same for every schema.
func PlanNew(schemaName string, d schema.Diff) string {
	first := fmt.Sprintf("-- First comes migration 1, the baseline: Tapline's own tables, the %d tables of the event catalogue "+
		"and the view tracks.\n", len(schema.BaselineTables()))
	return first + planAfterFirst(schemaName, nil, d)
}

// planAfterFirst plans for a schema whose tables before number 1 are have.
func planAfterFirst(schemaName string, have schema.Tables, d schema.Diff) string {
	catalogue := CatalogueDiff(have)
	have = withTracks(catalogue.Apply(have))
	return planned(schemaName, 2, have, have.TracksTables(), d)
}

// planned returns the migrations from number next on that give a schema with the tables have what it lacks of d.
func planned(schemaName string, next uint, have schema.Tables, shown []*schema.Table, d schema.Diff) string {
	var b strings.Builder
	lack := d.Missing(have)
	for f := range evolution(schemaName, next, have, lack, tracksChange(schemaName, have, shown, lack), generated) {
		b.WriteString(f.Up)
	}
	return b.String()
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
