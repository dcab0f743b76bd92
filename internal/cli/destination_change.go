package cli

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/federate"
)

func (a *app) destinationPause() *cobra.Command {
	return a.destinationArg(&cobra.Command{
		Use:   "pause NAME",
		Short: "Stop sending to a destination; what is loaded meanwhile waits",
		Long: `Stop sending to a destination, within a few seconds and in whatever process it happens. What is loaded meanwhile waits,
however long that is; tapline prune keeps it.`,
		Example: "  tapline destination pause segment",
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeDestination(c.Context(), args[0], "Paused", federate.Pause)
		},
	})
}

func (a *app) destinationResume() *cobra.Command {
	return a.destinationArg(&cobra.Command{
		Use:   "resume NAME",
		Short: "Go on sending to a destination, from where it stopped",
		Long: `Go on sending to a destination, from where it stopped. A destination pauses by itself when it refuses everything, such as
after a wrong write key; its status says why.`,
		Example: "  tapline destination resume segment",
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeDestination(c.Context(), args[0], "Resumed", federate.Resume)
		},
	})
}

// changeDestination does something with a destination and tells how it is then.
func (a *app) changeDestination(ctx context.Context, name, done string, change func(context.Context, federate.DB, string) error) error {
	return a.withDestinations(ctx, func(pool *pgxpool.Pool) error {
		if err := change(ctx, pool, name); err != nil {
			return err
		}
		d, err := federate.Get(ctx, pool, name)
		if err != nil {
			return err
		}
		if a.json {
			return a.writeJSON(newDestinationJSON(d))
		}
		p := newPrinter(a.stdout, a.env)
		p.line(p.green("✓") + " " + p.bold(done+" destination "+printable(name)))
		return nil
	})
}

func (a *app) destinationRemove() *cobra.Command {
	return a.destinationArg(&cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a destination, its cursor and what it did not take",
		Long: `Remove a destination, its cursor and what it did not take. What it got stays there. Added again, it begins with the first
load again, or with --from-now. One that tapline.yaml has comes back: take it out there first.`,
		Example: "  tapline destination remove segment",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withDestinations(c.Context(), func(pool *pgxpool.Pool) error {
				return a.removeDestination(c.Context(), pool, args[0])
			})
		},
	})
}

func (a *app) removeDestination(ctx context.Context, pool *pgxpool.Pool, name string) error {
	d, err := federate.Get(ctx, pool, name)
	if err != nil {
		return err
	}
	if err := federate.Remove(ctx, pool, name); err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(map[string]any{"removed": newDestinationJSON(d)})
	}
	p := newPrinter(a.stdout, a.env)
	p.line(p.green("✓") + " " + p.bold("Removed destination "+printable(name)))
	return nil
}

// testJSON is what a destination answered to a test.
type testJSON struct {
	Destination string  `json:"destination"`
	OK          bool    `json:"ok"`
	Status      int     `json:"status"` // of HTTP; 0 if there was no answer
	Answer      string  `json:"answer"`
	Took        float64 `json:"took_ms"`
	Problem     string  `json:"problem,omitempty"`
}

func (a *app) destinationTest() *cobra.Command {
	return a.destinationArg(&cobra.Command{
		Use:   "test NAME",
		Short: "Send one event to a destination and show the answer",
		Long: `Send one track event, "Tapline Destination Tested" of the user tapline-test, once and without retries, and show the
answer. It works for paused destinations, too, and moves nothing. Segment answers 200 whatever the write key is: look for
the event in its debugger. The exit code is 2 if the event was not taken.`,
		Example: "  tapline destination test segment",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withDestinations(c.Context(), func(pool *pgxpool.Pool) error {
				return a.testDestination(c.Context(), pool, args[0])
			})
		},
	})
}

func (a *app) testDestination(ctx context.Context, pool *pgxpool.Pool, name string) error {
	f, err := federate.New(pool, federate.Options{Key: federate.KeyReader(a.env), Logger: a.log})
	if err != nil {
		return err
	}
	r, err := f.Test(ctx, name)
	if err != nil {
		return err
	}
	if a.json {
		out := testJSON{name, r.OK, r.Status, r.Body, float64(r.Took.Microseconds()) / 1000, r.Message}
		if err := a.writeJSON(out); err != nil {
			return err
		}
	} else {
		a.printTest(name, &r)
	}
	if !r.OK {
		return &exitError{code: exitFound}
	}
	return nil
}

func (a *app) printTest(name string, r *federate.TestResult) {
	p := newPrinter(a.stdout, a.env)
	if r.OK {
		p.line(p.green("✓") + " " + p.bold(printable(name)+" took the event") + p.dim(fmt.Sprintf("  %s, in %s", printable(r.Body), span(r.Took))))
		return
	}
	p.line(p.red("✗") + " " + p.bold(printable(name)+" did not take the event") + ": " + printable(r.Message))
}
