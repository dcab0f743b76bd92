package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/config"
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

// registered is existing for commands that read an account, once flags and configuration are checked as far as they can be; it also
// finds the account.
func (a *app) registered(ctx context.Context) (*server, *pgxpool.Pool, error) {
	if a.cfg.Source == "" {
		return nil, nil, a.noSource()
	}
	if _, err := a.cfg.Validate(); err != nil {
		return nil, nil, err
	}
	if err := a.cfg.Pull.Validate(); err != nil {
		return nil, nil, err
	}
	s, pool, err := a.existing(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := a.findAccount(ctx, pool); err != nil {
		pool.Close()
		return nil, nil, err
	}
	return s, pool, nil
}

// findAccount looks for what no flag and no configuration file says of the account: in the environment, then in the source as it is
// registered. pool may be nil.
func (a *app) findAccount(ctx context.Context, pool *pgxpool.Pool) error {
	a.cfg.Files.Account = cmp.Or(a.cfg.Files.Account, a.env(config.AccountEnv))
	if pool == nil {
		return nil
	}
	return a.useRegistered(ctx, pool)
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
	a.cfg.Pull.Near(s.Settings.Region)
	return nil
}
