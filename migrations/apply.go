package migrations

import (
	"context"
	"fmt"
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

// Step is one migration that was applied or taken back.
type Step struct {
	Version uint
	Name    string
	Took    time.Duration
}

// up applies what is not applied yet and returns how many that were. After an error the schema is clean again, and
// files that Postgres will never take, or whose number is keep or higher, are not kept: what they were for will be
// asked for again.
func (s *session) up(ctx context.Context, keep uint) (int, error) {
	steps, err := s.upKept(ctx, upRun{keep: keep, limit: All})
	return len(steps), err
}

// upKept applies files of the program and those that are kept.
func (s *session) upKept(ctx context.Context, r upRun) ([]Step, error) {
	current, err := s.lastApplied(ctx)
	if err != nil {
		return nil, err
	}
	files, err := s.files(ctx, current)
	if err != nil {
		return nil, err
	}
	return s.upFiles(ctx, files, r)
}

// upRun says how files are applied.
type upRun struct {
	keep   uint // see up
	limit  int  // how many, at most
	folder bool // the files are a folder's: their texts are not kept yet
}

// upFiles applies those of files that are not applied yet, in their order.
func (s *session) upFiles(ctx context.Context, files []File, r upRun) ([]Step, error) {
	current, err := s.lastApplied(ctx)
	if err != nil {
		return nil, err
	}
	run := recording(s.schema, files)
	mig, err := s.migrate(run)
	if err != nil {
		return nil, err
	}
	var steps []Step
	for i := range run {
		f := &run[i]
		if int(f.Version) <= current {
			continue
		}
		if len(steps) == r.limit {
			break
		}
		start := time.Now()
		if err := s.step(ctx, mig, f); err != nil {
			return steps, s.failed(ctx, f, r.keep, err)
		}
		if err := s.keep(ctx, files[i], r.folder); err != nil {
			return steps, err
		}
		steps = append(steps, Step{f.Version, f.Name, time.Since(start)})
		s.options.Logger.InfoContext(ctx, "applied migration", slog.String("schema", s.schema),
			slog.Int("version", int(f.Version)), slog.String("name", f.Name), slog.Duration("took", time.Since(start)))
	}
	return steps, nil
}

func (s *session) step(ctx context.Context, mig *migrate.Migrate, f *File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.Up == "" {
		return &NoTextError{Version: f.Version, Name: f.Name}
	}
	if err := s.mayMigrate(ctx); err != nil {
		return err
	}
	s.begun = true
	if err := mig.Steps(1); err != nil {
		return plain(err)
	}
	s.begun = false
	if !records(f.Up) {
		if _, err := s.conn.Exec(ctx, applied(s.schema, *f)); err != nil {
			return fmt.Errorf("record migration %d: %w", f.Version, err)
		}
	}
	return nil
}

// keep keeps the text of an applied file that is nowhere in the schema yet.
func (s *session) keep(ctx context.Context, f File, folder bool) error {
	switch {
	case folder:
		return s.keepText(ctx, f)
	case f.Version == 1:
		return s.keepFirst(ctx, f)
	}
	return nil
}

// failed cleans up after a file that was not applied. Should the cleaning fail too, as on a lost connection, Migrator.heal
// does it.
func (s *session) failed(ctx context.Context, f *File, keep uint, err error) error {
	failure := &FileError{Schema: s.schema, Version: f.Version, Name: f.Name, Err: cause(ctx, err)}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	s.driver.ctx = ctx
	if s.heal(ctx) != nil {
		return failure
	}
	s.begun = false
	from := keep
	if permanent(err) {
		from = min(from, f.Version)
	}
	if forgetErr := s.forget(ctx, from); forgetErr != nil {
		s.options.Logger.WarnContext(ctx, "a failed migration stays in _migration_files",
			slog.String("schema", s.schema), slog.Int("version", int(f.Version)), slog.Any("error", forgetErr))
		return failure
	}
	s.kept = 0
	return failure
}
