package loader

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// analyze refreshes the planner's statistics of tables that got a third of their rows or more just now: until autovacuum
// comes by, the planner would take them for empty. A quarter of the usual sample does until then.
// A failure costs an analyst's query time, not data.
func (l *Loader) analyze(ctx context.Context, r *Report) {
	var names []string
	for name, t := range r.Tables {
		if t.Loaded > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 || ctx.Err() != nil {
		return
	}
	slices.Sort(names)
	err := l.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if _, err := conn.Exec(ctx, "set default_statistics_target = 25; set lock_timeout = '1s'"); err != nil {
			return err
		}
		for _, name := range names {
			if err := l.analyzeTable(ctx, conn, name, r.Tables[name].Loaded); err != nil {
				return err
			}
		}
		_, err := conn.Exec(ctx, "reset default_statistics_target; reset lock_timeout")
		return err
	})
	if err != nil && ctx.Err() == nil {
		l.cfg.Logger.WarnContext(ctx, "tables are not analyzed", "error", err)
	}
}

func (l *Loader) analyzeTable(ctx context.Context, conn *pgxpool.Conn, name string, loaded int64) error {
	table := pgx.Identifier{l.cfg.Schema, name}.Sanitize()
	var known float64
	err := conn.QueryRow(ctx, "select coalesce(max(reltuples), 0) from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)", table).Scan(&known)
	if err != nil || float64(loaded) <= known/2 {
		return err
	}
	_, err = conn.Exec(ctx, "analyze "+table)
	return err
}
