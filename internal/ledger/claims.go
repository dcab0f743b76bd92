package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Claims let Loads that share their work each take units before they read them. They only save work: what keeps a unit from
// being loaded twice is its row in _units. All times are the database's, and all statements lock rows in the order of the
// keys, so that no two of them wait for each other.

// Take claims units for a worker for the time of a lease and returns the keys of those it got: nobody has them, or who had
// them has not renewed them in time.
func (l *Ledger) Take(ctx context.Context, q Querier, worker uuid.UUID, lease time.Duration, keys []string) (map[string]bool, error) {
	rows, err := q.Query(ctx, "insert into "+l.claims+" as c (unit_key, worker, until)"+
		" select key, $2::uuid, clock_timestamp() + make_interval(secs => $3) from unnest($1::pg_catalog.text[]) as k(key) order by key collate \"C\""+
		" on conflict (unit_key) do update set worker = excluded.worker, until = excluded.until"+
		" where c.until < clock_timestamp() or c.worker = excluded.worker returning unit_key", keys, worker.String(), lease.Seconds())
	if err != nil {
		return nil, fmt.Errorf("take units: %w", err)
	}
	taken := map[string]bool{}
	var key string
	if _, err := pgx.ForEachRow(rows, []any{&key}, func() error { taken[key] = true; return nil }); err != nil {
		return nil, fmt.Errorf("take units: %w", err)
	}
	return taken, nil
}

// Keep shows that a worker is alive: its units stay its own for another lease.
func (l *Ledger) Keep(ctx context.Context, q Querier, worker uuid.UUID, lease time.Duration) error {
	_, err := q.Exec(ctx, "update "+l.claims+" set until = clock_timestamp() + make_interval(secs => $2) where unit_key in (select unit_key from "+
		l.claims+" where worker = $1::uuid order by unit_key for update) and worker = $1::uuid", worker.String(), lease.Seconds())
	if err != nil {
		return fmt.Errorf("keep units: %w", err)
	}
	return nil
}

// Give gives units of a worker back: they are loaded, or anybody may have them.
func (l *Ledger) Give(ctx context.Context, q Querier, worker uuid.UUID, keys []string) error {
	_, err := q.Exec(ctx, "delete from "+l.claims+" where unit_key in (select unit_key from "+l.claims+
		" where unit_key = any($2) and worker = $1::uuid order by unit_key for update) and worker = $1::uuid", worker.String(), keys)
	if err != nil {
		return fmt.Errorf("give units back: %w", err)
	}
	return nil
}

// Tidy removes what workers have left behind that were killed after they had loaded their units.
func (l *Ledger) Tidy(ctx context.Context, q Querier) error {
	_, err := q.Exec(ctx, "delete from "+l.claims+" where unit_key in (select c.unit_key from "+l.claims+" c where c.until < clock_timestamp()"+
		" and exists (select from "+l.units+" u where u.unit_key = c.unit_key) order by c.unit_key for update)")
	if err != nil {
		return fmt.Errorf("tidy claims: %w", err)
	}
	return nil
}
