package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

const sourceColumns = "nickname, schema_name, kind, settings, disabled_at, created_at"

// SchemaOf returns the schema that a source of a nickname gets (rule 34); schemaName overrides it.
func SchemaOf(nickname, schemaName string) (string, error) {
	if err := schema.CheckNickname(nickname); err != nil {
		return "", err
	}
	if schemaName != "" {
		return schemaName, schema.CheckSchemaName(schemaName)
	}
	return schema.SchemaName(nickname)
}

// Add registers a source. Its schema is made by the first load, or by migrations. created is false if the source is there
// already with the same schema: its settings are then only added to. The error is a *migrations.OwnedError if the schema
// is another source's or the source has another one, and a *ConflictError if its region is another.
func (r *Registry) Add(ctx context.Context, nickname, schemaName string, set Settings) (s *Source, created bool, err error) {
	if schemaName, err = SchemaOf(nickname, schemaName); err != nil {
		return nil, false, err
	}
	if err := set.Check(); err != nil {
		return nil, false, err
	}
	err = r.inTx(ctx, func(tx pgx.Tx) error {
		created, err = r.add(ctx, tx, nickname, schemaName, set)
		if err == nil && !created {
			err = r.set(ctx, tx, nickname, set, false)
		}
		if err == nil {
			s, err = get(ctx, tx, nickname)
		}
		return err
	})
	return s, created, err
}

func (r *Registry) add(ctx context.Context, tx pgx.Tx, nickname, schemaName string, set Settings) (bool, error) {
	tag, err := tx.Exec(ctx, "insert into "+table("sources")+" (nickname, schema_name, settings) values ($1, $2, $3) on conflict do nothing",
		nickname, schemaName, set)
	if err != nil {
		return false, fmt.Errorf("write source %s: %w", nickname, err)
	}
	if tag.RowsAffected() == 1 {
		return true, r.audit(ctx, tx, "source.add", nickname, map[string]any{"schema": schemaName, "settings": set})
	}
	var owner, other *string
	err = tx.QueryRow(ctx, "select (select nickname from "+table("sources")+" where schema_name = $2), (select schema_name from "+
		table("sources")+" where nickname = $1)", nickname, schemaName).Scan(&owner, &other)
	switch {
	case err != nil:
		return false, fmt.Errorf("read source %s: %w", nickname, err)
	case owner != nil && *owner != nickname:
		return false, &migrations.OwnedError{Schema: schemaName, Nickname: nickname, Owner: *owner}
	case owner == nil && other != nil:
		return false, &migrations.OwnedError{Schema: schemaName, Nickname: nickname, Has: *other}
	}
	return false, nil
}

// Set changes the settings of a source that are not empty in set, its region too. Nothing else changes.
func (r *Registry) Set(ctx context.Context, nickname string, set Settings) (*Source, error) {
	if err := set.Check(); err != nil {
		return nil, err
	}
	var s *Source
	err := r.inTx(ctx, func(tx pgx.Tx) error {
		err := r.set(ctx, tx, nickname, set, true)
		if err == nil {
			s, err = get(ctx, tx, nickname)
		}
		return err
	})
	return s, err
}

// set changes settings. A region is only changed if that was asked for by name: data would go where it did not before.
func (r *Registry) set(ctx context.Context, tx pgx.Tx, nickname string, set Settings, region bool) error {
	have, err := lock(ctx, tx, nickname)
	if err != nil {
		return err
	}
	want := have.Settings.over(set)
	switch {
	case want == have.Settings:
		return nil
	case have.Settings.Region != "" && want.Region != have.Settings.Region && !region:
		return &ConflictError{
			nickname, fmt.Sprintf("its region is %s, not %s", have.Settings.Region, want.Region),
			"a region changes only with tapline source set " + nickname + " --region " + want.Region,
		}
	case want.Region != have.Settings.Region:
		if err := regionOfDestinations(ctx, tx, nickname, want.Region); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "update "+table("sources")+" set settings = settings || $2 where nickname = $1", nickname, want)
	if err != nil {
		return fmt.Errorf("write source %s: %w", nickname, err)
	}
	return r.audit(ctx, tx, "source.set", nickname, map[string]any{"before": have.Settings, "after": want})
}

// regionOfDestinations makes sure that no destination of the source is in another region.
func regionOfDestinations(ctx context.Context, tx pgx.Tx, nickname, region string) error {
	var name, other string
	err := tx.QueryRow(ctx, "select name, region from "+table("destinations")+" where source = $1 and region <> $2 order by name limit 1",
		nickname, region).Scan(&name, &other)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read destinations: %w", err)
	}
	return &ConflictError{
		nickname, fmt.Sprintf("its destination %s is in region %s", name, other),
		"data of region " + region + " would leave it; remove the destination first",
	}
}

