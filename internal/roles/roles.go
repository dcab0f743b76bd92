// Package roles knows which Postgres roles work on a source's schema and what each of them may do: it writes the SQL that
// makes them so, and finds out what a role lacks or has too much. What the rights are stands in grants.go alone.
package roles

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/schema"
)

// Part is what a role is for.
type Part string

// Parts. With evolve auto the loader is the migrator.
const (
	Migrator Part = "migrator" // owns the schemas and changes them
	Loader   Part = "loader"   // adds rows
	Analyst  Part = "analyst"  // reads
)

// Names are the roles of a source. An empty name is a part that nobody plays. Without a migrator, or with one name for
// both, the loader is the migrator.
type Names struct {
	Migrator, Loader, Analyst string
}

// Default are the roles if nobody named any.
func Default() Names {
	return Names{Migrator: "tapline_migrator", Loader: "tapline_loader", Analyst: "tapline_analyst"}
}

// NameError says that a name cannot be a role's here.
type NameError struct {
	Part          Part
	Name, Problem string
}

// Error says which role is meant.
func (e *NameError) Error() string { return fmt.Sprintf("%s role %q: %s", e.Part, e.Name, e.Problem) }

// Validate returns n with the loader as the migrator if there is no other, or a *NameError.
func (n Names) Validate() (Names, error) {
	if n.Migrator == "" {
		n.Migrator = n.Loader
	}
	for _, r := range []struct {
		part Part
		name string
	}{{Migrator, n.Migrator}, {Loader, n.Loader}, {Analyst, n.Analyst}} {
		problem := ""
		switch name := r.name; {
		case name == "":
		case len(name) > schema.MaxIdentifier:
			problem = fmt.Sprintf("longer than the %d bytes that Postgres keeps", schema.MaxIdentifier)
		case strings.ContainsRune(name, 0):
			problem = "holds a zero byte"
		case strings.HasPrefix(name, "pg_"), name == "public", name == "none":
			problem = "Postgres keeps that name for itself"
		case r.part == Analyst && (name == n.Migrator || name == n.Loader):
			problem = "it also writes: an analyst needs a role of its own"
		}
		if problem != "" {
			return n, &NameError{r.part, r.name, problem}
		}
	}
	if n.Migrator == "" && n.Analyst == "" {
		return n, &NameError{Loader, "", "name one role at least"}
	}
	return n, nil
}

// managed reports whether somebody else than the loader changes the schema.
func (n Names) managed() bool { return n.Loader != "" && n.Loader != n.Migrator }

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// lit quotes a text so that it reads the same whatever standard_conforming_strings is.
func lit(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}
