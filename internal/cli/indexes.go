package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/migrations"
)

// indexes are those of the configuration for the chosen source, by table, in its order.
func (a *app) indexes() []migrations.Index { return indexesOf(&a.cfg) }

func indexesOf(c *config.Config) (out []migrations.Index) {
	for _, table := range slices.Sorted(maps.Keys(c.Indexes)) {
		for _, columns := range c.Indexes[table] {
			out = append(out, migrations.Index{Table: table, Columns: columns})
		}
	}
	return out
}

// ensureIndexes builds what is missing of the configuration's indexes, after the migrations are applied. One that cannot
// be built is an error; one whose table or column is not there yet is not.
func (a *app) ensureIndexes(ctx context.Context, m *migrations.Migrator) (out []indexJSON, err error) {
	results, err := m.EnsureIndexes(ctx, a.indexes(), 0)
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		out = append(out, newIndexJSON(r))
		if r.Status == migrations.IndexFailed {
			err = errors.Join(err, fmt.Errorf("the %s was not made: %s", indexName(r.Index), indexProblem(r)))
		}
	}
	return out, err
}

// indexes prints what became of the configuration's indexes; of those that failed the error tells.
func (p *printer) indexes(all []indexJSON) {
	for _, x := range all {
		name := indexName(migrations.Index{Table: x.Table, Columns: x.Columns})
		switch x.Status {
		case migrations.IndexMade:
			p.line(p.green("✓") + " Made the " + printable(name))
		case migrations.IndexWaits, migrations.IndexBusy:
			p.line(p.yellow("!") + " " + printable("The "+name+" is not made: "+x.Problem))
		}
	}
}

// indexJSON is one index of the configuration, and what became of it.
type indexJSON struct {
	Table   string                 `json:"table"`
	Columns []string               `json:"columns"`
	Name    string                 `json:"index"`
	Status  migrations.IndexStatus `json:"status"`
	Problem string                 `json:"problem,omitempty"`
}

func newIndexJSON(r migrations.IndexResult) indexJSON {
	return indexJSON{r.Table, r.Columns, r.Name, r.Status, indexProblem(r)}
}

// indexName is an index as people know it.
func indexName(x migrations.Index) string {
	return "index of " + x.Table + " on " + strings.Join(x.Columns, ", ")
}

// indexProblem says why an index is not there, and what to do; nothing if it is.
func indexProblem(r migrations.IndexResult) string {
	switch r.Status {
	case migrations.IndexMade, migrations.IndexThere:
		return ""
	case migrations.IndexWaits:
		if r.Missing != "" {
			return fmt.Sprintf("table %s has no column %s yet", r.Table, r.Missing)
		}
		return fmt.Sprintf("there is no table %s yet", r.Table)
	case migrations.IndexBusy:
		return "another session builds the indexes of this schema now"
	case migrations.IndexMissing:
		return "not built yet: tapline migrate up builds it"
	}
	if migrations.LockNotHad(r.Err) {
		return "a transaction that may use the table was open for too long: tapline migrate up tries again (" + describe(r.Err) + ")"
	}
	return describe(r.Err)
}
