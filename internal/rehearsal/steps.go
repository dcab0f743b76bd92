package rehearsal

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/dictionary"
	"github.com/tapline/tapline/migrations"
)

func numbers(ctx context.Context, s *stage) ([]string, error) {
	wrong, err := found(ctx, errors.Join(s.Problem, migrations.Verify(s.Files, nil)))
	for i := range s.Files {
		if f := &s.Files[i]; f.Down == "" {
			wrong = append(wrong, fmt.Sprintf("migration %d %s has no down file: write one, if only to say by an error that there is no way back", f.Version, f.Name))
		}
	}
	return wrong, err
}

// up applies the files one by one and takes a picture after each.
func up(ctx context.Context, s *stage) ([]string, error) {
	p, err := take(ctx, s.db, s.Schema)
	if err != nil {
		return nil, err
	}
	s.after = append(s.after, p)
	for range s.Files {
		if _, err := s.m.UpFolder(ctx, s.Nickname, s.Files, 1); err != nil {
			return found(ctx, err)
		}
		if p, err = take(ctx, s.db, s.Schema); err != nil {
			return nil, err
		}
		s.after = append(s.after, p)
	}
	return nil, nil
}

// last is the picture after all files.
func (s *stage) last() picture { return s.after[len(s.after)-1] }

// result compares what the files have made with the catalogue and with _columns.
func result(ctx context.Context, s *stage) ([]string, error) {
	schema, err := dictionary.Read(ctx, s.db.pool, s.Schema)
	if err != nil {
		return nil, err
	}
	if !schema.Ready() {
		return []string{"Tapline's own tables are not there: the folder begins without migration 1. Write it with tapline migrate generate"}, nil
	}
	differences := dictionary.Diff(schema, true)
	tracks, checked, err := dictionary.CheckTracks(ctx, s.db.pool, schema)
	if err != nil {
		return nil, err
	}
	if !checked {
		tracks = append(tracks, dictionary.Finding{Kind: dictionary.ChangedTracks, Problem: "the view tracks could not be compared with what it should be"})
	}
	var wrong []string
	for _, f := range append(differences, tracks...) {
		if unexpected(f.Kind) {
			wrong = append(wrong, sentence(&f))
		}
	}
	return wrong, nil
}

func sentence(f *dictionary.Finding) string {
	what := string(f.Kind)
	if f.Table != "" {
		what += " " + f.Table
	}
	if f.Column != "" {
		what += "." + f.Column
	}
	if f.Index != "" {
		what += " " + f.Index
	}
	return what + ": " + f.Problem
}

// texts compares the texts that the schema keeps with the files.
func texts(ctx context.Context, s *stage) ([]string, error) {
	kept, err := records(ctx, s.db, s.Schema)
	if err != nil {
		return nil, err
	}
	return differing(s.Files, kept, true), nil
}

// record is a row of _migration_files.
type record struct {
	name, up, down string
	applied        bool
}

// records reads _migration_files by version; a schema without it has recorded nothing.
func records(ctx context.Context, d *scratch, schemaName string) (map[uint]record, error) {
	kept := map[uint]record{}
	table := pgx.Identifier{schemaName, "_migration_files"}.Sanitize()
	var there bool
	err := d.pool.QueryRow(ctx, "select pg_catalog.to_regclass($1) is not null", table).Scan(&there)
	if err != nil || !there {
		return kept, err
	}
	rows, err := d.pool.Query(ctx, `select version, name, coalesce(up, ''), coalesce(down, ''), applied_at is not null from `+table)
	if err != nil {
		return nil, fmt.Errorf("read recorded migrations: %w", err)
	}
	var version int64
	var r record
	_, err = pgx.ForEachRow(rows, []any{&version, &r.name, &r.up, &r.down, &r.applied}, func() error {
		kept[uint(version)] = r
		return nil
	})
	return kept, err
}

// differing compares files with what is recorded of them. Texts that are not kept count only if all of them should be.
func differing(files []migrations.File, kept map[uint]record, all bool) (wrong []string) {
	for i := range files {
		f := &files[i]
		k := kept[f.Version]
		switch {
		case !k.applied:
			wrong = append(wrong, fmt.Sprintf("migration %d %s is not recorded in _migration_files: its file has to end with the record that "+
				"tapline migrate generate writes", f.Version, f.Name))
			continue
		case k.name != f.Name:
			wrong = append(wrong, fmt.Sprintf("migration %d %s is recorded as %s", f.Version, f.Name, k.name))
		}
		for _, text := range []struct{ side, file, kept string }{{"up", f.Up, k.up}, {"down", f.Down, k.down}} {
			if (all || text.kept != "") && !migrations.SameText(text.file, text.kept) {
				wrong = append(wrong, fmt.Sprintf("migration %d %s: the %s text in _migration_files is not that of the file", f.Version, f.Name, text.side))
			}
		}
	}
	return wrong
}

// down takes the files back one by one; after each the database must look as before its up file.
func down(ctx context.Context, s *stage) (wrong []string, err error) {
	for i := len(s.Files) - 1; i >= 0; i-- {
		f := &s.Files[i]
		if _, err := s.m.DownFolder(ctx, s.Files, 1, 0); err != nil {
			failed, err := found(ctx, err)
			return append(wrong, failed...), err
		}
		now, err := take(ctx, s.db, s.Schema)
		if err != nil {
			return nil, err
		}
		for _, difference := range now.less(s.after[i]) {
			wrong = append(wrong, fmt.Sprintf("after the down file of migration %d %s: %s", f.Version, f.Name, difference))
		}
		if len(wrong) > 0 {
			return wrong, nil // what comes after would tell the same again
		}
	}
	return nil, nil
}

func upAgain(ctx context.Context, s *stage) ([]string, error) {
	if _, err := s.m.UpFolder(ctx, s.Nickname, s.Files, migrations.All); err != nil {
		return found(ctx, err)
	}
	now, err := take(ctx, s.db, s.Schema)
	if err != nil {
		return nil, err
	}
	return now.less(s.last()), nil
}

// unexpected reports whether a finding is a difference where nothing but the folder's files has ever been.
func unexpected(k dictionary.Kind) bool {
	return k.Drift() || k != dictionary.ExtraIndex && k != dictionary.ExtraRelation
}
