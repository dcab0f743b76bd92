package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/bench"
	"github.com/tapline/tapline/internal/federate/sink"
)

// benchSinkCommand is the destination of bench --federate.
func (a *app) benchSinkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sink", Short: "Be the destination of bench --federate, until the standard input ends", Hidden: true, Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return (&sink.Sink{Forget: true}).Serve(a.stdin, a.stdout) },
	}
}

func (a *app) benchFederate(ctx context.Context, o bench.Options) error {
	if o.Events < 1 {
		return usage(errors.New("--events must be at least 1"))
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
	r, err := bench.Federate(ctx, o, []string{self, "bench", "sink"})
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(r)
	}
	newPrinter(a.stdout, a.env).linef("%s rows of %d properties in %d loads: %s events/s, %.2f us CPU of the forwarding process an event, "+
		"%d MiB of memory at most, %.2f rows looked at for each that was sent",
		number(r.Rows), r.Columns, r.Loads, number(int64(r.Rate)), r.CPU, r.MaxRSS>>20, r.Looked)
	return nil
}
