package migrations

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
)

// files returns the migrations of the schema in order, those of the program and those that are kept. Only the text of
// numbers above textFrom is read: what lies before may be much and is not needed to go up.
func (s *session) files(ctx context.Context, textFrom int) ([]File, error) {
	program, err := s.program(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.conn.Query(ctx, `
		select version, name, case when version > $1 then coalesce(up, '') else '' end,
			case when version > $1 then coalesce(down, '') else '' end, created_at, applied_at, coalesce(applied_by, '')
		from `+qualified(s.schema, "_migration_files")+` order by version`, textFrom)
	if err != nil {
		return onlyProgram(program, err)
	}
	kept, err := pgx.CollectRows(rows, scanFile)
	if err != nil {
		return onlyProgram(program, err)
	}
	return merge(program, kept), nil
}

// merge returns the files of the program and those that are kept. What is kept has no text where it is the program's.
func merge(program, kept []File) []File {
	for _, k := range kept {
		i, found := fileSource(program).find(k.Version)
		if !found {
			program = append(program, k)
			continue
		}
		if k.Up == "" {
			k.Up = program[i].Up
		}
		if k.Down == "" {
			k.Down = program[i].Down
		}
		program[i] = k
	}
	return program
}

// list returns the rows of _migration_files with the beginnings of the texts; number 1 if there is no such table yet.
func (s *session) list(ctx context.Context) ([]File, error) {
	rows, err := s.conn.Query(ctx, `select version, name, coalesce(left(up, 1), ''), coalesce(left(down, 1), ''), created_at, applied_at,
		coalesce(applied_by, '') from `+qualified(s.schema, "_migration_files")+` order by version`)
	if err == nil {
		var kept []File
		if kept, err = pgx.CollectRows(rows, scanFile); err == nil && len(kept) > 0 {
			return kept, nil
		}
	}
	if err != nil && !missing(err) {
		return nil, err
	}
	return []File{{Version: 1, Name: "baseline"}}, nil
}

func scanFile(row pgx.CollectableRow) (File, error) {
	var f File
	var version int64
	var at *time.Time
	err := row.Scan(&version, &f.Name, &f.Up, &f.Down, &f.CreatedAt, &at, &f.AppliedBy)
	f.Version = uint(version)
	if at != nil {
		f.AppliedAt = *at
	}
	return f, err
}

// onlyProgram is the answer of a schema in which nothing has been applied yet.
func onlyProgram(program []File, err error) ([]File, error) {
	if missing(err) {
		return program, nil
	}
	return nil, fmt.Errorf("read migrations: %w", err)
}

// program returns the migrations that come with the program: all of the control schema, number 1 of a source's.
func (s *session) program(ctx context.Context) ([]File, error) {
	if s.schema == ControlSchema {
		return controlFiles(), nil
	}
	first, err := s.first(ctx)
	return []File{first}, err
}

// first returns number 1 of a source's schema. Where tables of the catalogue's names are there already, because the schema
// was another warehouse's, it makes what they lack instead.
func (s *session) first(ctx context.Context) (File, error) {
	done, err := s.lastApplied(ctx)
	if err != nil || done > 0 {
		return baselineFile(s.schema), err
	}
	have, err := catalog.Read(ctx, s.conn, s.schema)
	if err != nil || len(have) == 0 {
		return baselineFile(s.schema), err
	}
	return adoptedFile(s.schema, have), nil
}

// keepFirst keeps the text of a number 1 that is not the program's.
func (s *session) keepFirst(ctx context.Context, f File) error {
	if s.schema == ControlSchema || f.Up == baselineFile(s.schema).Up {
		return nil
	}
	_, err := s.conn.Exec(ctx, "update "+qualified(s.schema, "_migration_files")+
		" set up = $1, down = $2 where version = 1", f.Up, f.Down)
	if err != nil {
		return fmt.Errorf("keep migration 1: %w", err)
	}
	return nil
}

// store keeps a file that is to be applied.
func (s *session) store(ctx context.Context, f File) error {
	if err := s.mayKeep(ctx); err != nil {
		return err
	}
	s.kept = f.Version
	_, err := s.conn.Exec(ctx, "insert into "+qualified(s.schema, "_migration_files")+
		" (version, name, up, down) values ($1, $2, $3, $4)", int64(f.Version), f.Name, f.Up, f.Down)
	if err != nil {
		return fmt.Errorf("store migration %d: %w", f.Version, err)
	}
	return nil
}

// mayKeep makes sure that a file that is kept can be recorded as applied, or taken back if it fails: one that stays behind
// would keep all loads of a managed source waiting for it.
func (s *session) mayKeep(ctx context.Context) error {
	table := qualified(s.schema, "_migration_files")
	var role string
	var may bool
	err := s.conn.QueryRow(ctx, "select current_user, has_table_privilege($1, 'insert') and has_table_privilege($1, 'update') "+
		"and has_table_privilege($1, 'delete')", table).Scan(&role, &may)
	if err == nil && !may {
		err = fmt.Errorf("role %s needs insert, update and delete: grant select, insert, update, delete on table %s to %s", role, table, ident(role))
	}
	if err != nil {
		return fmt.Errorf("keep a migration in %s: %w", table, err)
	}
	return nil
}

// forget deletes kept migrations that were not applied, from a number on.
func (s *session) forget(ctx context.Context, from uint) error {
	_, err := s.conn.Exec(ctx, "delete from "+qualified(s.schema, "_migration_files")+
		" where version >= $1 and applied_at is null and up is not null", int64(from))
	if err != nil && !missing(err) {
		return fmt.Errorf("delete migrations from %d on: %w", from, err)
	}
	return nil
}
