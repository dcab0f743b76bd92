package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/registry"
)

// existing opens the Postgres to load into if it is there already; it makes none. Both are nil if it is not there.
func (a *app) existing(ctx context.Context) (*server, *pgxpool.Pool, error) {
	s, err := a.server(ctx, false)
	var missing *errNoDatabase
	switch {
	case errors.As(err, &missing):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	}
	pool, err := s.pool(ctx)
	return s, pool, err
}

// useRegistered takes from the source as it is registered what neither flags nor the configuration file say.
func (a *app) useRegistered(ctx context.Context, pool *pgxpool.Pool) error {
	s, err := registry.Known(ctx, pool, a.cfg.Source)
	if err != nil || s == nil {
		return err
	}
	files := &a.cfg.Files
	a.cfg.Schema = cmp.Or(a.cfg.Schema, s.Schema)
	files.Timezone = cmp.Or(files.Timezone, s.Settings.Timezone)
	files.UserIdentity = cmp.Or(files.UserIdentity, s.Settings.UserIdentity)
	files.Account = cmp.Or(files.Account, s.Settings.Account)
	return nil
}
