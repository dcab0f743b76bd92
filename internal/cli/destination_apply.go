package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/federate"
)

func (a *app) destinationApply() *cobra.Command {
	c := &cobra.Command{
		Use:   "apply",
		Short: "Make the database's destinations be as tapline.yaml has them",
		Long: `Make the database's destinations be as the configuration file has them: add those that are not there, change those that
differ. tapline federate does that by itself; this is for a role that may do it, where the one that forwards may not.
Destinations that were taken out of the file stay until tapline destination remove.`,
		Example: "  tapline destination apply --config tapline.yaml",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withDestinations(c.Context(), func(pool *pgxpool.Pool) error {
				done, err := a.declareDestinations(c.Context(), pool)
				if err != nil {
					return err
				}
				return a.applied(done)
			})
		},
	}
	a.databaseFlags(c)
	return c
}

// declareDestinations makes the destinations of the configuration file be in the database.
func (a *app) declareDestinations(ctx context.Context, pool *pgxpool.Pool) (federate.Declared, error) {
	var all []federate.Declaration
	for _, name := range a.file.DestinationNames() {
		s, _ := a.file.Destination(name)
		all = append(all, federate.Declaration{FromNow: s.FromNow, Destination: federate.Destination{
			Name: name, Source: s.Source, Endpoint: s.Endpoint, Region: s.Region, KeyFrom: s.KeyFrom,
			Settings: federate.Settings{
				Events: s.Events, NotEvents: s.NotEvents, Since: s.SinceTime, Sample: s.Sample, Properties: s.Properties,
				NotProperties: s.NotProperties, Hashed: s.Hashed, HashKeyFrom: s.HashKeyFrom, Integrations: s.Integrations,
				Rate: s.Rate, AllowHTTP: s.AllowHTTP, AllowPrivate: s.AllowPrivate,
			},
		}})
	}
	done, err := federate.Declare(ctx, pool, all)
	var denied *pgconn.PgError
	if errors.As(err, &denied) && denied.Code == "42501" {
		return done, fmt.Errorf("%s has destinations that the database has not, or has otherwise, and this role may not change that: "+
			"run tapline destination apply as the migrator (%w)", a.file.Path, err)
	}
	return done, err
}

func (a *app) applied(done federate.Declared) error {
	if a.json {
		return a.writeJSON(map[string][]string{"added": list(done.Added), "changed": list(done.Changed), "dropped": list(done.Dropped)})
	}
	p := newPrinter(a.stdout, a.env)
	if len(done.Added)+len(done.Changed) == 0 {
		p.line("Nothing to change: " + plural(len(a.file.Destinations), "destination is", "destinations are") + " as the file has them")
	}
	p.declared(done)
	return nil
}

func (p *printer) declared(done federate.Declared) {
	for _, part := range []struct {
		names []string
		done  string
	}{{done.Added, "Added"}, {done.Changed, "Changed"}} {
		for _, name := range part.names {
			p.line(p.green("✓") + " " + part.done + " destination " + printable(name))
		}
	}
	for _, name := range done.Dropped {
		p.line(p.yellow("!") + " destination " + printable(name) + " is not in the configuration file any more, and stays until " +
			p.cyan(programName()+" destination remove "+shellWord(name)))
	}
}
