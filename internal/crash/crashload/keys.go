package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// dropKeys makes the source's schema and takes the primary keys of the catalogue's tables away: the build that does this
// proves that the crash tests notice it.
func dropKeys(ctx context.Context, pool *pgxpool.Pool, cfg loader.Config) error {
	name, err := schema.SchemaName(cfg.Source)
	if err != nil {
		return err
	}
	m, err := migrations.Open(ctx, pool.Config().ConnConfig, name, migrations.Options{Logger: cfg.Logger})
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	defer m.Close()
	if err := m.Bootstrap(ctx, cfg.Source); err != nil {
		return fmt.Errorf("prepare schema: %w", err)
	}
	for _, t := range schema.BaselineTables() {
		_, keyErr := pool.Exec(ctx, "alter table if exists "+pgx.Identifier{name, t.Name}.Sanitize()+
			" drop constraint if exists "+pgx.Identifier{"_pk_" + t.Name}.Sanitize())
		err = errors.Join(err, keyErr)
	}
	if err != nil {
		return fmt.Errorf("drop keys: %w", err)
	}
	return nil
}
