package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/dictionary"
)

// schemaExport are the flags of tapline schema export.
type schemaExport struct {
	format, out     string
	warn, errorSpan time.Duration
}

func (a *app) schemaExportCommand() *cobra.Command {
	var x schemaExport
	c := &cobra.Command{
		Use:   "export --format FORMAT",
		Short: "Describe the tables to dbt, JSON Schema, Segment's tracking plan, or people",
		Long: `Describe the tables of a source to other tools:

  dbt                 sources.yml (dbt 1.10 or newer): descriptions, types, freshness on received_at, tests of the key
  json-schema         one JSON Schema (draft 2020-12) for each event, in the shape of Segment's Protocols
  tracking-plan-csv   a file that a tracking plan of Segment's Protocols is uploaded from
  markdown            a data dictionary with example queries

Without --out, or with -, it goes to the standard output; JSON Schemas then as one document, by table. In sources.yml
freshness is asked of the tables that have rows.`,
		Example: `  tapline schema export --source CleverTap_Prod --format dbt --out models/clevertap_prod
  tapline schema export --source CleverTap_Prod --format markdown > dictionary.md
  tapline schema export --source CleverTap_Prod --format json-schema --out schemas`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := x.check(); err != nil {
				return err
			}
			return a.withSchema(c.Context(), func(pool *pgxpool.Pool, s *dictionary.Schema) error {
				return a.schemaExport(c.Context(), pool, s, x)
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().StringVar(&x.format, "format", "", "`FORMAT`: dbt, json-schema, tracking-plan-csv or markdown")
	c.Flags().StringVar(&x.out, "out", "-", "`FOLDER` to write to; it is made if need be")
	c.Flags().DurationVar(&x.warn, "warn-after", 24*time.Hour, "dbt: `AGE` of the newest row at which freshness warns")
	c.Flags().DurationVar(&x.errorSpan, "error-after", 48*time.Hour, "dbt: `AGE` of the newest row at which freshness fails")
	complete(c, "format", dictionary.Formats())
	must(c.MarkFlagDirname("out"))
	return c
}

func (x *schemaExport) check() error {
	switch {
	case !slices.Contains(dictionary.Formats(), x.format):
		problem := "unknown format"
		if x.format == "" {
			problem = "not given"
		}
		return &config.Error{Setting: "--format", Value: x.format, Problem: problem, Hint: "use " + config.AnyOf(dictionary.Formats(), "")}
	case x.warn < time.Minute || x.errorSpan < x.warn:
		return &config.Error{
			Setting: "--warn-after and --error-after", Value: x.warn.String() + " and " + x.errorSpan.String(),
			Problem: "out of order", Hint: "use a minute or more, and no less for the error",
		}
	}
	return nil
}

type schemaExportJSON struct {
	Schema string   `json:"schema"`
	Format string   `json:"format"`
	Files  []string `json:"files"`
}

func (a *app) schemaExport(ctx context.Context, pool *pgxpool.Pool, s *dictionary.Schema, x schemaExport) error {
	if len(s.Tables) == 0 {
		return usage(fmt.Errorf("schema %s has no tables of events: load something into it first", s.Name))
	}
	if err := dictionary.Measure(ctx, pool, s, false); err != nil {
		return err
	}
	files, err := dictionary.Export(s, x.format, dictionary.Freshness{Warn: x.warn, Error: x.errorSpan})
	if err != nil {
		return err
	}
	if x.out == "-" {
		a.answered = true
		_, err := a.stdout.Write(dictionary.Bundle(files, x.format))
		return err
	}
	out := schemaExportJSON{Schema: s.Name, Format: x.format, Files: []string{}}
	if err := os.MkdirAll(x.out, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(x.out, f.Name)
		if err := replaceFile(path, f.Content); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		out.Files = append(out.Files, path)
	}
	if a.json {
		return a.writeJSON(out)
	}
	p := newPrinter(a.stdout, a.env)
	p.line("Wrote " + plural(len(files), "file", "files") + " to " + x.out + ".")
	return nil
}

// replaceFile writes a file so that nobody ever sees half of it.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tapline-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone by then, if all went well
	if _, err := f.Write(content); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
