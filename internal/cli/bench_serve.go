package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/bench"
)

// benchServeFlags adds the flags of bench --serve.
func benchServeFlags(c *cobra.Command, o *bench.Serving) {
	flags := c.Flags()
	flags.IntVar(&o.Rate, "rate", 50_000, "--serve: events (`N`) sent a second, of 600 bytes, whatever became of those before")
	flags.IntVar(&o.PerRequest, "per-request", 100, "--serve: events (`N`) in a request")
	flags.IntVar(&o.Connections, "connections", 256, "--serve: requests (`N`) that can be at work at once; those beyond are sent late, and counted")
	flags.DurationVar(&o.Duration, "for", 30*time.Second, "--serve: how long (`TIME`) to send")
}

// benchFireCommand is the load generator of bench --serve.
func (a *app) benchFireCommand() *cobra.Command {
	var f bench.Firing
	c := &cobra.Command{
		Use: "fire", Short: "Be the load generator of bench --serve", Hidden: true, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.Key = a.env(bench.FireKey)
			fired, err := bench.Fire(cmd.Context(), f)
			if err != nil {
				return err
			}
			return a.writeJSON(fired)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.Address, "address", "", "`ADDRESS` to send to")
	flags.StringVar(&f.Taken, "taken", "", "`FILE` that gets the requests that were taken")
	flags.IntVar(&f.Rate, "rate", 50_000, "events (`N`) a second")
	flags.IntVar(&f.PerRequest, "per-request", 100, "events (`N`) in a request")
	flags.IntVar(&f.Connections, "connections", 256, "connections (`N`)")
	flags.DurationVar(&f.Duration, "for", 30*time.Second, "how long (`TIME`) to send")
	return c
}

func (a *app) benchServe(ctx context.Context, o bench.Serving, overload bool) error {
	if o.Rate < 1 || o.PerRequest < 1 || o.Connections < 1 || o.PerRequest > 800 || o.Duration <= 0 {
		return usage(errors.New("--rate, --per-request, --connections and --for must be at least 1, --per-request at most 800"))
	}
	if overload {
		o.Rate *= 10
	}
	server, err := a.server(ctx, true)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o.DSN, o.Log, o.Tapline = server.DSN, a.stderr, []string{self}
	r, err := bench.Serve(ctx, o, []string{self, "bench", "fire", "--json"})
	if err != nil {
		return err
	}
	if a.json {
		err = a.writeJSON(r)
	} else {
		a.benchServeSummary(r)
	}
	if err == nil && r.Lost > 0 {
		return &exitError{code: exitFound, err: fmt.Errorf("%d requests that were answered 200 are not in the table", r.Lost)}
	}
	return err
}

func (a *app) benchServeSummary(r *bench.Served) {
	p := newPrinter(a.stdout, a.env)
	var answers []string
	for _, status := range slices.SortedFunc(maps.Keys(r.Answers), cmp.Compare[string]) {
		answers = append(answers, status+": "+number(r.Answers[status]))
	}
	p.linef("%s events/s acknowledged durably, %s of %s sent, for %.1f s", number(int64(r.Acknowledged)), number(r.Taken), number(r.Sent), r.Seconds)
	p.linef("answers %s; %s of %s requests sent late", strings.Join(answers, ", "), number(r.Late), number(r.Requests))
	p.linef("from due to answered: p50 %.1f ms, p99 %.1f ms, at most %.1f ms", r.P50, r.P99, r.Max)
	p.linef("from sent to visible in the table: p50 %.2f s, at most %.2f s; all loaded %.1f s after the last request", r.FreshP50, r.FreshMax, r.Drained)
	p.linef("the disk: %s fsyncs/s of 4 KiB, %s of 256 KiB", number(int64(r.Fsyncs)), number(int64(r.Fsyncs256K)))
	p.linef("tapline serve: %.1f s CPU, %d MiB at most; the generator: %.1f s CPU", r.CPU, r.MaxRSS>>20, r.Fired.CPU)
	p.linef("%s requests that were answered 200 are missing", number(r.Lost))
}
