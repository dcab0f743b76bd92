package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/registry"
)

func (a *app) destinationCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "destination",
		Short: "Say where the rows of sources are forwarded to, and see how that goes",
		Long: `A destination is a place that the rows of one source are forwarded to: Segment, or any server that speaks its
Tracking API. It has its own filters and its own cursor, so that one that is slow or down holds up no other, and goes on
where it was. tapline federate forwards; tapline.yaml can have destinations too.

Write keys are never kept: a destination only knows where its key is.`,
		Example: `  tapline destination add segment --source CleverTap_Prod --region eu --write-key-env SEGMENT_WRITE_KEY
  tapline destination test segment
  tapline federate --once
  tapline destination status`,
	}, a.destinationAdd(), a.destinationList(), a.destinationShow(), a.destinationTest(), a.destinationPause(), a.destinationResume(),
		a.destinationRemove(), a.destinationStatus(), a.destinationApply())
}

const destinationHint = "see tapline destination list"

// destinationArg is the argument of commands about one destination.
func (a *app) destinationArg(c *cobra.Command) *cobra.Command {
	c.Args = oneArg("NAME", "name the destination: "+destinationHint)
	a.databaseFlags(c)
	c.ValidArgsFunction = a.completeDestination()
	return c
}

// withDestinations connects to a database that has a place for destinations, and does something there. Only an earlier
// release's has none, or one into which nothing was ever loaded.
func (a *app) withDestinations(ctx context.Context, do func(*pgxpool.Pool) error) error {
	pool, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	err = do(pool)
	if federate.NotSetUp(err) {
		if err := registry.Prepare(ctx, pool); err != nil {
			return err
		}
		err = do(pool)
	}
	return destinationError(err)
}

// destinationError marks errors that are the command line's.
func destinationError(err error) error {
	var region *federate.RegionError
	switch {
	case errors.Is(err, federate.ErrNotFound):
		return usage(fmt.Errorf("%w: %s", err, destinationHint))
	case errors.Is(err, federate.ErrExists):
		return usage(fmt.Errorf("%w: give this one another name, or change that one with --update", err))
	case errors.As(err, &region):
		return usage(err)
	}
	return err
}

// namedSource is admin.Find for the source that flags and file name.
func (a *app) namedSource(ctx context.Context, pool *pgxpool.Pool) (admin.Source, error) {
	if _, err := a.cfg.Validate(); err != nil {
		return admin.Source{}, err
	}
	source, err := admin.Find(ctx, pool, a.cfg.Source, a.cfg.Schema)
	return source, a.whichSource(err)
}

// completeDestination offers the names of destinations.
func (a *app) completeDestination() completion {
	return a.completeFrom(func(ctx context.Context, pool *pgxpool.Pool) (names []string, _ error) {
		all, err := federate.List(ctx, pool, "")
		for i := range all {
			names = append(names, all[i].Name+"\t"+all[i].Endpoint)
		}
		return names, err
	})
}

func (a *app) destinationList() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the destinations",
		Example: `  tapline destination list
  tapline destination list --source CleverTap_Prod --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withDestinations(c.Context(), func(pool *pgxpool.Pool) error {
				all, err := a.destinationsOf(c.Context(), pool)
				if err != nil {
					return err
				}
				return a.listDestinations(all)
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	return c
}

// destinationsOf returns the destinations of the source that a flag names, or all.
func (a *app) destinationsOf(ctx context.Context, pool *pgxpool.Pool) ([]federate.Destination, error) {
	source := ""
	if a.named {
		found, err := a.namedSource(ctx, pool)
		if err != nil {
			return nil, err
		}
		source = found.Nickname
	}
	return federate.List(ctx, pool, source)
}

func (a *app) listDestinations(all []federate.Destination) error {
	if a.json {
		out := []destinationJSON{}
		for i := range all {
			out = append(out, newDestinationJSON(&all[i]))
		}
		return a.writeJSON(map[string]any{"destinations": out})
	}
	p := newPrinter(a.stdout, a.env)
	if len(all) == 0 {
		p.line("No destinations. Add one: " + p.cyan(programName()+" destination add NAME --source NICKNAME --write-key-env VAR"+a.sameDatabase()))
		return nil
	}
	g := &grid{header: []string{"~DESTINATION", "SOURCE", "STATUS", "REGION", "~ENDPOINT", "~LAST ERROR"}}
	for i := range all {
		d := &all[i]
		g.add(printable(d.Name), printable(d.Source), p.destinationStatus(d.Status), d.Region, printable(d.Endpoint), printable(d.LastError))
	}
	p.print(g)
	return nil
}

func (p *printer) destinationStatus(status string) string {
	switch status {
	case federate.Active:
		return p.green(status)
	case federate.Paused:
		return p.red(status)
	}
	return p.yellow(status)
}

func (a *app) destinationShow() *cobra.Command {
	return a.destinationArg(&cobra.Command{
		Use:   "show NAME",
		Short: "Show a destination with its filters",
		Example: `  tapline destination show segment
  tapline destination show segment --json`,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withDestinations(c.Context(), func(pool *pgxpool.Pool) error {
				d, err := federate.Get(c.Context(), pool, args[0])
				if err != nil {
					return err
				}
				return a.showDestination(d)
			})
		},
	})
}

func (a *app) showDestination(d *federate.Destination) error {
	if a.json {
		return a.writeJSON(newDestinationJSON(d))
	}
	p := newPrinter(a.stdout, a.env)
	p.line(p.bold(printable(d.Name)))
	p.fields(append([][2]string{
		{"status", p.destinationStatus(d.Status)},
		{"source", printable(d.Source)},
		{"endpoint", printable(d.Endpoint)},
		{"region", d.Region},
		{"write key", "from " + printable(d.KeyFrom)},
	}, settingsOf(&d.Settings)...))
	if d.LastError != "" {
		p.fields([][2]string{{"last error", p.red(printable(d.LastError)) + p.dim(" ("+ago(&d.LastErrorAt)+")")}})
	}
	return nil
}
