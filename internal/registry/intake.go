package registry

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pause says that nothing of a source can be loaded at the moment, though it is accepted and kept.
type Pause struct {
	Source string    `json:"-"`
	Since  time.Time `json:"paused_at"`
	Reason string    `json:"reason"`
	Worker string    `json:"worker"`
}

// worker names this process to people.
func worker() string { return fmt.Sprintf("%s, process %d", Actor(), os.Getpid()) }

// SetPaused notes that loading of a source waits, and why; it keeps since when. An empty reason notes that it goes on.
func SetPaused(ctx context.Context, db DB, nickname, reason string) error {
	sql := `insert into ` + table("intake") + ` (source, paused_at, reason, worker) select nickname, now(), $2, $3
		from ` + table("sources") + ` where nickname = $1
		on conflict (source) do update set paused_at = coalesce(intake.paused_at, now()), reason = excluded.reason,
			worker = excluded.worker, updated_at = now()`
	args := []any{nickname, reason, worker()}
	if reason == "" {
		sql = `update ` + table("intake") + ` set paused_at = null, reason = null, worker = $2, updated_at = now()
			where source = $1 and paused_at is not null`
		args = []any{nickname, worker()}
	}
	if _, err := db.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("note how loading of source %s goes: %w", nickname, err)
	}
	return nil
}

// Pauses returns the sources that cannot be loaded now, by nickname.
func Pauses(ctx context.Context, q interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
},
) (map[string]Pause, error) {
	rows, _ := q.Query(ctx, "select source, paused_at, coalesce(reason, ''), coalesce(worker, '') from "+table("intake")+
		" where paused_at is not null") // its error comes back from rows
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Pause])
	if err != nil && !absent(err) {
		return nil, fmt.Errorf("read what is paused: %w", err)
	}
	out := map[string]Pause{}
	for _, p := range all {
		out[p.Source] = p
	}
	return out, nil
}
