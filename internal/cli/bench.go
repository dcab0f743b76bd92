package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/bench"
	"github.com/tapline/tapline/internal/localpg"
)

func (a *app) benchCommand() *cobra.Command {
	var o bench.Options
	var memory, forward, pulls, door, overload bool
	var served bench.Serving
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure loading against psql's \\copy of the very same rows",
		Long: `bench makes events of all 19 types, loads them, and exports the loaded rows in COPY's binary format, in heap order
and ordered by id. Then psql's \copy of these files and tapline load of the events take turns, each a process of
its own, timed from its start to its last COMMIT, into identical empty tables with the same keys.

The ratio against psql's faster order is what counts: absolute times depend on the machine and on what else it
does. The schemas bench_tapline and bench_psql of the database are dropped at the beginning and at the end.

With --memory it loads files that ask for much memory instead (a line of 64 MiB, a gigabyte without a newline, 10
million lines in one gzip, 10 million CleverTap records, 500 new tables of 100 and of 500 columns) and prints the
largest resident size of each load. That takes some minutes and 6 GB of disk.

With --federate it forwards stored rows of 20 properties, in 500 loads, to a destination in a process of its own that
parses every message and keeps one of each id, and prints events a second, the largest resident size of the process that
forwards, and how many rows Postgres looked at for each that was sent. Its schema is bench_federate.

With --serve it starts tapline serve on a new stream, sends events of 600 bytes to it from another process, at a rate that
does not wait for the answers, while Postgres loads them, and prints how many a second were answered 200, how long that
took from the moment each was due, how long until they were visible, and how often this disk can sync. Everything that was
answered 200 is then looked for in the table. --overload sends ten times the rate. Its schema is bench_serve.

With --pull it pulls the events, by default 300,000, from a server like CleverTap's that has all its answers ready.

` + databaseHelp,
		Example: `  tapline bench
  tapline bench --memory
  tapline bench --pull --rounds 3
  tapline bench --federate
  tapline bench --serve --rate 50000 --for 30s
  tapline bench --events 100000 --rounds 3`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if forward {
				return a.benchFederate(cmd.Context(), o)
			}
			if door {
				served.Dir = o.Dir
				return a.benchServe(cmd.Context(), served, overload)
			}
			if pulls {
				if !cmd.Flags().Changed("events") {
					o.Events = 300_000
				}
				return a.benchPull(cmd.Context(), o)
			}
			return a.bench(cmd.Context(), o, memory)
		},
	}
	a.databaseFlags(c)
	c.Flags().Int64Var(&o.Events, "events", 1_000_000, "events to load")
	c.Flags().IntVar(&o.Files, "files", 4, "files that the events are in")
	c.Flags().BoolVar(&memory, "memory", false, "measure memory, not speed")
	c.Flags().BoolVar(&forward, "federate", false, "measure forwarding, not loading")
	c.Flags().BoolVar(&pulls, "pull", false, "measure pulling, not loading")
	c.Flags().BoolVar(&door, "serve", false, "measure receiving and loading events, not loading files")
	c.Flags().BoolVar(&overload, "overload", false, "--serve: send ten times the rate; what is answered 200 must be there all the same")
	benchServeFlags(c, &served)
	c.MarkFlagsMutuallyExclusive("memory", "federate", "pull", "serve")
	c.AddCommand(a.benchSinkCommand(), a.benchFireCommand())
	c.Flags().IntVar(&o.Rounds, "rounds", 5, "how often each side runs")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of the events")
	c.Flags().StringVar(&o.Dir, "temp-dir", "", "`FOLDER` for the event file and the exported rows, 3 KB an event (default the system's)")
	must(c.MarkFlagDirname("temp-dir"))
	return c
}

func (a *app) bench(ctx context.Context, o bench.Options, memory bool) error {
	if o.Events < 1 || o.Rounds < 1 || o.Files < 1 {
		return usage(errors.New("--events, --files and --rounds must be at least 1"))
	}
	server, err := a.server(ctx, true)
	if err != nil {
		return err
	}
	o.DSN, o.Log, o.Psql = server.DSN, a.stderr, "psql"
	if bin, err := localpg.Find(); err == nil && bin.Psql != "" {
		o.Psql = bin.Psql
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o.Tapline = []string{self}
	if memory {
		return a.benchMemory(ctx, o)
	}
	r, err := bench.Measure(ctx, o)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(r)
	}
	a.benchSummary(r)
	return nil
}

func (a *app) benchSummary(r *bench.Result) {
	p := newPrinter(a.stdout, a.env)
	p.linef("%d events in %d files, %.0f bytes of JSON and %.1f filled columns each", r.Events, r.Files,
		float64(r.JSONBytes)/float64(r.Events), r.Columns)
	for _, side := range []struct {
		name string
		runs []bench.Run
	}{{"tapline load", r.Tapline}, {"psql, heap order", r.PsqlHeap}, {"psql, order by id", r.PsqlByID}} {
		m := bench.Median(side.runs)
		p.linef("%-18s median %8.0f rows/s  %5.2f us client CPU per event", side.name, m.Rate, m.CPU)
	}
	p.linef("%.2f of psql's rate in its faster order; %.1f allocations per 10,000 events; %d MiB at most",
		r.Ratio, r.Allocations, bench.Median(r.Tapline).MaxRSS>>20)
}

func (a *app) benchMemory(ctx context.Context, o bench.Options) error {
	bombs, err := bench.Memory(ctx, o, 1)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(bombs)
	}
	var most int64
	for i := range bombs {
		most = max(most, bombs[i].MaxRSS)
	}
	newPrinter(a.stdout, a.env).linef("%d MiB at most", most>>20)
	return nil
}
