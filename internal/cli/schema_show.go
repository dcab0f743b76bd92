package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/dictionary"
)

func (a *app) schemaShowCommand() *cobra.Command {
	exact := false
	c := &cobra.Command{
		Use:   "show [TABLE...]",
		Short: "Show tables, or the columns of one: types, meaning, fill rates, sizes",
		Long: fmt.Sprintf(`Show the tables of a source: rows, size, newest event and meaning. With the name of a table, its columns: type, how many
of the rows have a value, the property as it was sent, and meaning.

Rows of tables up to %s are counted; of larger ones, and of fill rates, the numbers are those of the last analyze (marked
~). --exact counts everything, which reads the tables to their end.`, number(dictionary.ExactRows)),
		Example: `  tapline schema show --source CleverTap_Prod
  tapline schema show app_launched --source CleverTap_Prod --exact
  tapline schema show --source CleverTap_Prod --json`,
		RunE: func(c *cobra.Command, names []string) error {
			return a.withSchema(c.Context(), func(pool *pgxpool.Pool, s *dictionary.Schema) error {
				return a.schemaShow(c.Context(), pool, s, exact, names)
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().BoolVar(&exact, "exact", false, "count all rows and values, instead of taking the last analyze's numbers")
	return c
}

func (a *app) schemaShow(ctx context.Context, pool *pgxpool.Pool, s *dictionary.Schema, exact bool, names []string) error {
	var chosen []*dictionary.Table
	for _, name := range names {
		t := s.Table(name)
		if t == nil {
			return noTable(s, name)
		}
		chosen = append(chosen, t)
	}
	if err := dictionary.Measure(ctx, pool, s, exact, names...); err != nil {
		return err
	}
	if len(names) > 0 {
		s.Tables, s.Others = chosen, nil
	}
	if a.json {
		return a.writeJSON(s)
	}
	p := newPrinter(a.stdout, a.env)
	if len(names) == 0 {
		p.schemaTables(s)
		return nil
	}
	for i, t := range chosen {
		if i > 0 {
			p.line()
		}
		p.schemaTable(s, t)
	}
	return nil
}

func (p *printer) schemaTables(s *dictionary.Schema) {
	p.line(p.bold(s.Name) + p.dim("  "+plural(len(s.Tables), "table", "tables")))
	if len(s.Tables) > 0 {
		p.line()
		g := &grid{header: []string{"~TABLE", ">ROWS", ">COLUMNS", ">SIZE", ">INDEXES", "NEWEST", "<MEANING"}}
		for _, t := range s.Tables {
			g.add(printable(t.Name), about(t.Rows, t.Exact), number(len(t.Columns)), bytes(t.TableBytes), bytes(t.IndexBytes),
				moment(t.Newest), printable(t.Comment))
		}
		p.print(g)
	}
	if len(s.Others) > 0 {
		names := make([]string, len(s.Others))
		for i, t := range s.Others {
			names[i] = printable(t.Name) + " (" + t.Kind + ")"
		}
		p.line("  " + p.dim("not Tapline's: "+strings.Join(names, ", ")))
	}
}

// bytes is size, but nothing for 0: a view has none.
func bytes(n int64) string {
	if n == 0 {
		return ""
	}
	return size(n)
}

func (p *printer) schemaTable(s *dictionary.Schema, t *dictionary.Table) {
	p.line(p.bold(s.Name+"."+printable(t.Name)) + p.dim("  "+t.Kind))
	fields := [][2]string{}
	if t.Comment != "" {
		fields = append(fields, [2]string{"meaning", printable(t.Comment)})
	}
	if t.Event != "" {
		fields = append(fields, [2]string{"event", printable(t.Event)})
	}
	if t.Exact || t.Rows > 0 {
		fields = append(fields, [2]string{"rows", about(t.Rows, t.Exact)})
	}
	if t.TableBytes > 0 {
		fields = append(fields, [2]string{"size", size(t.TableBytes) + ", indexes " + size(t.IndexBytes)})
	}
	if t.Newest != nil {
		fields = append(fields, [2]string{"newest", moment(t.Newest) + " (" + ago(t.Newest) + ")"})
	}
	for _, x := range t.Indexes {
		fields = append(fields, [2]string{"index", printable(x.Name)})
	}
	p.fields(fields)
	p.line()
	g := &grid{header: []string{"~COLUMN", "TYPE", ">FILLED", "~PROPERTY", "<MEANING"}}
	for _, c := range t.Columns {
		g.add(printable(c.Name), c.Type, filled(c.Filled, t.FilledExact), printable(strings.Join(c.Path, ".")), printable(c.Comment))
	}
	p.print(g)
}

// filled writes a fill rate in percent. Neither a single value nor a single gap is rounded away.
func filled(part *float64, exact bool) string {
	if part == nil {
		return ""
	}
	percent := *part * 100
	text := fmt.Sprintf("%.0f %%", percent)
	switch {
	case percent > 0 && percent < 1:
		text = "<1 %"
	case percent > 99 && percent < 100:
		text = ">99 %"
	}
	if !exact {
		return "~" + text
	}
	return text
}
