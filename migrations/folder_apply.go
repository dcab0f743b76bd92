package migrations

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// UpFolder applies the migrations of a folder that are not applied yet, at most limit of them, and keeps their texts in
// the schema. Before, it makes sure that the folder is the one that the schema came from: see Verify. It returns those
// that are applied, also with an error.
//
// A file of somebody else's, which does not record itself in _migration_files, is recorded in its transaction.
func (m *Migrator) UpFolder(ctx context.Context, nickname string, files []File, limit int) (steps []Step, err error) {
	if err := m.Verify(ctx, files); err != nil {
		return nil, err
	}
	if err := m.owned(ctx, nickname); err != nil {
		return nil, err
	}
	if err := forSchema(m.schema, files); err != nil {
		return nil, err
	}
	err = m.change(ctx, func(s *session) error {
		if err := s.createSchema(ctx); err != nil {
			return err
		}
		if err := s.prepare(ctx); err != nil {
			return err
		}
		// Somebody else may have had the turn before, with another folder.
		found, err := s.verify(ctx, files)
		if err = errors.Join(err, found); err != nil {
			return err
		}
		if err := s.takeOver(ctx, files); err != nil {
			return err
		}
		steps, err = s.upFiles(ctx, files, upRun{keep: math.MaxUint32, limit: limit, folder: true})
		return err
	})
	return steps, err
}

// SchemaError says that a folder's files are for another schema.
type SchemaError struct {
	Schema, Has string
	Version     uint
}

// Error names both schemas and what to do.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("migration %d is for schema %s, not for %s: give the folder of this source, or the --source that it is for",
		e.Version, e.Has, e.Schema)
}

// recorded finds the statement with which an up file records itself.
var recorded = regexp.MustCompile(`(?m)^insert into "?((?:[^"\n]|"")+?)"?\."?_migration_files"?[ (]`)

// forSchema returns a *SchemaError for the first file that records itself in another schema than that.
func forSchema(schemaName string, files []File) error {
	for i := range files {
		all := recorded.FindAllStringSubmatch(files[i].Up, -1)
		if len(all) == 0 {
			continue
		}
		if has := strings.ReplaceAll(all[len(all)-1][1], `""`, `"`); has != schemaName {
			return &SchemaError{Schema: schemaName, Has: has, Version: files[i].Version}
		}
	}
	return nil
}

// notInTransaction finds what Postgres refuses to run beside other statements, so that nothing can be added to it.
var notInTransaction = regexp.MustCompile(`(?i)\bconcurrently\b`)

// records reports whether SQL records by itself that its migration is applied, or is not any more.
func records(sql string) bool { return strings.Contains(sql, "_migration_files") }

// recording returns files whose SQL has the statement that records it, as far as one can be added.
func recording(schemaName string, files []File) []File {
	out := make([]File, len(files))
	for i, f := range files {
		if f.Up != "" && !records(f.Up) && !notInTransaction.MatchString(f.Up) {
			f.Up = finished(f.Up) + applied(schemaName, f)
		}
		if f.Down != "" && !records(f.Down) && !notInTransaction.MatchString(f.Down) {
			f.Down = finished(f.Down) + unapplied(schemaName, f.Version)
		}
		out[i] = f
	}
	return out
}

// finished returns SQL to which another statement can be added.
func finished(sql string) string {
	sql = strings.TrimRight(sql, " \t\r\n")
	if i := strings.LastIndexByte(sql, '\n'); !strings.HasSuffix(sql, ";") || strings.Contains(sql[i+1:], "--") {
		sql += "\n;" // a semicolon more than needed is none too many
	}
	return sql + "\n"
}

// keepText keeps the text of a folder's file as it is there.
func (s *session) keepText(ctx context.Context, f File) error {
	_, err := s.conn.Exec(ctx, "update "+qualified(s.schema, "_migration_files")+
		" set name = $2, up = $3, down = nullif($4, '') where version = $1", int64(f.Version), f.Name, f.Up, f.Down)
	if err != nil {
		return fmt.Errorf("keep text of migration %d: %w", f.Version, err)
	}
	return nil
}

// takeOver keeps the texts of applied files that golang-migrate's own command has applied.
func (s *session) takeOver(ctx context.Context, files []File) error {
	kept, err := s.asKept(ctx, s.schema)
	if err != nil {
		return err
	}
	for _, k := range kept {
		i, found := fileSource(files).find(k.Version)
		if !found || !k.Applied() || k.Up != "" && k.Down != "" || k.Down == files[i].Down && k.Up != "" {
			continue
		}
		if err := s.keepText(ctx, files[i]); err != nil {
			return err
		}
	}
	return nil
}

// withTexts returns kept with the texts of files where it has none.
func withTexts(kept, files []File) []File {
	for i := range kept {
		k := &kept[i]
		at, found := fileSource(files).find(k.Version)
		if !found {
			continue
		}
		f := &files[at]
		if k.Up == "" {
			k.Up = f.Up
		}
		// Number 1 of the folder is another text than the program's.
		if k.Down == "" || k.Version == 1 {
			k.Down = f.Down
		}
	}
	return kept
}
