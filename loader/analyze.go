package loader

import (
	"context"
	"errors"
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
	err := l.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { return l.analyzeTables(ctx, conn, names, r) })
	if err != nil && ctx.Err() == nil {
		l.cfg.Logger.WarnContext(ctx, "tables are not analyzed", "error", err)
	}
}

// analyzeTables leaves the connection, which is the caller's, with the settings that it had, or closed.
func (l *Loader) analyzeTables(ctx context.Context, conn *pgxpool.Conn, names []string, r *Report) (err error) {
	var target, timeout string
	err = conn.QueryRow(ctx, "select current_setting('default_statistics_target'), current_setting('lock_timeout')").Scan(&target, &timeout)
	if err != nil {
		return err
	}
	set := func(ctx context.Context, target, timeout string) error {
		_, err := conn.Exec(ctx, "select set_config('default_statistics_target', $1, false), set_config('lock_timeout', $2, false)", target, timeout)
		return err
	}
	defer func() {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		if failed := set(back, target, timeout); failed != nil {
			err = errors.Join(err, failed, conn.Conn().Close(back))
		}
	}()
	if err := set(ctx, "25", "1s"); err != nil {
		return err
	}
	for _, name := range names {
		if err := l.analyzeTable(ctx, conn, name, r.Tables[name].Loaded); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loader) analyzeTable(ctx context.Context, conn *pgxpool.Conn, name string, loaded int64) error {
	table := pgx.Identifier{l.cfg.Schema, name}.Sanitize()
	var known float64
	err := conn.QueryRow(ctx, "select coalesce(max(reltuples), 0) from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)", table).Scan(&known)
	if err != nil || float64(loaded) <= known/2 {
		return err
	}
	_, err = conn.Exec(ctx, "analyze (skip_locked) "+table) // what autovacuum is at just now needs no second time
	return err
}
