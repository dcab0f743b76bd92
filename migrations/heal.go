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
//
// A version that is clean and above the records was not left by a kill: somebody else's file recorded nothing, or
// somebody has forced a version. That is an *UnrecordedError.
func (s *session) heal(ctx context.Context) error {
	c, err := s.condition(ctx)
	if err != nil || c.Right() {
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
		return fmt.Errorf("repair schema %s, left at migration %d: %w", s.schema, c.Begun, err)
	}
	return nil
}

// heals does what is left to do after a migration of another session: that kept file and those after it are not kept, if
// they were not applied.
func (s *session) heals(ctx context.Context, kept uint) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil || kept == 0 {
		return err
	}
	return s.forget(ctx, kept)
}

func (s *session) healLocked(ctx context.Context) error {
	c, err := s.condition(ctx)
	if err != nil || c.Right() {
		return err
	}
	if c.Unrecorded() {
		return &UnrecordedError{Schema: s.schema, Version: c.Begun, Recorded: c.Applied}
	}
	truth := c.Applied
	if truth == 0 {
		truth = database.NilVersion
	}
	if err := s.driver.SetVersion(truth, false); err != nil {
		return err
	}
	s.options.Logger.WarnContext(ctx, "repaired a migration that was interrupted",
		slog.String("schema", s.schema), slog.Int("begun", c.Begun), slog.Int("version", c.Applied))
	return nil
}

// Condition is what golang-migrate and the records of a schema say of its version.
type Condition struct {
	// Begun is golang-migrate's version, 0 if it has none; Dirty, that it did not get to say that it was done.
	Begun int
	Dirty bool
	// Applied is the number of the last migration that is recorded as applied; 0 if none is.
	Applied int
}

// Right reports whether both say the same.
func (c Condition) Right() bool { return !c.Dirty && c.Begun == c.Applied }

// Unrecorded reports whether golang-migrate says that more is applied than is recorded, which no kill leaves behind.
func (c Condition) Unrecorded() bool { return !c.Dirty && c.Begun > c.Applied }

func (s *session) condition(ctx context.Context) (c Condition, err error) {
	err = s.conn.QueryRow(ctx, "select coalesce(max(version), 0), coalesce(bool_or(dirty), false) from "+
		qualified(s.schema, versionTable)).Scan(&c.Begun, &c.Dirty)
	if err != nil && !missing(err) {
		return c, fmt.Errorf("read version of schema %s: %w", s.schema, err)
	}
	c.Begun = max(c.Begun, 0)
	truth, err := s.lastApplied(ctx)
	c.Applied = max(truth, 0)
	return c, err
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
