package migrations

import (
	"context"
	"log/slog"
	"time"

	"github.com/golang-migrate/migrate/v4"
)

// noLockTimeout turns golang-migrate's own time-out off: it leaks the lock. Ours is the server's, see driver.
const noLockTimeout = 365 * 24 * time.Hour

// migrate returns golang-migrate for files.
func (s *session) migrate(files []File) (*migrate.Migrate, error) {
	mig, err := migrate.NewWithInstance("tapline", fileSource(files), "pgx5", s.driver)
	if err != nil {
		return nil, err
	}
	mig.LockTimeout = noLockTimeout
	return mig, nil
}

// cancelOn makes the end of ctx cancel the statement that golang-migrate runs: it knows no contexts itself.
func (s *session) cancelOn(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// If the request does not arrive the statement ends by itself.
		_ = s.conn.PgConn().CancelRequest(timeout)
	})
}

// up applies what is not applied yet and returns how many that were. After an error the schema is clean again, and
// files that Postgres will never take, or whose number is keep or higher, are not kept: what they were for will be
// asked for again.
func (s *session) up(ctx context.Context, keep uint) (int, error) {
	current, err := s.lastApplied(ctx)
	if err != nil {
		return 0, err
	}
	files, err := s.files(ctx, current)
	if err != nil {
		return 0, err
	}
	mig, err := s.migrate(files)
	if err != nil {
		return 0, err
	}
	defer s.cancelOn(ctx)()
	count := 0
	for i := range files {
		f := &files[i]
		if int(f.Version) <= current {
			continue
		}
		if err := s.step(ctx, mig, f); err != nil {
			return count, s.failed(ctx, f, keep, err)
		}
		count++
	}
	return count, nil
}

func (s *session) step(ctx context.Context, mig *migrate.Migrate, f *File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	start := time.Now()
	if err := mig.Steps(1); err != nil {
		return plain(err)
	}
	if f.Version == 1 {
		if err := s.keepFirst(ctx, *f); err != nil {
			return err
		}
	}
	s.options.Logger.InfoContext(ctx, "applied migration", slog.String("schema", s.schema),
		slog.Int("version", int(f.Version)), slog.String("name", f.Name), slog.Duration("took", time.Since(start)))
	return nil
}

// failed cleans up after a file that was not applied. Should the cleaning fail too, as on a lost connection, the next
// prepare does it.
func (s *session) failed(ctx context.Context, f *File, keep uint, err error) error {
	failure := &FileError{Schema: s.schema, Version: f.Version, Name: f.Name, Err: cause(ctx, err)}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	s.driver.ctx = ctx
	if s.heal(ctx) != nil {
		return failure
	}
	from := keep
	if permanent(err) {
		from = min(from, f.Version)
	}
	if forgetErr := s.forget(ctx, from); forgetErr != nil {
		s.options.Logger.WarnContext(ctx, "a failed migration stays in _migration_files",
			slog.String("schema", s.schema), slog.Int("version", int(f.Version)), slog.Any("error", forgetErr))
	}
	return failure
}
