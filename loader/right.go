package loader

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/roles"
)

// RightError says that the role lacks rights that loading needs. The unit at work was rolled back: nothing of it is in the
// tables, nor in quarantine.
type RightError struct {
	Role   string
	Lacks  []string // such as "insert on table shop.purchase"
	Grants []string // the statements that mend it, for the owner of the tables
	Err    error    // what Postgres said
}

// Error names the rights and what to run.
func (e *RightError) Error() string {
	return fmt.Sprintf("role %s lacks %s: run as the owner: %s: %v", e.Role, few(e.Lacks, ", "), few(e.Grants, "; "), e.Err)
}

// Unwrap returns Postgres's error.
func (e *RightError) Unwrap() error { return e.Err }

// few joins words, the first few of them if there are many.
func few(words []string, separator string) string {
	const enough = 3
	if len(words) > enough {
		return strings.Join(words[:enough], separator) + fmt.Sprintf(" and %d more", len(words)-enough)
	}
	return strings.Join(words, separator)
}

// explainRight names the right that is missing: Postgres says only which table was not to be used.
func (l *Loader) explainRight(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42501" || ctx.Err() != nil {
		return err
	}
	out := &RightError{Err: err}
	if l.pool.QueryRow(ctx, "select current_user").Scan(&out.Role) != nil {
		return err
	}
	parts := []roles.Part{roles.Loader}
	if l.cfg.Evolve == Auto {
		parts = append(parts, roles.Migrator)
	}
	for _, part := range parts {
		findings, checkErr := roles.CheckRole(ctx, l.pool, part, out.Role, "", []string{l.cfg.Schema})
		if checkErr != nil {
			return err // which has the table at least
		}
		for _, f := range findings {
			if !f.TooMuch && !f.Future {
				out.Lacks = append(out.Lacks, f.Right+" on "+f.On)
				out.Grants = append(out.Grants, f.Fix)
			}
		}
	}
	if len(out.Lacks) == 0 { // it was given back meanwhile, or the right is one of something that is not ours
		return err
	}
	return out
}

// forOwner says who has the rights that a replay needs: it changes rows that are there, which a loader may not.
func forOwner(err error) error {
	var right *RightError
	if errors.As(err, &right) { // its grants would make a migrator of a loader
		err = right.Err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" {
		return fmt.Errorf("%w: a replay changes rows that are there: run it with the role that owns the tables, which with evolve managed is the migrator's", err)
	}
	return err
}
