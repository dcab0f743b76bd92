package migrations

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/golang-migrate/migrate/v4/database"
)

// heal repairs the version after a kill. golang-migrate writes it as dirty, runs the file, and writes it as clean: three
// transactions. The file itself is one, and its last statement records in _migration_files that it is applied, so what
// stands there is true whenever the kill came. Under golang-migrate's own lock nobody can be in the middle: a statement
// that outlived its client holds that lock until it ends.
func (s *session) heal(ctx context.Context) error {
	version, _, right, err := s.versions(ctx)
	if err != nil || right {
		return err
	}
	if err := s.driver.Lock(); err != nil {
		return fmt.Errorf("lock dirty schema %s: %w", s.schema, err)
	}
	err = s.healLocked(ctx)
	if unlockErr := s.driver.Unlock(); err == nil {
		err = plain(unlockErr)
	}
	if err != nil {
		return fmt.Errorf("repair schema %s, left at migration %d: %w", s.schema, version, err)
	}
	return nil
}

func (s *session) healLocked(ctx context.Context) error {
	version, truth, right, err := s.versions(ctx)
	if err != nil || right {
		return err
	}
	if err := s.driver.SetVersion(truth, false); err != nil {
		return err
	}
	s.options.Logger.WarnContext(ctx, "repaired a migration that was interrupted",
		slog.String("schema", s.schema), slog.Int("begun", version), slog.Int("version", truth))
	return nil
}

// versions returns golang-migrate's version and the true one, and whether they agree.
func (s *session) versions(ctx context.Context) (version, truth int, right bool, err error) {
	version, dirty, err := s.driver.Version()
	if err != nil {
		return 0, 0, false, plain(err)
	}
	truth, err = s.lastApplied(ctx)
	return version, truth, !dirty && version == truth, err
}

// lastApplied returns the number of the last migration whose transaction committed.
func (s *session) lastApplied(ctx context.Context) (int, error) {
	var version *int
	err := s.conn.QueryRow(ctx, "select max(version) from "+qualified(s.schema, "_migration_files")+
		" where applied_at is not null").Scan(&version)
	switch {
	case missing(err):
		return database.NilVersion, nil
	case err != nil:
		return 0, fmt.Errorf("read applied migrations: %w", err)
	case version == nil:
		return database.NilVersion, nil
	}
	return *version, nil
}
