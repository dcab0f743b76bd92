package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// prefix begins the names of the databases that are made here, and of no others. After it come the time in seconds, and
// something random.
const prefix = "tapline_check_"

// leftAfter is the age, in seconds, from which a database that nobody is connected to was left by a run that was killed.
const leftAfter = 3600

// scratch is a database that nobody else knows.
type scratch struct {
	name  string
	admin *pgx.Conn
	pool  *pgxpool.Pool
}

// newDatabase makes an empty database on the server of cfg and connects to it. close drops it.
func newDatabase(ctx context.Context, cfg *pgxpool.Config) (*scratch, error) {
	admin, err := pgx.ConnectConfig(ctx, cfg.ConnConfig.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to postgres: %w", err)
	}
	d := &scratch{admin: admin}
	if err := d.create(ctx, cfg); err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	return d, nil
}

func (d *scratch) create(ctx context.Context, cfg *pgxpool.Config) error {
	if err := d.dropLeft(ctx); err != nil {
		return err
	}
	name := ""
	err := d.admin.QueryRow(ctx, "select $1 || pg_catalog.floor(extract(epoch from pg_catalog.clock_timestamp()))::bigint || '_' || "+
		"pg_catalog.left(pg_catalog.md5(pg_catalog.gen_random_uuid()::text), 12)", prefix).Scan(&name)
	if err != nil {
		return fmt.Errorf("name a throwaway database: %w", err)
	}
	// template0: others may be connected to template1, or have put something into it.
	_, err = d.admin.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()+" template template0 encoding 'UTF8'")
	if err != nil {
		return &CreateError{Name: name, Err: err}
	}
	d.name = name
	cfg = cfg.Copy()
	cfg.ConnConfig.Database = name
	if d.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return fmt.Errorf("open pool: %w", err)
	}
	return nil
}

// CreateError says that the throwaway database could not be made.
type CreateError struct {
	Name string
	Err  error
}

// Error says what the role needs.
func (e *CreateError) Error() string {
	return fmt.Sprintf("make throwaway database %s: %v: use a role that may create databases, or no DSN for the private Postgres", e.Name, e.Err)
}

// Unwrap returns the cause.
func (e *CreateError) Unwrap() error { return e.Err }

// dropLeft drops what killed runs have left. Without force: should somebody have connected meanwhile it stays.
func (d *scratch) dropLeft(ctx context.Context) error {
	rows, err := d.admin.Query(ctx, `
		select datname::text from pg_catalog.pg_database b
		where datname ~ ('^' || $1 || '[0-9]{1,15}_') and pg_catalog.pg_has_role(datdba, 'member')
			and pg_catalog.split_part(datname, '_', 3)::bigint < extract(epoch from pg_catalog.clock_timestamp()) - $2::bigint
			and not exists (select from pg_catalog.pg_stat_activity a where a.datid = b.oid)`, prefix, leftAfter)
	if err != nil {
		return fmt.Errorf("list databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list databases: %w", err)
	}
	for _, name := range names {
		// An error is no reason to stop: the database is in use after all, or another run was faster.
		_, _ = d.admin.Exec(ctx, "drop database if exists "+pgx.Identifier{name}.Sanitize())
	}
	return ctx.Err()
}

// close drops the database, also when ctx has ended.
func (d *scratch) close(ctx context.Context) (err error) {
	if d.pool != nil {
		d.pool.Close()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if d.name != "" {
		if _, err = d.admin.Exec(ctx, "drop database if exists "+pgx.Identifier{d.name}.Sanitize()+" with (force)"); err != nil {
			err = fmt.Errorf("drop throwaway database %s: %w", d.name, err)
		}
	}
	return errors.Join(err, d.admin.Close(ctx))
}
