package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/roles"
	"github.com/tapline/tapline/migrations"
)

// writeCheck asks whether the role that asks can load into the schema, in the source's mode.
func writeCheck(ctx context.Context, pool *pgxpool.Pool, s Scope) Check {
	name := "write to " + s.Schema
	exists, err := catalog.Exists(ctx, pool, s.Schema)
	var role string
	if err == nil {
		err = pool.QueryRow(ctx, "select current_user").Scan(&role)
	}
	if err != nil {
		return failed(name, err)
	}
	switch {
	case !exists && s.Managed:
		return Check{name, Fail, "the schema does not exist yet", "run tapline migrate up with the migrator's role first"}
	case !exists:
		return Check{name, OK, "the schema does not exist yet: the first load makes it", ""}
	}
	lacks, much, err := rights(ctx, pool, roles.Loader, role, s)
	switch {
	case err != nil:
		return failed(name, err)
	case len(lacks) > 0:
		return Check{name, Fail, "role " + role + " lacks " + several(lacks, ", ", what), several(lacks, "; ", fix)}
	case s.Managed && len(much) > 0:
		return Check{
			name, Warn, "role " + role + " may add rows, but with evolve managed it has too much: " + several(much, ", ", what),
			several(much, "; ", fix),
		}
	case s.Managed:
		return Check{name, OK, "role " + role + " may add rows to all tables, and change none", ""}
	}
	lacks, _, err = rights(ctx, pool, roles.Migrator, role, s)
	switch {
	case err != nil:
		return failed(name, err)
	case len(lacks) > 0:
		return Check{
			name, Warn, "role " + role + " may add rows to all tables, but not add tables or columns: it lacks " + several(lacks, ", ", what),
			"load with --evolve managed, or: " + several(lacks, "; ", fix),
		}
	}
	return Check{name, OK, "role " + role + " may add rows to all tables, and add tables and columns", ""}
}

// readyCheck asks what a load of a managed source asks first: are all migrations applied?
func readyCheck(ctx context.Context, pool *pgxpool.Pool, s Scope) Check {
	const name = "migrations"
	m, err := migrations.Open(ctx, pool.Config().ConnConfig, s.Schema, migrations.Options{Managed: true})
	if err != nil {
		return failed(name, err)
	}
	defer m.Close()
	err = m.Bootstrap(ctx, s.Source)
	var lacks *migrations.NotReadyError
	switch {
	case errors.As(err, &lacks):
		return Check{name, Fail, "schema " + s.Schema + " is not ready: " + lacks.Lacks, "run tapline migrate up with the migrator's role"}
	case err != nil:
		return failed(name, err)
	}
	return Check{name, OK, "all are applied", ""}
}

// roleChecks looks at the roles that are named.
func roleChecks(ctx context.Context, pool *pgxpool.Pool, s Scope) []Check {
	var checks []Check
	for _, r := range []struct {
		part roles.Part
		name string
	}{{roles.Migrator, s.Roles.Migrator}, {roles.Loader, s.Roles.Loader}, {roles.Analyst, s.Roles.Analyst}} {
		if r.name == "" || r.part == roles.Loader && r.name == s.Roles.Migrator {
			continue
		}
		name := string(r.part)
		lacks, much, err := rights(ctx, pool, r.part, r.name, s)
		switch {
		case err != nil:
			checks = append(checks, failed(name, err))
		case len(lacks) > 0:
			checks = append(checks, Check{name, Fail, "role " + r.name + " lacks " + several(lacks, ", ", what), several(lacks, "; ", fix)})
		case len(much) > 0:
			checks = append(checks, Check{name, Warn, "role " + r.name + " has too much: " + several(much, ", ", what), several(much, "; ", fix)})
		default:
			checks = append(checks, Check{name, OK, "role " + r.name + " has the rights it needs", ""})
		}
	}
	return checks
}

// rights returns what a role lacks and has too much. Rights to tables of later migrations count where a migrator is named:
// else nobody knows who will make them.
func rights(ctx context.Context, pool *pgxpool.Pool, part roles.Part, role string, s Scope) (lacks, much []roles.Finding, err error) {
	findings, err := roles.CheckRole(ctx, pool, part, role, s.Roles.Migrator, []string{s.Schema})
	for _, f := range findings {
		switch {
		case f.Future && !s.Managed && s.Roles.Migrator == "":
		case f.TooMuch:
			much = append(much, f)
		default:
			lacks = append(lacks, f)
		}
	}
	return lacks, much, err
}

func what(f roles.Finding) string { return f.Right + " on " + f.On }
func fix(f roles.Finding) string  { return f.Fix }

// several joins what a function says of findings, the first few of them if there are many.
func several(findings []roles.Finding, separator string, say func(roles.Finding) string) string {
	const enough = 8
	var words []string
	for _, f := range findings[:min(enough, len(findings))] {
		words = append(words, say(f))
	}
	text := strings.Join(words, separator)
	if more := len(findings) - enough; more > 0 {
		text += fmt.Sprintf("%sand %d more: see tapline roles --check", separator, more)
	}
	return text
}
