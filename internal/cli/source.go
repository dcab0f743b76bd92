package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/admin"
)

// withSource connects and finds the source that --source names, or the only one, for commands about one source.
func (a *app) withSource(ctx context.Context, do func(*pgxpool.Pool, admin.Source) error) error {
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
