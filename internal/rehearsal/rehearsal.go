// Package rehearsal runs the migrations of a folder in throwaway databases, to find out before anybody merges them what
// would go wrong: up from nothing and from the version before, down, up again, by Tapline and by golang-migrate alone.
package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/migrations"
)

// Plan says what to rehearse.
type Plan struct {
	// Config leads to a server on which the role may create databases. No database there is touched.
	Config *pgxpool.Config
	// Nickname and Schema are those of the source that the files are for.
	Nickname, Schema string
	// Files are those of the folder, Problem is what reading it said about single files; see migrations.ReadFolder.
	Files   []migrations.File
	Problem error
	// Base are the files as they are deployed; nil if that is not known.
	Base []migrations.File
	// Logger hears of each migration. Defaults to silence.
	Logger *slog.Logger
}

// Check is one thing that was tried.
type Check struct {
	Name string `json:"check"`
	// About says in words what was tried.
	About  string `json:"about"`
	Passed bool   `json:"passed"`
	// Skipped says why it was not tried; then it has neither passed nor failed.
	Skipped     string   `json:"skipped,omitempty"`
	Differences []string `json:"differences"`
	Seconds     float64  `json:"seconds"`
}

// Failed reports whether something was found.
func (c Check) Failed() bool { return !c.Passed && c.Skipped == "" }

// step is one check before it is run. It returns what it found wrong. An error means that it could not be tried.
type step struct {
	name, about string
	run         func(context.Context, *stage) ([]string, error)
	// alone says that a failure before it does not matter.
	alone bool
}

// steps returns all checks in their order.
func steps() []step {
	return []step{
		{"numbers", "every number is there once, each with up and down", numbers, true},
		{"up", "applies to an empty database", up, false},
		{"result", "gives the catalogue and what _columns records, with comments and tracks", result, false},
		{"texts", "the schema keeps the texts of the files", texts, false},
		{"down", "each down file takes back what its up file did", down, false},
		{"up_again", "applies again after all was taken back", upAgain, false},
		{"base", "applies to the version before, with rows in its tables, and goes back to it", fromBase, false},
		{"golang_migrate", "golang-migrate alone comes to the same", alone, false},
	}
}

// stage is what the checks share.
type stage struct {
	Plan
	db *scratch
	m  *migrations.Migrator
	// after are the pictures after 0, 1, 2 ... files.
	after []picture
}

// Run rehearses. The checks are in order; after one that failed those that need what it should have made are skipped. An
// error means that the rehearsal itself was not possible. All databases are dropped again, also when ctx ends.
func Run(ctx context.Context, p Plan) (checks []Check, err error) {
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	s := &stage{Plan: p}
	if s.db, s.m, err = s.open(ctx); err != nil {
		return nil, err
	}
	defer func() {
		s.m.Close()
		err = errors.Join(err, s.db.close(ctx))
	}()
	skip := ""
	for _, one := range steps() {
		c := Check{Name: one.name, About: one.about, Differences: []string{}, Skipped: skip}
		if one.name == "base" && p.Base == nil && skip == "" {
			c.Skipped = "no version before was given"
		}
		if c.Skipped == "" {
			start := time.Now()
			found, err := one.run(ctx, s)
			if err != nil {
				return checks, fmt.Errorf("check %s: %w", one.name, err)
			}
			c.Seconds = time.Since(start).Seconds()
			c.Passed = len(found) == 0
			c.Differences = append(c.Differences, found...)
			if needed := one.name == "up" || one.name == "down" || one.name == "numbers" && p.Problem != nil; needed && !c.Passed {
				skip = "check " + one.name + " failed"
			}
		}
		checks = append(checks, c)
	}
	return checks, nil
}

// open makes a throwaway database and a Migrator in it.
func (s *stage) open(ctx context.Context) (*scratch, *migrations.Migrator, error) {
	db, err := newDatabase(ctx, s.Config)
	if err != nil {
		return nil, nil, err
	}
	m, err := migrations.Open(ctx, db.pool.Config().ConnConfig, s.Schema, migrations.Options{Logger: s.Logger})
	if err != nil {
		return nil, nil, errors.Join(err, db.close(ctx))
	}
	return db, m, nil
}

// found makes of an error that is about the files what is told of them. Others are errors.
func found(ctx context.Context, err error) ([]string, error) {
	var file *migrations.FileError
	var schema *migrations.SchemaError
	var text *migrations.NoTextError
	var owned *migrations.OwnedError
	switch {
	case err == nil || ctx.Err() != nil:
		return nil, err
	case errors.As(err, &file), errors.As(err, &schema), errors.As(err, &text), errors.As(err, &owned):
		return []string{err.Error()}, nil
	case verified(err):
		return each(err), nil
	}
	return nil, err
}

// verified reports whether err is one of migrations.Verify or ReadFolder.
func verified(err error) bool {
	var duplicate *migrations.DuplicateError
	var noUp *migrations.NoUpError
	var gap *migrations.GapError
	var edited *migrations.EditedError
	var missing *migrations.MissingError
	var late *migrations.LateError
	var newer *migrations.NewerError
	return errors.As(err, &duplicate) || errors.As(err, &noUp) || errors.As(err, &gap) || errors.As(err, &edited) ||
		errors.As(err, &missing) || errors.As(err, &late) || errors.As(err, &newer)
}

// each returns the messages of joined errors.
func each(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the join itself is meant, not what is in it
		var all []string
		for _, one := range joined.Unwrap() {
			all = append(all, each(one)...)
		}
		return all
	}
	return []string{err.Error()}
}
