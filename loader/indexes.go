package loader

import (
	"context"
	"time"

	"github.com/tapline/tapline/migrations"
)

// Index is a btree index to have on a table beside its key.
type Index = migrations.Index

// indexWait is how long the build of an index waits at a time for the transactions of others, at the end of a load. What
// an analyst's query of an hour holds up is left to the next load, or to tapline migrate up.
const indexWait = 10 * time.Second

// index builds the indexes of the configuration that are missing. It costs a load nothing but time: what goes wrong is in
// the Report.
func (l *Loader) index(ctx context.Context, r *Report) {
	if len(l.cfg.Indexes) == 0 || l.cfg.Evolve != Auto {
		return
	}
	results, err := l.workers[0].migrator.EnsureIndexes(ctx, l.cfg.Indexes, indexWait)
	if err != nil {
		for _, x := range l.cfg.Indexes {
			results = append(results, migrations.IndexResult{
				Index: x, Name: migrations.IndexName(x), Status: migrations.IndexFailed, Err: err,
			})
		}
	}
	r.Indexes = results
}
