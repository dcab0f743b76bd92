package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tapline/tapline/internal/bench"
)

// benchPull measures tapline pull.
func (a *app) benchPull(ctx context.Context, o bench.Options) error {
	if o.Events < 1 || o.Rounds < 1 {
		return usage(errors.New("--events and --rounds must be at least 1"))
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
	r, err := bench.Pull(ctx, o)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(r)
	}
	p := newPrinter(a.stdout, a.env)
	m := bench.Median(r.Runs)
	p.linef("%d events in %d windows, %.0f bytes of JSON each", r.Events, r.Windows, float64(r.JSONBytes)/float64(r.Events))
	p.linef("tapline pull  median %8.0f events/s  %5.2f us client CPU per event  %d MiB at most", m.Rate, m.CPU, m.MaxRSS>>20)
	return nil
}
