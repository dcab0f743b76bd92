package migrations

import (
	"context"
	"fmt"
)

// UnrecordedError says that golang-migrate has a version, and is done with it, that no record says is applied: its own
// command has applied a file that does not record itself, or somebody has forced the version.
type UnrecordedError struct {
	Schema            string
	Version, Recorded int
}

// Error says both versions and what to do.
func (e *UnrecordedError) Error() string {
	return fmt.Sprintf("golang-migrate says that schema %s is at migration %d, and the records end at %d: if the migrations above %d are in the database, "+
		"record them with tapline migrate repair --dir FOLDER; if not, set the version back with migrate force %d",
		e.Schema, e.Version, e.Recorded, e.Recorded, e.Recorded)
}

// Condition returns what golang-migrate and the records say of the schema's version. It changes nothing.
func (m *Migrator) Condition(ctx context.Context) (c Condition, err error) {
	err = m.read(ctx, func(s *session) error {
		c, err = s.condition(ctx)
		return err
	})
	return c, err
}

// Repair heals what an interrupted migration has left and returns what the schema was found in. Every change begins with
// it; here it is alone. If golang-migrate says that more is applied than is recorded, files, those of the folder, are
// recorded as applied up to that number: whether they are is for the caller to know. Without them that is an
// *UnrecordedError.
func (m *Migrator) Repair(ctx context.Context, files []File) (found Condition, err error) {
	err = m.change(ctx, func(s *session) error {
		if found, err = s.condition(ctx); err != nil || found.Right() {
			return err
		}
		if found.Unrecorded() && files != nil {
			if err := s.record(ctx, files, found); err != nil {
				return err
			}
		}
		return s.prepare(ctx)
	})
	return found, err
}

// record writes the records of the files that golang-migrate has applied without.
func (s *session) record(ctx context.Context, files []File, c Condition) error {
	for v := c.Applied + 1; v <= c.Begun; v++ {
		i, found := fileSource(files).find(uint(v))
		if !found {
			return &GapError{From: uint(v), To: uint(v), Next: uint(c.Begun)}
		}
		if _, err := s.conn.Exec(ctx, applied(s.schema, files[i])); err != nil {
			return fmt.Errorf("record migration %d: %w", v, err)
		}
		if err := s.keepText(ctx, files[i]); err != nil {
			return err
		}
	}
	return nil
}
