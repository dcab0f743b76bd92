package migrations

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/tapline/tapline/internal/failpoint"
)

// All is the number of steps that takes every migration back.
const All = math.MaxInt

// Up applies the migrations that are kept and not applied, those that Down took back among them, and returns how many
// that were. It makes the schema and number 1 if need be, but not the source's row: see Bootstrap.
func (m *Migrator) Up(ctx context.Context) (count int, err error) {
	err = m.change(ctx, func(s *session) error {
		if err := s.createSchema(ctx); err != nil {
			return err
		}
		if err := s.prepare(ctx); err != nil {
			return err
		}
		count, err = s.up(ctx, math.MaxUint32)
		return err
	})
	return count, err
}

// UpSteps does what Bootstrap does, in a schema whoever owns DDL: it applies the migrations that are kept and not
// applied, at most limit of them, and if that leaves room what this release's catalogue adds. It returns those that are
// applied, also with an error.
func (m *Migrator) UpSteps(ctx context.Context, nickname string, limit int) (steps []Step, err error) {
	if err := m.owned(ctx, nickname); err != nil {
		return nil, err
	}
	if err := control(ctx, m.cfg, m.options, func(s *session) error { return s.own(ctx, nickname, m.schema) }); err != nil {
		return nil, err
	}
	err = m.change(ctx, func(s *session) error {
		if err := s.createSchema(ctx); err != nil {
			return err
		}
		if err := s.prepare(ctx); err != nil {
			return err
		}
		if steps, err = s.upKept(ctx, upRun{keep: math.MaxUint32, limit: limit}); err != nil || len(steps) >= limit {
			return err
		}
		done, err := s.bringUp(ctx)
		for _, f := range done.Files {
			steps = append(steps, Step{Version: f.Version, Name: f.Name})
		}
		return err
	})
	return steps, err
}

// owned returns an *OwnedError if the schema is another source's, or the source has another schema.
func (m *Migrator) owned(ctx context.Context, nickname string) error {
	return m.read(ctx, func(s *session) error {
		err := s.owner(ctx, nickname, m.schema)
		if missing(err) {
			return nil
		}
		return err
	})
}

// Down takes the last steps migrations back, the last one first, and returns how many that were. What was in their
// tables and columns is lost. Down with All leaves nothing of Tapline's in the schema, and the schema itself.
func (m *Migrator) Down(ctx context.Context, steps int) (count int, err error) {
	done, err := m.DownFolder(ctx, nil, steps, 0)
	return len(done), err
}

// DownFolder is Down with the texts of a folder's files where the schema keeps none. last, unless it is 0, is the number that
// the schema was found at when somebody agreed to lose what is taken back: if it is at another one by now, nothing is done and
// the error is a *MovedError. It returns what was taken back, also with an error.
func (m *Migrator) DownFolder(ctx context.Context, files []File, steps int, last uint) (done []Step, err error) {
	err = m.change(ctx, func(s *session) error {
		if err := s.prepare(ctx); err != nil {
			return err
		}
		if err := s.stillAt(ctx, last); err != nil {
			return err
		}
		kept, err := s.files(ctx, 0)
		if err != nil {
			return err
		}
		done, err = s.down(ctx, withTexts(kept, files), steps)
		return err
	})
	return done, err
}

// stillAt returns a *MovedError if another migration than that number is the last one.
func (s *session) stillAt(ctx context.Context, last uint) error {
	if last == 0 {
		return nil
	}
	now, err := s.lastApplied(ctx)
	if err == nil && now != int(last) {
		err = &MovedError{Schema: s.schema, Was: last, Is: uint(max(now, 0))}
	}
	return err
}

func (s *session) down(ctx context.Context, files []File, steps int) (done []Step, err error) {
	files = recording(s.schema, files)
	mig, err := s.migrate(files)
	if err != nil {
		return nil, err
	}
	for len(done) < steps {
		version, err := s.lastApplied(ctx)
		if err != nil {
			return done, err
		}
		if version < 1 {
			break
		}
		start := time.Now()
		f := File{Version: uint(version), Name: "down"}
		if i, found := fileSource(files).find(f.Version); found {
			f.Name, f.Down = files[i].Name, files[i].Down
		}
		if f.Down == "" {
			return done, &NoTextError{Version: f.Version, Name: f.Name}
		}
		if err := s.mayMigrate(ctx); err != nil {
			return done, err
		}
		s.begun = true
		if err := mig.Steps(-1); err != nil {
			return done, s.failed(ctx, &f, math.MaxUint32, plain(err))
		}
		s.begun = false
		if !records(f.Down) {
			if _, err := s.conn.Exec(ctx, unapplied(s.schema, f.Version)); err != nil {
				return done, fmt.Errorf("record that migration %d is taken back: %w", f.Version, err)
			}
		}
		done = append(done, Step{f.Version, f.Name, time.Since(start)})
		s.options.Logger.InfoContext(ctx, "took migration back", slog.String("schema", s.schema),
			slog.Int("version", version))
	}
	if version, err := s.lastApplied(ctx); err != nil || version > 0 {
		return done, err
	}
	err = patient(ctx, s.options, "drop version table", func() error {
		_, err := s.conn.Exec(ctx, "drop table if exists "+qualified(s.schema, versionTable))
		return err
	})
	if err != nil {
		return done, fmt.Errorf("drop version table of schema %s: %w", s.schema, err)
	}
	failpoint.Hit(committed)
	// The driver has made sure of the table once and would not do it again.
	s.spent = true
	return done, nil
}
