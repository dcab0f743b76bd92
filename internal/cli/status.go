package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/registry"
)

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Show sources, tables, the last load, quarantine and discards",
		Example: `  tapline status
  tapline status --source CleverTap_Prod --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.status(c.Context()) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	return c
}

type statusJSON struct {
	Sources []*sourceStatus `json:"sources"`
}

// sourceStatus is how a source is, and what keeps from being loaded what it has sent over HTTP.
type sourceStatus struct {
	*admin.Status
	Paused *registry.Pause `json:"paused"`
}

// status shows the source that is named, or all.
func (a *app) status(ctx context.Context) error {
	if a.named {
		return a.withNamed(ctx, func(pool *pgxpool.Pool, s admin.Source) error {
			return a.statusOf(ctx, pool, []admin.Source{s})
		})
	}
	pool, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	sources, err := admin.Sources(ctx, pool)
	if err != nil {
		return err
	}
	return a.statusOf(ctx, pool, sources)
}

func (a *app) statusOf(ctx context.Context, pool *pgxpool.Pool, sources []admin.Source) error {
	out := statusJSON{Sources: []*sourceStatus{}}
	pauses, err := registry.Pauses(ctx, pool)
	if err != nil {
		return err
	}
	for _, s := range sources {
		st, err := admin.StatusOf(ctx, pool, s)
		if err != nil {
			return fmt.Errorf("look at source %s: %w", s.Nickname, err)
		}
		st.Tables, st.Quarantine, st.Discards = list(st.Tables), list(st.Quarantine), list(st.Discards)
		one := &sourceStatus{Status: st}
		if pause, ok := pauses[s.Nickname]; ok {
			one.Paused = &pause
		}
		out.Sources = append(out.Sources, one)
	}
	if a.json {
		return a.writeJSON(out)
	}
	p := newPrinter(a.stdout, a.env)
	if len(out.Sources) == 0 {
		p.line("This database has no source yet. Load something: " + p.cyan("tapline load PATH --source NICKNAME"))
	}
	for i, st := range out.Sources {
		if i > 0 {
			p.line()
		}
		p.source(st)
	}
	return nil
}

func (p *printer) source(st *sourceStatus) {
	rows, exact := st.Rows()
	p.line(p.bold(st.Nickname) + p.dim("  schema "+st.Schema))
	fields := [][2]string{
		{"events", about(rows, exact)},
		{"loads", fmt.Sprintf("%s finished, %s failed, %s undone", number(st.Loads["finished"]), number(st.Loads["failed"]), number(st.Loads["undone"]))},
		{"files", number(st.Units)},
	}
	if l := st.Last; l != nil {
		fields = append(fields, [2]string{"last load", fmt.Sprintf("%s (%s), %s, %s: %s", moment(l.Finished), ago(l.Finished),
			p.status(l.Status), plural(l.Rows, "row", "rows"), printable(l.Unit))})
	}
	if st.Paused != nil {
		fields = append(fields, [2]string{"paused", p.red("what arrives over HTTP waits") + " since " + moment(&st.Paused.Since) + ": " + printable(st.Paused.Reason)})
	}
	fields = append(fields, [2]string{"quarantine", p.sum(st.Quarantine)}, [2]string{"discards", p.sum(st.Discards)})
	p.fields(fields)
	if len(st.Tables) > 0 {
		p.line()
		g := &grid{header: []string{"~TABLE", ">ROWS", ">COLUMNS", ">SIZE"}}
		for _, t := range st.Tables {
			g.add(t.Name, about(t.Rows, t.Exact), number(t.Columns), size(t.Bytes))
		}
		p.print(g)
	}
	if st.Empty > 0 {
		p.line("  " + p.dim(plural(st.Empty, "table is", "tables are")+" empty"))
	}
}

// sum writes in one line how much waits, by reason.
func (p *printer) sum(reasons []admin.Reason) string {
	text := ""
	for _, r := range reasons {
		if r.Count == r.Replayed {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += string(r.Reason) + " " + number(r.Count-r.Replayed)
	}
	if text == "" {
		return "none"
	}
	return p.yellow(text)
}

// about marks an estimate.
func about(n int64, exact bool) string {
	if exact {
		return number(n)
	}
	return "~" + number(n)
}

func ago(t *time.Time) string {
	if t == nil {
		return "never"
	}
	d := time.Since(*t)
	switch {
	case d < time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return plural(int(d.Minutes()), "minute ago", "minutes ago")
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour ago", "hours ago")
	}
	return plural(int(d.Hours()/24), "day ago", "days ago")
}
