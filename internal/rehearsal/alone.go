package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tapline/tapline/migrations"
)

// alone applies the files as golang-migrate's own command does, without anything of Tapline's around them.
func alone(ctx context.Context, s *stage) (wrong []string, err error) {
	db, m, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		m.Close()
		err = errors.Join(err, db.close(ctx))
	}()
	// The command wants it to be there.
	if _, err := db.pool.Exec(ctx, "create schema "+pgx.Identifier{s.Schema}.Sanitize()); err != nil {
		return nil, fmt.Errorf("create schema %s: %w", s.Schema, err)
	}
	if err := s.plainUp(ctx, db); err != nil {
		var failed database.Error
		if errors.As(err, &failed) && failed.OrigErr != nil {
			return []string{"golang-migrate: " + failed.OrigErr.Error()}, nil
		}
		return nil, err
	}
	now, err := take(ctx, db, s.Schema)
	if err != nil {
		return nil, err
	}
	wrong = now.less(s.last())
	kept, err := records(ctx, db, s.Schema)
	if err != nil {
		return nil, err
	}
	return append(wrong, differing(s.Files, kept, false)...), nil
}

func (s *stage) plainUp(ctx context.Context, d *scratch) (err error) {
	conn := stdlib.OpenDB(*d.pool.Config().ConnConfig)
	driver, err := migratepgx.WithInstance(conn, &migratepgx.Config{MigrationsTable: "_migrations", SchemaName: s.Schema})
	if err != nil {
		return errors.Join(fmt.Errorf("open golang-migrate: %w", err), conn.Close())
	}
	mig, err := migrate.NewWithInstance("folder", migrations.Source(s.Files), "pgx5", driver)
	if err != nil {
		return errors.Join(fmt.Errorf("open golang-migrate: %w", err), driver.Close())
	}
	defer func() {
		sourceErr, databaseErr := mig.Close()
		err = errors.Join(err, sourceErr, databaseErr)
	}()
	// golang-migrate knows no contexts: it stops after the file at work.
	stop := context.AfterFunc(ctx, func() { mig.GracefulStop <- true })
	defer stop()
	s.Logger.DebugContext(ctx, "golang-migrate alone", slog.String("database", d.name))
	return errors.Join(mig.Up(), ctx.Err())
}
