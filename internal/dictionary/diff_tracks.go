package dictionary

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Beginner starts transactions: a pool or a connection of pgx.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// CheckTracks compares the view tracks with the query that it should be. Only Postgres can tell whether two texts are the
// same query, so it is asked to make a temporary view, in a transaction that is rolled back. checked is false if the role
// may not do that, as on a standby or for a loader whose schema others change.
//
// The statement that repairs it is for the tables as they are once what Diff found missing is there again.
func CheckTracks(ctx context.Context, b Beginner, s *Schema) (found []Finding, checked bool, err error) {
	now := s.tables()
	query, _ := migrations.TracksSQL(s.Name, now)
	lack := s.lack()
	whole, statement := migrations.TracksSQL(s.Name, lack.Apply(now))
	view := s.Table(schema.TableTracks)
	switch {
	case query == "":
		return nil, true, nil
	case view == nil:
		f := Finding{Kind: MissingTracks, Table: schema.TableTracks, Problem: "the view of all track events is not there", Repair: statement}
		return []Finding{f}, true, nil
	}
	have, want, err := definitions(ctx, b, s.Name, query)
	switch {
	case refused(err):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("compare the view tracks of schema %s: %w", s.Name, err)
	case have != want:
		found = s.changedTracks(have, statement)
	case whole != query:
		found = append(found, Finding{
			Kind: ChangedTracks, Table: schema.TableTracks, Repair: statement, Problem: "the view has to be made again once what is missing is there",
		})
	}
	for _, c := range view.Columns {
		if !schema.IsStandardColumn(c.Name) && !strings.HasPrefix(c.Name, "context_") {
			found = append(found, Finding{
				Kind: ExtraColumn, Table: view.Name, Column: c.Name, Problem: "the view has a column that is neither standard nor of the context",
				Repair: "drop view " + ident(s.Name, view.Name) + ";\n" + fresh(s),
			})
		}
	}
	return found, true, nil
}

// changedTracks names what the view lacks. A table that no migration made and that the view does not show came by hand.
func (s *Schema) changedTracks(definition, statement string) []Finding {
	f := Finding{Kind: ChangedTracks, Table: schema.TableTracks, Problem: "the view is not the one over all tables of track events", Repair: statement}
	var found []Finding
	lack := s.unshown(definition)
	for _, name := range lack {
		if !s.Table(name).recorded {
			found = append(found, Finding{
				Kind: ExtraTable, Table: name, Problem: "a table of events that no migration made, and that tracks does not show",
				Repair: statement, Or: "drop table " + ident(s.Name, name) + ";\n",
			})
		}
	}
	if len(lack) > 0 {
		f.Problem = "the view does not show " + strings.Join(lack, ", ")
	}
	return append(found, f)
}

// fresh returns the statement that makes the view as if there had been none.
func fresh(s *Schema) string {
	tables := s.tables()
	delete(tables, schema.TableTracks)
	_, statement := migrations.TracksSQL(s.Name, tables)
	return statement
}

// definitions returns the query of the view, and that of a view made of query, both as Postgres writes them.
func definitions(ctx context.Context, b Beginner, schemaName, query string) (have, want string, err error) {
	tx, err := b.Begin(ctx)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, tx.Rollback(ctx)) }()
	if _, err := tx.Exec(ctx, "create temporary view _tapline_tracks as "+query); err != nil {
		return "", "", err
	}
	err = tx.QueryRow(ctx, `select pg_catalog.pg_get_viewdef($1::regclass), pg_catalog.pg_get_viewdef('pg_temp._tapline_tracks'::regclass)`,
		ident(schemaName, schema.TableTracks)).Scan(&have, &want)
	return have, want, err
}

// unshown returns the tables of track events that the text of the view does not mention.
func (s *Schema) unshown(definition string) []string {
	words := strings.FieldsFunc(definition, func(r rune) bool { return strings.ContainsRune(" \n\t.,;()\"", r) })
	mentioned := make(map[string]bool, len(words))
	for _, w := range words {
		mentioned[w] = true
	}
	var out []string
	for _, t := range s.tables().TracksTables() {
		if !mentioned[t.Name] {
			out = append(out, t.Name)
		}
	}
	return slices.Clip(out)
}

// refused reports whether the server takes no temporary view from this role, or takes no writes at all.
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42501" || pg.Code == "25006")
}
