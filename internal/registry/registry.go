// Package registry knows the sources of a database and the write keys with which clients send events to them. What a
// person changes goes to Postgres, with an entry in the audit table; what a gateway needs for every request is in a
// [Keyring], in memory, and goes on working while Postgres is away.
//
// Of a write key only its SHA-256 is ever kept: keys are 256 random bits, for which a slow hash would add nothing.
package registry

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/migrations"
)

// DB is what this package needs of a pool, a connection or a transaction of pgx.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Registry changes and shows what is in Postgres. Its methods may be called by several goroutines.
type Registry struct {
	db    DB
	actor string
}

// New returns a registry of a database whose control schema is up to date (see migrations.Control). actor is who the
// audit table says has changed something; it defaults to Actor().
func New(db DB, actor string) *Registry {
	if actor == "" {
		actor = Actor()
	}
	return &Registry{db, actor}
}

// Actor is the account and machine of this process, such as ops@db1.
func Actor() string {
	name := "uid " + fmt.Sprint(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}

// Source is a source as it is registered.
type Source struct {
	Nickname string `json:"source"`
	Schema   string `json:"schema"`
	// Kind is what it sends: clevertap or segment.
	Kind     string   `json:"kind"`
	Settings Settings `json:"settings"`
	// DisabledAt is nil while the source takes requests.
	DisabledAt *time.Time `json:"disabled_at"`
	CreatedAt  time.Time  `json:"created_at"`
}

// Enabled reports whether requests of the source are taken.
func (s *Source) Enabled() bool { return s.DisabledAt == nil }

// NotFoundError says that a source or a key is not there.
type NotFoundError struct{ What, Name string }

// Error says what was looked for.
func (e *NotFoundError) Error() string { return fmt.Sprintf("no %s %q", e.What, e.Name) }

// ConflictError says that what was asked for contradicts what is registered.
type ConflictError struct {
	Source, Problem string
	Hint            string // what to do
}

// Error says what to do.
func (e *ConflictError) Error() string {
	return "source " + e.Source + ": " + e.Problem + ": " + e.Hint
}

func table(name string) string { return pgx.Identifier{migrations.ControlSchema, name}.Sanitize() }

// inTx runs do in a transaction; an error of do is returned as it is.
func (r *Registry) inTx(ctx context.Context, do func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, r.db, do)
}

// audit notes what was done, in the transaction that does it. detail becomes JSON; it must not hold a key.
func (r *Registry) audit(ctx context.Context, tx pgx.Tx, action, source string, detail any) error {
	_, err := tx.Exec(ctx, "insert into "+table("audit")+" (actor, action, source, detail) values ($1, $2, $3, $4)",
		r.actor, action, source, detail)
	if err != nil {
		return fmt.Errorf("write audit entry: %w", err)
	}
	return nil
}

// Prepare brings the control schema of a database up to this release if it lacks what this package needs. A role that
// may change nothing can use what is there.
func Prepare(ctx context.Context, pool *pgxpool.Pool) error {
	var there bool
	err := pool.QueryRow(ctx, "select pg_catalog.to_regclass($1) is not null", table("audit")).Scan(&there)
	if err != nil {
		return fmt.Errorf("look for the control schema: %w", err)
	}
	if there {
		return nil
	}
	return migrations.Control(ctx, pool.Config().ConnConfig, migrations.Options{})
}
