package rehearsal

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// fromBase applies the version before, puts a row into each of its tables, goes on to the folder's version and back.
func fromBase(ctx context.Context, s *stage) (wrong []string, err error) {
	db, m, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		m.Close()
		err = errors.Join(err, db.close(ctx))
	}()
	if len(s.Base) > 0 {
		if _, err := m.UpFolder(ctx, s.Nickname, s.Base, migrations.All); err != nil {
			wrong, err = found(ctx, err)
			return prefixed("the version before does not apply itself: ", wrong), err
		}
	}
	before, err := take(ctx, db, s.Schema)
	if err != nil {
		return nil, err
	}
	filled, err := fill(ctx, db, s.Schema)
	if err != nil {
		return nil, err
	}
	steps, err := m.UpFolder(ctx, s.Nickname, s.Files, migrations.All)
	if err != nil {
		return found(ctx, err)
	}
	now, err := take(ctx, db, s.Schema)
	if err != nil {
		return nil, err
	}
	wrong = prefixed("coming from the version before: ", now.less(s.last()))
	lost, err := lost(ctx, db, s.Schema, filled)
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, lost...)
	if _, err := m.DownFolder(ctx, s.Files, len(steps), 0); err != nil {
		failed, err := found(ctx, err)
		return append(wrong, prefixed("back to the version before, with rows: ", failed)...), err
	}
	if now, err = take(ctx, db, s.Schema); err != nil {
		return nil, err
	}
	return append(wrong, prefixed("back at the version before: ", now.less(before))...), nil
}

func prefixed(prefix string, lines []string) []string {
	for i := range lines {
		lines[i] = prefix + lines[i]
	}
	return lines
}

// sampleID is the id of the row that fill puts into each table.
const sampleID = "tapline-check"

// fill puts a row into each table of events and returns those that took it: one that somebody else made may want more.
func fill(ctx context.Context, d *scratch, schemaName string) ([]string, error) {
	tables, err := catalog.Read(ctx, d.pool, schemaName)
	if err != nil {
		return nil, err
	}
	var filled []string
	for _, name := range tables.Names() {
		if name == schema.TableTracks && tables[name].View {
			continue
		}
		_, err := d.pool.Exec(ctx, "insert into "+pgx.Identifier{schemaName, name}.Sanitize()+` ("id") values ($1)`, sampleID)
		if err == nil {
			filled = append(filled, name)
		} else if ctx.Err() != nil {
			return nil, err
		}
	}
	return filled, nil
}

// lost returns the tables whose row is not there any more.
func lost(ctx context.Context, d *scratch, schemaName string, filled []string) (wrong []string, err error) {
	tables, err := catalog.Read(ctx, d.pool, schemaName)
	if err != nil {
		return nil, err
	}
	for _, name := range filled {
		var there bool
		if tables[name] != nil {
			err := d.pool.QueryRow(ctx, "select exists (select from "+pgx.Identifier{schemaName, name}.Sanitize()+` where "id" = $1)`, sampleID).Scan(&there)
			if err != nil {
				return nil, fmt.Errorf("look for the row of table %s: %w", name, err)
			}
		}
		if !there {
			wrong = append(wrong, "coming from the version before: the rows of table "+name+" are lost")
		}
	}
	return wrong, nil
}
