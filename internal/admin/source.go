// Package admin answers what people ask about the sources of a database, and takes loads and old records out of it.
package admin

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

// Querier runs statements: a pool, a connection or a transaction of pgx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Source is one source of a database.
type Source struct {
	Nickname string `json:"source"`
	Schema   string `json:"schema"`
	Kind     string `json:"kind"`
}

// Sources returns the sources of the database by nickname; none if nothing was ever loaded into it.
func Sources(ctx context.Context, q Querier) ([]Source, error) {
	rows, _ := q.Query(ctx, "select nickname, schema_name, kind from "+ident(migrations.ControlSchema, "sources")+
		" order by nickname") // its error comes back from rows
	sources, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Source])
	switch {
	case absent(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list sources: %w", err)
	}
	return sources, nil
}

// SourceError says that the source that was asked for is not there, or that there are several and none was named.
type SourceError struct {
	Nickname string   // as asked for; empty if none was
	Known    []string // nicknames
}

// Error names the sources that there are.
func (e *SourceError) Error() string {
	known := "this database has none yet: load something first"
	if len(e.Known) > 0 {
		known = "this database has " + strings.Join(e.Known, ", ")
	}
	if e.Nickname == "" {
		return "which source? Name it with --source: " + known
	}
	return fmt.Sprintf("no source %q: %s", e.Nickname, known)
}

// EmptyError says that nothing was loaded of a source yet, so that it has no schema.
type EmptyError struct{ Source }

// Error says what makes the schema.
func (e *EmptyError) Error() string {
	return fmt.Sprintf("nothing was loaded of source %s yet: its first load makes schema %s", e.Nickname, e.Schema)
}

// Made makes sure that a source has its schema; the error is an *EmptyError if it has not.
func (s Source) Made(ctx context.Context, q Querier) error {
	var made bool
	if err := q.QueryRow(ctx, "select pg_catalog.to_regclass($1) is not null", ident(s.Schema, "_loads")).Scan(&made); err != nil {
		return fmt.Errorf("look for schema %s: %w", s.Schema, err)
	}
	if !made {
		return &EmptyError{s}
	}
	return nil
}

// Find returns the source of a nickname, or of a schema, or the only one if neither is given. The error is a
// *SourceError if that is not one.
func Find(ctx context.Context, q Querier, nickname, schemaName string) (Source, error) {
	sources, err := Sources(ctx, q)
	if err != nil {
		return Source{}, err
	}
	made, _ := schema.SchemaName(nickname) // the nickname in another spelling
	for _, match := range []func(Source) bool{
		func(s Source) bool { return nickname != "" && s.Nickname == nickname },
		func(s Source) bool { return nickname == "" && schemaName != "" && s.Schema == schemaName },
		func(s Source) bool { return made != "" && s.Schema == made },
		func(Source) bool { return nickname == "" && schemaName == "" && len(sources) == 1 },
	} {
		if i := slices.IndexFunc(sources, match); i >= 0 {
			return sources[i], nil
		}
	}
	e := &SourceError{Nickname: nickname}
	if nickname == "" {
		e.Nickname = schemaName
	}
	for _, s := range sources {
		e.Known = append(e.Known, s.Nickname)
	}
	return Source{}, e
}

// absent reports whether err says that a table or schema does not exist.
func absent(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }
