package cli

import (
	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/lint"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

type planJSON struct {
	admin.Source
	Version   uint             `json:"version"`
	Changes   bool             `json:"changes"`
	Waiting   []planFileJSON   `json:"waiting"` // of --dir, or kept in the schema, and not applied
	Tables    []planTableJSON  `json:"tables"`
	Columns   []planColumnJSON `json:"columns"`
	Widen     []planWidenJSON  `json:"widen"`
	Tracks    bool             `json:"tracks"`    // the view is made anew
	Catalogue bool             `json:"catalogue"` // the schema was brought up to another release's
	SQL       string           `json:"sql"`
}

type planFileJSON struct {
	Version uint          `json:"version"`
	Name    string        `json:"name"`
	Effects []lint.Effect `json:"effects"`
}

type planTableJSON struct {
	Table   string           `json:"table"`
	Event   string           `json:"event,omitempty"`
	Columns []planColumnJSON `json:"columns"`
}

type planColumnJSON struct {
	Table  string   `json:"table,omitempty"`
	Column string   `json:"column"`
	Type   string   `json:"type"`
	Path   []string `json:"path,omitempty"`
}

type planWidenJSON struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	From   string `json:"from"`
	To     string `json:"to"`
}

func (o *planned) json() *planJSON {
	out := &planJSON{
		Source: o.source, Version: o.Version, Changes: !o.empty(), Waiting: []planFileJSON{}, Tables: []planTableJSON{},
		Columns: []planColumnJSON{}, Widen: []planWidenJSON{}, Tracks: o.Tracks, Catalogue: o.Catalogue, SQL: o.sql(),
	}
	for _, files := range [][]migrations.File{o.files, o.Waiting} {
		for i := range files {
			out.Waiting = append(out.Waiting, planFileJSON{files[i].Version, files[i].Name, lint.Effects(files[i].Up)})
		}
	}
	for _, t := range o.Diff.Tables {
		table := planTableJSON{Table: t.Name, Event: t.Event, Columns: []planColumnJSON{}}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, newPlanColumn("", &c))
		}
		out.Tables = append(out.Tables, table)
	}
	for _, c := range o.Diff.Columns {
		out.Columns = append(out.Columns, newPlanColumn(c.Table, &c.Column))
	}
	for _, w := range o.Diff.Widen {
		out.Widen = append(out.Widen, planWidenJSON{w.Table, w.Column, w.From.String(), w.To.String()})
	}
	return out
}

func newPlanColumn(table string, c *schema.Column) planColumnJSON {
	return planColumnJSON{Table: table, Column: c.Name, Type: c.Type.String(), Path: c.Path}
}
