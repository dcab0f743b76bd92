package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/migrations"
)

func (a *app) migrateStatus() *cobra.Command {
	var f migrateFlags
	c := &cobra.Command{
		Use:   "status",
		Short: "Show which migrations are applied, by whom and when, and which wait",
		Long: `Show which migrations are applied, by whom and when, which wait, and where their texts are kept. With --dir the folder
is compared with what is applied: files that were edited or are missing, gaps, and a database that is ahead are found, and
the exit code is 2. So it is for a migration that was interrupted.`,
		Example: `  tapline migrate status --source CleverTap_Prod
  tapline migrate status --source CleverTap_Prod --dir migrations --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withMigrations(c.Context(), &f, mustExist, func(m *migration) error {
				return a.migrationStatus(c.Context(), m, &f)
			})
		},
	}
	f.flags(a, c, false)
	return c
}

// migrationJSON is one migration of status.
type migrationJSON struct {
	Version   uint       `json:"version"`
	Name      string     `json:"name"`
	Status    string     `json:"status"` // applied or waiting
	AppliedAt *time.Time `json:"applied_at,omitempty"`
	AppliedBy string     `json:"applied_by,omitempty"`
	Text      string     `json:"text"` // where it is: program, schema, folder, or nowhere
}

type migrationsJSON struct {
	admin.Source
	Version    uint            `json:"version"`
	Dirty      bool            `json:"dirty"`
	Begun      int             `json:"begun"` // golang-migrate's version
	Waiting    int             `json:"waiting"`
	Problems   []string        `json:"problems"`
	Migrations []migrationJSON `json:"migrations"`
}

func (a *app) migrationStatus(ctx context.Context, m *migration, f *migrateFlags) error {
	s, err := m.status(ctx)
	if err != nil {
		return err
	}
	code := exitDone
	if len(s.Problems) > 0 || s.Dirty {
		code = exitFound
	}
	if a.json {
		err = a.writeJSON(s)
	} else {
		newPrinter(a.stdout, a.env).migrations(s, m.flags(a, f))
	}
	if err != nil || code == exitDone {
		return err
	}
	return &exitError{code: code}
}

func (m *migration) status(ctx context.Context) (*migrationsJSON, error) {
	s := &migrationsJSON{Source: m.Source, Problems: []string{}, Migrations: []migrationJSON{}}
	files, err := m.List(ctx)
	if err != nil {
		return nil, err
	}
	condition, err := m.Condition(ctx)
	if err != nil {
		return nil, err
	}
	s.Version, s.Dirty, s.Begun = uint(condition.Applied), condition.Dirty, condition.Begun
	if condition.Unrecorded() {
		s.Problems = append(s.Problems, (&migrations.UnrecordedError{Schema: m.Schema, Version: s.Begun, Recorded: condition.Applied}).Error())
	}
	if err := m.Verify(ctx, m.folder); err != nil {
		s.Problems = append(s.Problems, problems(err)...)
	}
	inFolder := map[uint]migrations.File{}
	for _, f := range m.folder {
		inFolder[f.Version] = f
	}
	for _, f := range files {
		j := migrationJSON{Version: f.Version, Name: f.Name, Status: "waiting", AppliedBy: f.AppliedBy, Text: "nowhere"}
		if f.Applied() {
			j.Status, j.AppliedAt = "applied", &f.AppliedAt
		}
		_, there := inFolder[f.Version]
		switch {
		case there:
			j.Text = "folder"
		case f.Up != "":
			j.Text = "schema"
		case f.Version == 1:
			j.Text = "program"
		}
		delete(inFolder, f.Version)
		s.Migrations = append(s.Migrations, j)
	}
	for _, f := range m.folder {
		if _, left := inFolder[f.Version]; left {
			s.Migrations = append(s.Migrations, migrationJSON{Version: f.Version, Name: f.Name, Status: "waiting", Text: "folder"})
		}
	}
	for _, j := range s.Migrations {
		if j.Status == "waiting" {
			s.Waiting++
		}
	}
	return s, nil
}

// problems takes joined errors apart.
func problems(err error) (words []string) {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			words = append(words, problems(e)...)
		}
		return words
	}
	return []string{oneLine(err)}
}

func (p *printer) migrations(s *migrationsJSON, flags string) {
	p.line(p.bold("Migrations of "+s.Nickname) + p.dim("  schema "+s.Schema))
	g := &grid{header: []string{">VERSION", "~NAME", "STATUS", "APPLIED", "BY", "TEXT"}}
	for _, m := range s.Migrations {
		status := p.green(m.Status)
		if m.Status == "waiting" {
			status = p.yellow(m.Status)
		}
		g.add(fmt.Sprint(m.Version), printable(m.Name), status, moment(m.AppliedAt), printable(m.AppliedBy), m.Text)
	}
	p.print(g)
	p.line()
	switch {
	case s.Dirty:
		p.line(p.red("✗") + fmt.Sprintf(" Migration %d was interrupted: version %d is what is really applied. ", s.Begun, s.Version))
	case len(s.Problems) > 0:
		p.line(p.red("✗") + " " + plural(len(s.Problems), "problem", "problems"))
	default:
		p.line(p.green("✓") + fmt.Sprintf(" At version %d, %s", s.Version, plural(s.Waiting, "migration waits", "migrations wait")))
	}
	for _, problem := range s.Problems {
		p.line("  " + p.red("✗") + " " + problem)
	}
	if s.Dirty || s.Waiting > 0 && len(s.Problems) == 0 {
		p.heading("Next")
		next := " migrate up"
		if s.Dirty {
			next = " migrate repair"
		}
		p.line("  " + p.cyan(programName()+next+flags))
	}
}

func (a *app) migrateVersion() *cobra.Command {
	var f migrateFlags
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the number of the last migration that is applied",
		Long:    "Print the number of the last migration that is applied, 0 if none is, and \"(dirty)\" behind it if one was interrupted.",
		Example: "  tapline migrate version --source CleverTap_Prod",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withMigrations(c.Context(), &f, mustExist, func(m *migration) error {
				version, dirty, err := m.Version(c.Context())
				if err != nil {
					return err
				}
				if a.json {
					return a.writeJSON(struct {
						admin.Source
						Version uint `json:"version"`
						Dirty   bool `json:"dirty"`
					}{m.Source, version, dirty})
				}
				text := fmt.Sprint(version)
				if dirty {
					text += " (dirty)"
				}
				newPrinter(a.stdout, a.env).line(text)
				return nil
			})
		},
	}
	f.flags(a, c, false)
	return c
}
