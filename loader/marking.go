package loader

import (
	"context"
	"fmt"

	"github.com/tapline/tapline/internal/failpoint"
)

// mark notes in quarantine that records from there are in their tables now: with this transaction, or not at all. If somebody
// else has brought one in meanwhile, the replay begins again without it.
func (w *writing) mark(ctx context.Context, origins []string) error {
	if len(origins) == 0 {
		return nil
	}
	tag, err := w.tx.Exec(ctx, "update "+ident(w.l.cfg.Schema, "_quarantine")+
		" set replayed_at = clock_timestamp(), replay_load = $1 where id = any($2) and replayed_at is null", w.a.loads[0].ID, origins)
	if err != nil {
		return fmt.Errorf("mark records as replayed: %w", err)
	}
	if tag.RowsAffected() != int64(len(origins)) {
		return fmt.Errorf("%w: %d of %d records were replayed or removed by somebody else", errRestart,
			int64(len(origins))-tag.RowsAffected(), len(origins))
	}
	failpoint.Hit("after-mark")
	return nil
}
