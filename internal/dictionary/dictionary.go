// Package dictionary tells what a source's schema holds: its tables as they are, how they differ from what they should be,
// and descriptions of them for other tools. It reads only; what it finds wrong it names with the statement that repairs it.
package dictionary

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/schema"
)

// Querier is what reading needs: a pool, a connection or a transaction of pgx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Schema is a source's schema as it is in the database.
type Schema struct {
	Name string `json:"schema"`
	// Tables are the event tables, users, accounts and tracks, in name order.
	Tables []*Table `json:"tables"`
	// Others are the relations that are neither Tapline's nor events': tables and views of analysts.
	Others []*Table `json:"others,omitempty"`

	internal map[string]*Table // Tapline's own tables
	recorded map[place]record  // what _columns says
}

// Table is one relation of the schema.
type Table struct {
	Name    string `json:"table"`
	Kind    string `json:"kind"` // table, view, materialized view or foreign table
	Event   string `json:"event,omitempty"`
	Comment string `json:"comment,omitempty"`
	// Rows is exact or the planner's estimate. Known after Measure.
	Rows  int64 `json:"rows"`
	Exact bool  `json:"rows_exact"`
	// TableBytes is the size of the rows, IndexBytes that of all indexes. Known after Measure.
	TableBytes int64 `json:"table_bytes"`
	IndexBytes int64 `json:"index_bytes"`
	// Newest is the largest received_at; nil without rows. Known after Measure.
	Newest *time.Time `json:"newest_received_at"`
	// FilledExact says that the fill rates of the columns are counted, not those of the last analyze.
	FilledExact bool      `json:"filled_exact"`
	Columns     []*Column `json:"columns"`
	Indexes     []Index   `json:"indexes,omitempty"`

	byName   map[string]*Column
	pages    int64
	recorded bool // made by Tapline: _columns knows its key
}

// Column is one column of a table.
type Column struct {
	Name string `json:"column"`
	// Type is the type as Postgres writes it, but timestamptz for its long name.
	Type    string `json:"type"`
	Comment string `json:"comment,omitempty"`
	// Path is the original name: the keys from properties, traits or context down to the value. Empty where the column
	// is a standard one, or came with a table that was there before.
	Path []string `json:"path,omitempty"`
	// Filled is the part of the rows, 0 to 1, in which the column is not null; nil if nobody knows: the table is empty or
	// was never analyzed. Known after Measure.
	Filled *float64 `json:"filled,omitempty"`

	newestKnown *time.Time // of received_at: a value that the statistics have seen
}

// Index is one index of a table.
type Index struct {
	Name   string `json:"index"`
	Method string `json:"method"` // such as btree
	// Lead is the first column; empty for an expression.
	Lead   string `json:"first_column"`
	Key    bool   `json:"unique"` // unique, without a condition
	Single bool   `json:"-"`      // of one column
	Valid  bool   `json:"valid"`  // false if building it concurrently failed
}

type place struct{ table, column string }

// record is a row of _columns.
type record struct {
	typ  string
	path []string
}

// Column returns the column of that name, or nil.
func (t *Table) Column(name string) *Column { return t.byName[name] }

// Table returns the event table of that name, or tracks, or nil.
func (s *Schema) Table(name string) *Table {
	for _, t := range s.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Ready reports whether Tapline's own tables are there.
func (s *Schema) Ready() bool { return s.internal["_columns"] != nil && s.internal["_loads"] != nil }

// isView reports whether the relation has no rows of its own.
func (t *Table) isView() bool { return t.Kind == "view" || t.Kind == "materialized view" }

// tables returns the schema as package migrations wants it.
func (s *Schema) tables() schema.Tables {
	out := make(schema.Tables, len(s.Tables))
	for _, t := range s.Tables {
		out[t.Name] = t.plain()
	}
	return out
}

func (t *Table) plain() *schema.Table {
	p := &schema.Table{Name: t.Name, Event: t.Event, Comment: t.Comment, View: t.isView()}
	for _, c := range t.Columns {
		p.Columns = append(p.Columns, c.plain())
	}
	return p
}

func (c *Column) plain() schema.Column {
	return schema.Column{Name: c.Name, Type: schema.ParseType(c.Type), Path: c.Path, Comment: c.Comment}
}
