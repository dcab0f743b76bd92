package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/federate"
)

// federateMemory keeps the garbage collector's heap in bounds, so that the process stays below 150 MiB of memory.
const federateMemory = 110 << 20

// federateFlags are those of federate.
type federateFlags struct {
	once, quiet bool
	from, to    string
	giveUp      time.Duration
}

func (a *app) federateCommand() *cobra.Command {
	var f federateFlags
	c := &cobra.Command{
		Use:   "federate [DESTINATION...]",
		Short: "Forward loaded rows to destinations, at least once and with the same message ids",
		Long: `Forward loaded rows to all destinations, or those named: load by load, in the order in which the loads were committed. It
goes on until it is stopped; with --once it ends when everything that was loaded is sent. What a destination has got is
noted after each piece, so that it can be stopped, or killed, at any time: the next run goes on from there, and what is
sent twice has the same messageId, by which Segment drops the second one. Each destination is on its own.

A destination that answers 429 or 5xx, or not at all, gets its events later; one that answers 401 or 403 is paused, and
says so in tapline destination status. A message that it answers 400 for is found and set aside, the others arrive.

With --from and --to it sends the rows of a time range again, with the ids that they had, wherever the destination is; that
is of all loads that tapline prune has left. The destinations of tapline.yaml are added or changed before.

` + databaseHelp + `

` + exitHelp,
		Example: `  tapline federate --once                                     # in a scheduled job
  tapline federate segment --from 2026-01-01 --to 2026-02-01  # January once more
  tapline federate                                            # until Ctrl-C`,
		RunE: func(c *cobra.Command, args []string) error { return a.federate(c.Context(), args, &f) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	flags := c.Flags()
	flags.BoolVar(&f.once, "once", false, "end when everything that is loaded is sent")
	flags.StringVar(&f.from, "from", "", "replay: send again what happened at this `TIME` or later, such as 2026-01-31 or 7d")
	flags.StringVar(&f.to, "to", "", "replay: send again what happened before this `TIME`")
	flags.DurationVar(&f.giveUp, "give-up", 5*time.Minute, "how long (`TIME`) a destination may be down before --once or a replay fails")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress, and no summary if all went well")
	c.ValidArgsFunction = a.completeDestination()
	return c
}

// options makes the options of the flags.
func (f *federateFlags) options(a *app) (federate.Options, error) {
	o := federate.Options{Once: f.once, GiveUp: f.giveUp, Key: federate.KeyReader(a.env), Logger: a.log}
	var err error
	now := time.Now()
	if o.From, err = instant("--from", f.from, now); err != nil {
		return o, err
	}
	if o.To, err = instant("--to", f.to, now); err != nil {
		return o, err
	}
	if !o.To.IsZero() && !o.From.Before(o.To) {
		return o, &config.Error{Setting: "--to", Value: f.to, Problem: "not after --from", Hint: "give a later end"}
	}
	if f.giveUp <= 0 {
		return o, &config.Error{Setting: "--give-up", Value: f.giveUp.String(), Problem: "no length of time", Hint: "use one such as 5m"}
	}
	return o, nil
}

func (a *app) federate(ctx context.Context, names []string, f *federateFlags) error {
	o, err := f.options(a)
	if err != nil {
		return err
	}
	a.limitMemory(federateMemory)
	a.quiet = f.quiet
	return a.withDestinations(ctx, func(pool *pgxpool.Pool) error {
		done, err := a.declareDestinations(ctx, pool)
		if err != nil {
			return err
		}
		if !f.quiet && !a.json {
			newPrinter(a.stderr, a.env).declared(done)
		}
		if o.Destinations, err = a.toForward(ctx, pool, names, &o); err != nil || o.Destinations == nil {
			return err
		}
		if len(names) == 0 && !a.named && !ends(&o) {
			o.Destinations = nil // new ones too
		}
		return a.forward(ctx, pool, o, f)
	})
}

// ends reports whether forwarding ends by itself.
func ends(o *federate.Options) bool { return o.Once || !o.From.IsZero() || !o.To.IsZero() }

// toForward returns the destinations that a command is about. Those that a person has paused are left out, unless they are
// named; nil means that nothing is left.
func (a *app) toForward(ctx context.Context, pool *pgxpool.Pool, names []string, o *federate.Options) ([]string, error) {
	for _, name := range names {
		if _, err := federate.Get(ctx, pool, name); err != nil {
			return nil, err
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	all, err := a.destinationsOf(ctx, pool)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &config.Error{
			Setting: "federate", Problem: "there are no destinations",
			Hint: "add one with " + programName() + " destination add, or in " + config.DefaultFile,
		}
	}
	p, out := newPrinter(a.stderr, a.env), []string(nil)
	for i := range all {
		d := &all[i]
		if d.Status != federate.Paused || d.LastError != "" || !ends(o) {
			out = append(out, d.Name)
		} else if !a.quiet && !a.json {
			p.line(p.yellow("!") + " destination " + printable(d.Name) + " is paused: " + p.cyan(programName()+" destination resume "+shellWord(d.Name)))
		}
	}
	if out == nil && a.json {
		return nil, a.writeJSON(forwardedJSON{Destinations: []forwardedOne{}})
	}
	return out, nil
}

// forward runs the forwarding and tells what came of it.
func (a *app) forward(ctx context.Context, pool *pgxpool.Pool, o federate.Options, f *federateFlags) error {
	w := newForwarding(o.Destinations)
	o.Progress = w.note
	fed, err := federate.New(pool, o)
	if err != nil {
		return usage(err)
	}
	stop := a.watchForwarding(ctx, w, f.quiet)
	err = fed.Run(ctx)
	stop()
	switch {
	case federate.NotSetUp(err):
		return err
	case err == nil && ctx.Err() != nil && ends(&o):
		err = interruptedForwarding(w, &o)
	}
	return a.forwarded(w, &o, err)
}

func interruptedForwarding(w *forwarding, o *federate.Options) error {
	next := "run the same command again to go on from there"
	if !o.From.IsZero() || !o.To.IsZero() {
		next = "a replay begins anew"
	}
	return fmt.Errorf("interrupted: %s arrived; %s", plural(w.sent(), "event has", "events have"), next)
}

// errorsOf returns what errors.Join has joined.
func errorsOf(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		return joined.Unwrap()
	}
	return []error{err}
}
