package migrations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Verify compares the migrations of a folder with those of a database and returns everything that is wrong, joined, in
// the order of the numbers: *GapError, *EditedError, *MissingError, *LateError and, at the end, *NewerError. It is nil if
// golang-migrate, given this folder, would apply exactly what is not applied yet.
//
// Both lists are in the order of their numbers. Of applied only those count for which Applied is true; of one without
// texts only the name is compared. Line ends and the last newline do not matter: version control changes them.
func Verify(files, applied []File) error {
	errs := gaps(files)
	byNumber := make(map[uint]*File, len(files))
	var known uint
	for i := range files {
		byNumber[files[i].Version] = &files[i]
		known = max(known, files[i].Version)
	}
	have := make(map[uint]bool, len(applied))
	var last uint
	for i := range applied {
		a := &applied[i]
		if !a.Applied() {
			continue
		}
		have[a.Version] = true
		last = max(last, a.Version)
		f := byNumber[a.Version]
		switch {
		case f != nil:
			errs = append(errs, edited(f, a)...)
		case a.Version <= known:
			errs = append(errs, &MissingError{Version: a.Version, Name: a.Name})
		}
	}
	for i := range files {
		if f := &files[i]; f.Version < last && !have[f.Version] {
			errs = append(errs, &LateError{Version: f.Version, Name: f.Name, Applied: last})
		}
	}
	if last > known {
		errs = append(errs, &NewerError{Database: last, Known: known})
	}
	return errors.Join(errs...)
}

// gaps returns a *GapError for each run of numbers that is missing. Numbers begin with 1.
func gaps(files []File) (errs []error) {
	next := uint(1)
	for i := range files {
		if v := files[i].Version; v > next {
			errs = append(errs, &GapError{From: next, To: v - 1, Next: v})
		}
		next = files[i].Version + 1
	}
	return errs
}

// edited compares a file with what was applied.
func edited(f, applied *File) (errs []error) {
	if applied.Name != "" && f.Name != applied.Name {
		return []error{&EditedError{Version: f.Version, Name: f.Name, Part: "name", Was: applied.Name}}
	}
	for _, side := range []struct{ part, file, applied string }{{"up", f.Up, applied.Up}, {"down", f.Down, applied.Down}} {
		if side.applied == "" {
			continue
		}
		if line := differs(side.file, side.applied); line > 0 {
			errs = append(errs, &EditedError{Version: f.Version, Name: f.Name, Part: side.part, Line: line, Was: applied.Name})
		}
	}
	return errs
}

// SameText reports whether two texts of a migration are the same but for line ends and the last newline.
func SameText(a, b string) bool { return differs(a, b) == 0 }

// differs returns the number of the first line that is not the same, from 1; 0 if there is none.
func differs(a, b string) int {
	as, bs := lines(a), lines(b)
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return i + 1
		}
	}
	if len(as) != len(bs) {
		return min(len(as), len(bs)) + 1
	}
	return 0
}

func lines(text string) []string {
	return strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
}

// Verify compares a folder's migrations with those that are applied in the schema: see the function Verify. Without
// files it only looks whether this program is new enough for the schema. It changes nothing and takes no lock.
func (m *Migrator) Verify(ctx context.Context, files []File) error {
	var found error
	err := m.read(ctx, func(s *session) (err error) {
		found, err = s.verify(ctx, files)
		return err
	})
	if err != nil {
		return fmt.Errorf("verify migrations of schema %s: %w", m.schema, err)
	}
	return found
}

// verify returns what is wrong with files, or why that could not be found out.
func (s *session) verify(ctx context.Context, files []File) (found, err error) {
	control, err := s.asKept(ctx, ControlSchema)
	if err != nil {
		return nil, err
	}
	found = newerProgram(control)
	if files == nil {
		return found, nil // the texts may be large
	}
	applied, err := s.asKept(ctx, s.schema)
	if err != nil {
		return nil, err
	}
	return errors.Join(found, inSchema(s.schema, Verify(files, applied))), nil
}

// inSchema writes the schema's name into the errors of Verify that have room for it.
func inSchema(schemaName string, err error) error {
	var newer *NewerError
	if errors.As(err, &newer) {
		newer.Schema = schemaName
	}
	return err
}

// newerProgram says whether the control schema is one of a later release: there every migration comes with the program,
// and this one has these. A source's schema keeps the texts of all later numbers, so that any release can serve
// them.
func newerProgram(control []File) error {
	known := uint(len(controlFiles()))
	for i := range control {
		if f := &control[i]; f.Applied() && f.Version > known {
			return &NewerError{Schema: ControlSchema, Database: f.Version, Known: known, Program: true}
		}
	}
	return nil
}

// asKept returns the rows of _migration_files as they are; none if there is no such table.
func (s *session) asKept(ctx context.Context, schemaName string) ([]File, error) {
	rows, err := s.conn.Query(ctx, `select version, name, coalesce(up, ''), coalesce(down, ''), created_at, applied_at
		from `+qualified(schemaName, "_migration_files")+` order by version`)
	if err != nil {
		return nil, ifThere(err)
	}
	kept, err := pgx.CollectRows(rows, scanKept)
	return kept, ifThere(err)
}

func scanKept(row pgx.CollectableRow) (File, error) {
	var f File
	var version int64
	var at *time.Time
	err := row.Scan(&version, &f.Name, &f.Up, &f.Down, &f.CreatedAt, &at)
	f.Version = uint(version)
	if at != nil {
		f.AppliedAt = *at
	}
	return f, err
}

func ifThere(err error) error {
	if missing(err) {
		return nil
	}
	return err
}
