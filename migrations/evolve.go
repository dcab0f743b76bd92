package migrations

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/schema"
)

// Applied says what Evolve did.
type Applied struct {
	// Version is the number of the schema's last migration, made here or not.
	Version uint
	// Files are the migrations that were made and applied, mostly one; none if somebody else was faster. Of several only
	// the names are here: Migrator.Files has the texts.
	Files []File
	// Diff is what they did: the part of what was asked for that the schema lacked.
	Diff schema.Diff
}

// Evolve does what the schema still lacks of d: under the schema's advisory lock it reads the tables, gives the missing
// part the next number, keeps it and applies it. Several loaders that need the same make it once. No transaction of the
// caller's may be open on the tables: Evolve would wait for it and it for Evolve.
//
// Whether a column may be widened is for the caller to find out: see CanWiden. A *FileError says which migration failed;
// LockNotHad tells whether another try makes sense.
func (m *Migrator) Evolve(ctx context.Context, d schema.Diff) (Applied, error) {
	var done Applied
	err := m.change(ctx, func(s *session) error {
		exists, err := catalog.Exists(ctx, s.conn, m.schema)
		if err != nil {
			return err
		}
		if !exists {
			return &NotReadyError{Schema: m.schema, Lacks: "it does not exist"}
		}
		have, err := s.upToDate(ctx)
		if err != nil {
			return err
		}
		done, err = s.evolve(ctx, have, d.Missing(have))
		return err
	})
	return done, err
}

// upToDate repairs what a kill left, applies what is kept and not applied, and returns the tables that there are then.
func (s *session) upToDate(ctx context.Context) (schema.Tables, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if _, err := s.up(ctx, math.MaxUint32); err != nil {
		return nil, err
	}
	return catalog.Read(ctx, s.conn, s.schema)
}

// evolve makes, keeps and applies the migrations for lack, none of which have has.
func (s *session) evolve(ctx context.Context, have schema.Tables, lack schema.Diff) (Applied, error) {
	shown, err := s.shown(ctx, have)
	if err != nil {
		return Applied{}, err
	}
	tracks := tracksChange(s.schema, have, shown, lack)
	last, err := s.lastKept(ctx)
	if err != nil {
		return Applied{}, err
	}
	done := Applied{Version: last, Diff: lack}
	for f := range evolution(s.schema, last+1, have, lack, tracks, generated) {
		if err := s.apply(ctx, f); err != nil {
			return Applied{}, err
		}
		done.Version = f.Version
		done.Files = append(done.Files, f)
		if len(done.Files) > 1 { // 500 tables of 500 columns are 60 MB of SQL
			for i := range done.Files {
				done.Files[i].Up, done.Files[i].Down = "", ""
			}
		}
	}
	return done, nil
}

// finisher makes a file of SQL that does not record itself yet.
type finisher func(schemaName string, version uint, name, up, down string) File

// evolution yields the migrations from number next on that give a schema with the tables have what it lacks, one at a
// time because each is large if there are several, each finished by finish. There is none if there is nothing to do.
func evolution(schemaName string, next uint, have schema.Tables, lack schema.Diff, tracks viewChange, finish finisher) iter.Seq[File] {
	return func(yield func(File) bool) {
		if lack.Empty() && tracks == (viewChange{}) {
			return
		}
		parts := split(sorted(completeTracks(have, lack)))
		for i, part := range parts {
			change := viewChange{}
			if i == len(parts)-1 {
				change = tracks
			}
			up, down := render(schemaName, have, part, change)
			if !yield(finish(schemaName, next+uint(i), fileName(part), up, down)) {
				return
			}
		}
	}
}

// apply keeps a file and applies it.
func (s *session) apply(ctx context.Context, f File) error {
	if err := s.store(ctx, f); err != nil {
		return err
	}
	failpoint.Hit(committed)
	if _, err := s.up(ctx, f.Version); err != nil {
		return err
	}
	s.kept = 0
	return nil
}

// lastKept returns the highest number there is. All of them are applied when evolve begins.
func (s *session) lastKept(ctx context.Context) (uint, error) {
	var last int64
	err := s.conn.QueryRow(ctx, "select coalesce(max(version), 0) from "+qualified(s.schema, "_migration_files")).
		Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("read last migration: %w", err)
	}
	return uint(last), nil
}

// shown returns the tables that the tracks view shows, each with the columns of it that it uses. Postgres is asked because
// that may be less than there is: after the first of several files was applied and a later one failed.
func (s *session) shown(ctx context.Context, have schema.Tables) ([]*schema.Table, error) {
	if view := have[schema.TableTracks]; view == nil || !view.View {
		return nil, nil
	}
	rows, err := s.conn.Query(ctx, `
		select t.relname, a.attname
		from pg_catalog.pg_rewrite r
		join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
			and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> r.ev_class
		join pg_catalog.pg_class t on t.oid = d.refobjid
		join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
		where r.ev_class = $1::regclass`, qualified(s.schema, schema.TableTracks))
	if err != nil {
		return nil, fmt.Errorf("read columns of the tracks view: %w", err)
	}
	used := map[string]map[string]bool{}
	var table, column string
	_, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		if used[table] == nil {
			used[table] = map[string]bool{}
		}
		used[table][column] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read columns of the tracks view: %w", err)
	}
	var shown []*schema.Table
	for _, t := range have.TracksTables() {
		if used[t.Name] != nil {
			some := *t
			some.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c schema.Column) bool { return !used[t.Name][c.Name] })
			shown = append(shown, &some)
		}
	}
	return shown, nil
}
