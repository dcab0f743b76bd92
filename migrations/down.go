package migrations

import (
	"context"
	"fmt"
	"log/slog"
	"math"
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

// Down takes the last steps migrations back, the last one first, and returns how many that were. What was in their
// tables and columns is lost. Down with All leaves nothing of Tapline's in the schema, and the schema itself.
func (m *Migrator) Down(ctx context.Context, steps int) (count int, err error) {
	err = m.change(ctx, func(s *session) error {
		if err := s.prepare(ctx); err != nil {
			return err
		}
		count, err = s.down(ctx, steps)
		return err
	})
	return count, err
}

func (s *session) down(ctx context.Context, steps int) (int, error) {
	files, err := s.files(ctx, 0)
	if err != nil {
		return 0, err
	}
	mig, err := s.migrate(files)
	if err != nil {
		return 0, err
	}
	defer s.cancelOn(ctx)()
	count := 0
	for ; count < steps; count++ {
		version, err := s.lastApplied(ctx)
		if err != nil {
			return count, err
		}
		if version < 1 {
			break
		}
		if err := mig.Steps(-1); err != nil {
			f := &File{Version: uint(version), Name: "down"}
			return count, s.failed(ctx, f, math.MaxUint32, plain(err))
		}
		s.options.Logger.InfoContext(ctx, "took migration back", slog.String("schema", s.schema),
			slog.Int("version", version))
	}
	if version, err := s.lastApplied(ctx); err != nil || version > 0 {
		return count, err
	}
	if _, err := s.conn.Exec(ctx, "drop table if exists "+qualified(s.schema, versionTable)); err != nil {
		return count, fmt.Errorf("drop version table of schema %s: %w", s.schema, err)
	}
	// The driver has made sure of the table once and would not do it again.
	s.spent = true
	return count, nil
}
