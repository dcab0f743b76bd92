package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/schema"
)

func (a *app) quarantineCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "quarantine",
		Short: "Look at the records that could not be loaded, and bring them in",
		Long: `Records that cannot become a row of an event table wait in quarantine as they were sent, with the reason and the
place they were read from. Once what kept them out is cured, replay brings them in.`,
		Example: `  tapline quarantine list --source CleverTap_Prod
  tapline quarantine show 3f2a9c
  tapline quarantine replay --source CleverTap_Prod --dry-run`,
	}
	return group(c, a.quarantineList(), a.quarantineShow(), a.quarantineReplay())
}

type quarantineJSON struct {
	admin.Source
	Reasons []admin.Reason `json:"reasons"`
	Records []admin.Record `json:"records"`
}

// firstBytes is how much of a record list shows; of what is not printable each byte takes four characters.
const firstBytes = 64

func (a *app) quarantineList() *cobra.Command {
	var reason string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "Count the records by reason and show the newest",
		Example: `  tapline quarantine list --source CleverTap_Prod
  tapline quarantine list --reason invalid_json --limit 5`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := atLeastOne("--limit", limit); err != nil {
				return err
			}
			return a.withSource(c.Context(), func(pool *pgxpool.Pool, s admin.Source) error {
				return a.listQuarantine(c.Context(), pool, s, schema.Reason(reason), limit)
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().StringVar(&reason, "reason", "", "only records of this `REASON`, such as invalid_json")
	c.Flags().IntVar(&limit, "limit", 20, "show the newest `N` records")
	must(c.RegisterFlagCompletionFunc("reason", a.completeReason()))
	return c
}

func (a *app) listQuarantine(ctx context.Context, pool *pgxpool.Pool, s admin.Source, reason schema.Reason, limit int) error {
	reasons, err := admin.QuarantineReasons(ctx, pool, s.Schema)
	if err != nil {
		return err
	}
	records, err := admin.Quarantine(ctx, pool, s.Schema, reason, limit, firstBytes)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(quarantineJSON{s, list(reasons), list(records)})
	}
	p := newPrinter(a.stdout, a.env)
	if len(reasons) == 0 {
		p.line(p.green("✓") + " Nothing is in quarantine in " + s.Nickname + ".")
		return nil
	}
	p.line(p.bold("Quarantine of " + s.Nickname))
	g := &grid{header: []string{"REASON", ">RECORDS", ">REPLAYED", ">WAITING", "NEWEST"}}
	for _, r := range reasons {
		g.add(string(r.Reason), number(r.Count), some(r.Replayed), some(r.Count-r.Replayed), moment(r.Last))
	}
	p.print(g)
	p.line()
	g = &grid{header: []string{"ID", "REASON", "STATE", "~WHERE", "<DETAIL", "<BEGINS"}}
	for _, r := range records {
		g.add(shorten(r.ID, 13), string(r.Reason), p.state(&r), place(&r), printable(r.Detail), shorten(printable(string(r.Raw)), firstBytes))
	}
	if len(records) > 0 {
		p.print(g)
		if all := countOf(reasons, reason); int64(len(records)) < all {
			p.line("  " + p.dim(fmt.Sprintf("the newest %s of %s; --limit and --reason show others", number(len(records)), number(all))))
		}
	} else {
		p.linef("  no records of reason %q", printable(string(reason)))
	}
	if len(records) > 0 {
		p.heading("Next")
		p.line("  " + p.cyan(programName()+" quarantine show "+idStart(records[0].ID)+" --source "+shellWord(s.Nickname)+a.sameDatabase()))
	}
	return nil
}

// countOf is how many records have a reason; without one, how many there are.
func countOf(reasons []admin.Reason, reason schema.Reason) (n int64) {
	for _, r := range reasons {
		if reason == "" || r.Reason == reason {
			n += r.Count
		}
	}
	return n
}

// idStart is as much of an id as people type.
func idStart(id string) string { return id[:min(len(id), 12)] }

// place is unit:line, the folder left out.
func place(r *admin.Record) string {
	unit := r.Unit[strings.LastIndexByte(r.Unit, '/')+1:]
	return fmt.Sprintf("%s:%d", printable(unit), r.Line)
}

// state says whether a record waits.
func (p *printer) state(r *admin.Record) string {
	if r.ReplayedAt != nil {
		return p.green("replayed")
	}
	return "waiting"
}

func (a *app) quarantineShow() *cobra.Command {
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one record with everything that is known about it",
		Long:    "Show one record with everything that is known about it. The beginning of an id is enough.",
		Example: "  tapline quarantine show 3f2a9c --source CleverTap_Prod",
		Args:    oneArg("ID", "give the beginning of an id that tapline quarantine list shows"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSource(c.Context(), func(pool *pgxpool.Pool, s admin.Source) error {
				r, err := admin.QuarantineRecord(c.Context(), pool, s.Schema, strings.TrimSuffix(args[0], "…"))
				if err != nil {
					return notFound(err, "record", args[0], "see tapline quarantine list")
				}
				if a.json {
					return a.writeJSON(&r)
				}
				newPrinter(a.stdout, a.env).record(&r)
				return nil
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	return c
}

func (p *printer) record(r *admin.Record) {
	p.line(p.bold(string(r.Reason)) + "  " + printable(r.Detail))
	replayed := "no"
	if r.ReplayedAt != nil {
		replayed = moment(r.ReplayedAt)
		if r.ReplayLoad != nil {
			replayed += " by load " + r.ReplayLoad.String()
		}
	}
	p.fields([][2]string{
		{"id", r.ID},
		{"read from", fmt.Sprintf("%s, line %d, byte %d", printable(r.Unit), r.Line, r.Offset)},
		{"size", size(r.RawSize)},
		{"source", printable(r.Source)},
		{"load", r.Load.String()},
		{"received", moment(r.ReceivedAt)},
		{"stored", moment(r.LoadedAt)},
		{"replayed", replayed},
	})
	p.heading("Record")
	p.line(printable(string(r.Raw)))
	if int64(len(r.Raw)) < r.RawSize {
		p.line(p.dim(fmt.Sprintf("(the first %s of %s)", size(int64(len(r.Raw))), size(r.RawSize))))
	}
}

// fields prints names and values, one a line.
func (p *printer) fields(rows [][2]string) {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	for _, r := range rows {
		p.line("  " + p.dim(fmt.Sprintf("%-*s", width, r[0])) + "  " + r[1])
	}
}
