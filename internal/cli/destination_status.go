package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/federate"
)

func (a *app) destinationStatus() *cobra.Command {
	c := &cobra.Command{
		Use:   "status [NAME...]",
		Short: "Show what destinations got, what waits, what they did not take, and the last error",
		Long: `Show for each destination, or those named: how many messages have arrived, how many rows its filters left out, how many
wait and since when, what it did not take by reason, how long 95 of 100 of the last requests took at most, and the last
error. The sample is the last message that it did not take, as it was sent: it holds the data of an event.

Reasons: rejected (it answered 400 for this very message), too_large (above 32,000 bytes), invalid (no such call can be
made of the row). A replay (tapline federate --from) sends them again.`,
		Example: `  tapline destination status
  tapline destination status segment --json`,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withDestinations(c.Context(), func(pool *pgxpool.Pool) error {
				return a.statusOfDestinations(c.Context(), pool, args)
			})
		},
	}
	a.databaseFlags(c)
	c.ValidArgsFunction = a.completeDestination()
	return c
}

func (a *app) statusOfDestinations(ctx context.Context, pool *pgxpool.Pool, names []string) error {
	f, err := federate.New(pool, federate.Options{Destinations: names, Logger: a.log})
	if err != nil {
		return err
	}
	all, err := f.Status(ctx)
	if err != nil {
		return err
	}
	if a.json {
		out := []reportJSON{}
		for i := range all {
			out = append(out, newReportJSON(&all[i], time.Now()))
		}
		return a.writeJSON(map[string]any{"destinations": out})
	}
	if len(all) == 0 {
		return a.listDestinations(nil)
	}
	p := newPrinter(a.stdout, a.env)
	for i := range all {
		if i > 0 {
			p.line()
		}
		p.report(&all[i])
	}
	return nil
}

func (p *printer) report(r *federate.Report) {
	d := &r.Destination
	p.line(p.bold(printable(d.Name)) + "  " + p.destinationStatus(d.Status) + p.dim("  "+printable(d.Source)+" to "+printable(d.Endpoint)))
	waits := plural(r.Pending, "row", "rows")
	if r.Pending > 0 {
		waits = p.yellow(waits)
		if !r.PendingSince.IsZero() {
			waits += ", the oldest loaded " + ago(&r.PendingSince)
		}
	}
	fields := [][2]string{{"delivered", number(r.Delivered)}, {"waiting", waits}}
	if r.Filtered > 0 {
		fields = append(fields, [2]string{"filtered", number(r.Filtered)})
	}
	fields = append(fields, [2]string{"not taken", p.undelivered(r.Undelivered)})
	if r.LatencyP95 > 0 {
		fields = append(fields, [2]string{"p95 latency", span(r.LatencyP95)})
	}
	if !r.LastSent.IsZero() {
		fields = append(fields, [2]string{"last sent", moment(&r.LastSent) + " (" + ago(&r.LastSent) + ")"})
	}
	if d.LastError != "" {
		fields = append(fields, [2]string{"last error", p.red(printable(d.LastError)) + p.dim(" ("+ago(&d.LastErrorAt)+")")})
	}
	p.fields(append(fields, p.sample(r.Sample)...))
	if d.Status == federate.Paused {
		p.line("  " + p.dim("It gets nothing until: ") + p.cyan(programName()+" destination resume "+shellWord(d.Name)))
	}
}

func (p *printer) undelivered(undelivered map[string]int64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(undelivered)) {
		parts = append(parts, reason+" "+number(undelivered[reason]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return p.yellow(strings.Join(parts, ", "))
}

// sampleShown is how much of a message is shown, in characters.
const sampleShown = 400

func (p *printer) sample(u *federate.Undelivered) [][2]string {
	if u == nil {
		return nil
	}
	text := fmt.Sprintf("%s, row %s of %s", u.Reason, printable(u.RowID), u.Table)
	if u.Response != "" {
		text += ": " + printable(u.Response)
	}
	return [][2]string{
		{"sample", text + p.dim(" ("+ago(&u.At)+")")},
		{"", p.dim(printable(shorten(string(u.Message), sampleShown)))},
	}
}
