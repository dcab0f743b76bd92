package loader

import (
	"context"

	"github.com/tapline/tapline/schema"
)

// Lacks reads src as Plan does, touches nothing, and returns beside the Report what the schema lacks for all of src to
// have its place. With Config.Evolve Managed that is nothing: ask a Loader with Auto. Without a pool, and for a schema
// that holds nothing yet, the catalogue counts as there.
func (l *Loader) Lacks(ctx context.Context, src Source) (schema.Diff, Report, error) {
	report, err := l.Plan(ctx, src)
	state := l.workers[0].state
	if state == nil { // it ended before it looked at the schema
		return schema.Diff{}, report, err
	}
	return state.Pending(), report, err
}
