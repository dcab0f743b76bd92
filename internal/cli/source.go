package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/registry"
)

func (a *app) sourceCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "source",
		Short: "Add and look after sources, and the write keys that send events to them",
		Long: `A source is one schema of event tables, and what is known of it: its nickname, its region and CleverTap's settings, its
loads, its migrations, and the write keys with which clients send events to it over HTTP (tapline serve). A load makes its
source by itself; what receives events has to be added, here or in tapline.yaml.`,
		Example: `  tapline source add CleverTap_Prod --region eu --timezone Asia/Kolkata
  tapline source keys create CleverTap_Prod
  tapline source rename CleverTap_Test CleverTap_Prod`,
	}, a.sourceAdd(), a.sourceSet(), a.sourceList(), a.sourceShow(), a.sourceDisable(), a.sourceEnable(), a.sourceRemove(),
		a.sourceKeys(), a.sourceRename())
}

// withRegistry connects and does something with the registry of the database. With create it makes what is missing for
// that: the private Postgres, the control schema.
func (a *app) withRegistry(ctx context.Context, create bool, do func(*registry.Registry, *pgxpool.Pool) error) error {
	s, err := a.server(ctx, create)
	if err != nil {
		return err
	}
	pool, err := s.pool(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	if create {
		if err := registry.Prepare(ctx, pool); err != nil {
			return err
		}
	}
	return a.registryError(do(registry.New(pool, ""), pool))
}

// withRegistered does something with a source that is registered, found as admin.Find does.
func (a *app) withRegistered(ctx context.Context, nickname string, do func(*registry.Registry, *registry.Source) error) error {
	return a.withRegistry(ctx, false, func(r *registry.Registry, pool *pgxpool.Pool) error {
		found, err := admin.Find(ctx, pool, nickname, "")
		if err != nil {
			return a.whichSource(err)
		}
		if err := registry.Prepare(ctx, pool); err != nil { // of an earlier release
			return err
		}
		s, err := r.Get(ctx, found.Nickname)
		if err != nil {
			return err
		}
		return do(r, s)
	})
}

// registryError marks errors that are the command line's.
func (a *app) registryError(err error) error {
	var conflict *registry.ConflictError
	var missing *registry.NotFoundError
	if errors.As(err, &conflict) || errors.As(err, &missing) {
		return usage(err)
	}
	return err
}

// withSource connects and finds the source that --source names, or the only one, for commands about one source.
func (a *app) withSource(ctx context.Context, do func(*pgxpool.Pool, admin.Source) error) error {
	return a.withNamed(ctx, func(pool *pgxpool.Pool, s admin.Source) error {
		if err := s.Made(ctx, pool); err != nil {
			return err
		}
		return do(pool, s)
	})
}

// withNamed is withSource for a source that may have nothing yet.
func (a *app) withNamed(ctx context.Context, do func(*pgxpool.Pool, admin.Source) error) error {
	if _, err := a.cfg.Validate(); err != nil {
		return err
	}
	pool, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	source, err := admin.Find(ctx, pool, a.cfg.Source, a.cfg.Schema)
	var which *admin.SourceError
	switch {
	case errors.As(err, &which):
		return usage(err)
	case err != nil:
		return err
	}
	return do(pool, source)
}

// notFound says what was looked for where admin says that it is not there.
func notFound(err error, what, id, hint string) error {
	if errors.Is(err, admin.ErrNotFound) {
		return usage(fmt.Errorf("no %s %s: %s", what, printable(id), hint))
	}
	return err
}