// Get returns a source by its exact nickname. The error is a *NotFoundError if there is none.
func (r *Registry) Get(ctx context.Context, nickname string) (*Source, error) {
	return get(ctx, r.db, nickname)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func get(ctx context.Context, q querier, nickname string) (*Source, error) {
	return one(ctx, q, nickname, "")
}

// lock is get, and keeps others from changing the source or its keys until tx ends.
func lock(ctx context.Context, tx pgx.Tx, nickname string) (*Source, error) {
	return one(ctx, tx, nickname, " for update")
}

func one(ctx context.Context, q querier, nickname, suffix string) (*Source, error) {
	rows, _ := q.Query(ctx, "select "+sourceColumns+" from "+table("sources")+" where nickname = $1"+suffix, nickname) // its error comes back from rows
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Source])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, &NotFoundError{"source", nickname}
	case err != nil:
		return nil, fmt.Errorf("read source %s: %w", nickname, err)
	}
	return s, nil
}

// List returns all sources by nickname; none if nothing was ever set up in the database.
func (r *Registry) List(ctx context.Context) ([]Source, error) {
	rows, _ := r.db.Query(ctx, "select "+sourceColumns+" from "+table("sources")+" order by nickname") // its error comes back from rows
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Source])
	switch {
	case absent(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list sources: %w", err)
	}
	return out, nil
}

// absent reports whether err says that the control schema, or a part of it that this release has, is not there.
func absent(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000" || pg.Code == "42703")
}

// Disable makes the source take no more requests; what it has accepted is still loaded. It does nothing if it is so
// already.
func (r *Registry) Disable(ctx context.Context, nickname string) error {
	return r.inTx(ctx, func(tx pgx.Tx) error { return r.disabled(ctx, tx, nickname, true) })
}

// Enable makes a disabled source take requests again.
func (r *Registry) Enable(ctx context.Context, nickname string) error {
	return r.inTx(ctx, func(tx pgx.Tx) error { return r.disabled(ctx, tx, nickname, false) })
}

func (r *Registry) disabled(ctx context.Context, tx pgx.Tx, nickname string, disabled bool) error {
	s, err := lock(ctx, tx, nickname)
	if err != nil || s.Enabled() != disabled {
		return err
	}
	action, value := "source.enable", "null"
	if disabled {
		action, value = "source.disable", "now()"
	}
	if _, err := tx.Exec(ctx, "update "+table("sources")+" set disabled_at = "+value+" where nickname = $1", nickname); err != nil {
		return fmt.Errorf("write source %s: %w", nickname, err)
	}
	return r.audit(ctx, tx, action, nickname, struct{}{})
}

// Remove forgets a source and its write keys. Its schema stays with all tables and events in it, and adding the source
// again takes it over as it is. The error is a *ConflictError while destinations forward its rows.
func (r *Registry) Remove(ctx context.Context, nickname string) error {
	return r.inTx(ctx, func(tx pgx.Tx) error {
		s, err := lock(ctx, tx, nickname)
		if err != nil {
			return err
		}
		var destination *string
		err = tx.QueryRow(ctx, "select min(name) from "+table("destinations")+" where source = $1", nickname).Scan(&destination)
		switch {
		case err != nil:
			return fmt.Errorf("read destinations: %w", err)
		case destination != nil:
			return &ConflictError{nickname, "destination " + *destination + " forwards its rows", "remove that first: tapline destination remove " + *destination}
		}
		if _, err := tx.Exec(ctx, "delete from "+table("sources")+" where nickname = $1", nickname); err != nil {
			return fmt.Errorf("remove source %s: %w", nickname, err)
		}
		return r.audit(ctx, tx, "source.remove", nickname, map[string]any{"schema": s.Schema, "settings": s.Settings})
	})
}

// Known returns a source by its exact nickname, also of a database that an earlier release has set up; nil if there is
// none. DisabledAt is not set.
func Known(ctx context.Context, q querier, nickname string) (*Source, error) {
	rows, _ := q.Query(ctx, "select nickname, schema_name, kind, settings, null::timestamptz, created_at from "+table("sources")+
		" where nickname = $1", nickname) // its error comes back from rows
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Source])
	switch {
	case errors.Is(err, pgx.ErrNoRows), absent(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read source %s: %w", nickname, err)
	}
	return s, nil
}
