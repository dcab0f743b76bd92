package admin

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/roles"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
)

// Check is what one look at the surroundings found.
type Check struct {
	Name   string  `json:"check"`
	Result Verdict `json:"result"`
	Found  string  `json:"found"`
	Hint   string  `json:"hint"` // what to do; empty if the check is ok
}

// Verdict is how serious a Check is.
type Verdict string

// Verdicts: a warning does not keep anybody from loading.
const (
	OK   Verdict = "ok"
	Warn Verdict = "warn"
	Fail Verdict = "fail"
)

// Scope is what Examine is to look at.
type Scope struct {
	Source  string      // its nickname, or empty
	Schema  string      // the source's, or empty
	Managed bool        // somebody else changes the schema
	Roles   roles.Names // roles to look at beside the one that asks
}

// Examine looks at a database that can be reached: what it is, what the roles may do, how far it is.
func Examine(ctx context.Context, pool *pgxpool.Pool, s Scope) []Check {
	checks := []Check{versionCheck(ctx, pool), encodingCheck(ctx, pool), poolerCheck(ctx, pool)}
	if !s.Managed {
		checks = append(checks, createCheck(ctx, pool))
	}
	if s.Schema != "" {
		checks = append(checks, writeCheck(ctx, pool, s))
		checks = append(checks, roleChecks(ctx, pool, s)...)
	}
	if s.Managed && s.Source != "" {
		checks = append(checks, readyCheck(ctx, pool, s))
	}
	return append(checks, durabilityCheck(ctx, pool), roundTripCheck(ctx, pool))
}

// failed is the Check whose question could not be asked.
func failed(name string, err error) Check {
	return Check{name, Fail, err.Error(), "see the server's log"}
}

func versionCheck(ctx context.Context, pool *pgxpool.Pool) Check {
	const name = "version"
	var number int
	var text string
	err := pool.QueryRow(ctx, "select current_setting('server_version_num')::int, current_setting('server_version')").Scan(&number, &text)
	switch {
	case err != nil:
		return failed(name, err)
	case number < 130_000:
		return Check{name, Fail, "Postgres " + text, "Tapline needs Postgres 13 or newer"}
	}
	return Check{name, OK, "Postgres " + text, ""}
}

func encodingCheck(ctx context.Context, pool *pgxpool.Pool) Check {
	const name = "encoding"
	var encoding string
	err := pool.QueryRow(ctx, "select current_setting('server_encoding')").Scan(&encoding)
	switch {
	case err != nil:
		return failed(name, err)
	case encoding != "UTF8":
		return Check{name, Fail, encoding, "make another database: create database NAME encoding 'UTF8' template template0"}
	}
	return Check{name, OK, encoding, ""}
}

// poolerCheck asks what the loader asks before each load.
func poolerCheck(ctx context.Context, pool *pgxpool.Pool) Check {
	const name = "sessions"
	err := loader.Check(ctx, pool)
	var server *loader.ServerError
	switch {
	case errors.As(err, &server):
		return Check{name, Fail, server.Problem, server.Hint}
	case err != nil:
		return failed(name, err)
	}
	return Check{name, OK, "each connection keeps its server process: no pooler in transaction mode; the server takes writes", ""}
}

func createCheck(ctx context.Context, pool *pgxpool.Pool) Check {
	const name = "create schema"
	var may, control bool
	var role, database string
	err := pool.QueryRow(ctx, "select has_database_privilege(current_database(), 'create'), to_regnamespace($1) is not null, "+
		"current_user, current_database()", migrations.ControlSchema).Scan(&may, &control, &role, &database)
	switch {
	case err != nil:
		return failed(name, err)
	case may:
		return Check{name, OK, "role " + role + " may create schemas in " + database, ""}
	case control:
		return Check{name, Warn, "role " + role + " may not create schemas in " + database, "sources that exist can be loaded; for new ones: " +
			"grant create on database " + ident(database) + " to " + ident(role)}
	}
	return Check{
		name, Fail, "role " + role + " may not create schemas in " + database,
		"grant create on database " + ident(database) + " to " + ident(role),
	}
}

func durabilityCheck(ctx context.Context, pool *pgxpool.Pool) Check {
	const name = "durability"
	var fsync, pages string
	err := pool.QueryRow(ctx, "select current_setting('fsync'), current_setting('full_page_writes')").Scan(&fsync, &pages)
	switch {
	case err != nil:
		return failed(name, err)
	case fsync != "on" || pages != "on":
		return Check{name, Warn, "fsync = " + fsync + ", full_page_writes = " + pages, "a power cut can lose committed loads: set both to on"}
	}
	return Check{name, OK, "commits reach the disk", ""}
}

// slowTrip is from where on a load spends more time waiting than copying small files.
const slowTrip = 50 * time.Millisecond

func roundTripCheck(ctx context.Context, pool *pgxpool.Pool) Check {
	const name = "round trip"
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return failed(name, err)
	}
	defer conn.Release()
	best := time.Duration(-1)
	for range 5 {
		start := time.Now()
		if _, err := conn.Exec(ctx, "select 1", pgx.QueryExecModeSimpleProtocol); err != nil {
			return failed(name, err)
		}
		if took := time.Since(start); best < 0 || took < best {
			best = took
		}
	}
	found := best.Round(10 * time.Microsecond).String()
	if best > slowTrip {
		return Check{name, Warn, found, "run Tapline nearer to the database: each file costs a few dozen round trips"}
	}
	return Check{name, OK, found, ""}
}
