package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/source"
)

func (a *app) loadsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "loads",
		Short: "List what was loaded, and undo a load",
		Example: `  tapline loads list --source CleverTap_Prod
  tapline loads undo 7`,
	}
	return group(c, a.loadsList(), a.loadsUndo())
}

type loadsJSON struct {
	admin.Source
	Loads []admin.Load `json:"loads"`
}

func (a *app) loadsList() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List the newest loads",
		Example: "  tapline loads list --source CleverTap_Prod --limit 100",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := atLeastOne("--limit", limit); err != nil {
				return err
			}
			return a.withSource(c.Context(), func(pool *pgxpool.Pool, s admin.Source) error {
				loads, err := admin.Loads(c.Context(), pool, s.Schema, limit)
				if err != nil {
					return err
				}
				if a.json {
					return a.writeJSON(loadsJSON{s, list(loads)})
				}
				newPrinter(a.stdout, a.env).loads(s, loads)
				return nil
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().IntVar(&limit, "limit", 20, "show the newest `N` loads")
	return c
}

func (p *printer) loads(s admin.Source, loads []admin.Load) {
	if len(loads) == 0 {
		p.line("Nothing was loaded into " + s.Nickname + " yet.")
		return
	}
	p.line(p.bold("Loads of " + s.Nickname))
	g := &grid{header: []string{">SEQ", "LOAD", "FINISHED", "STATUS", ">ROWS", ">DUPLICATES", ">QUARANTINED", ">DISCARDS", "~UNIT"}}
	for _, l := range loads {
		seq := ""
		if l.Seq != nil {
			seq = number(*l.Seq)
		}
		unit := printable(l.Unit)
		if p.width > 0 {
			unit = filepath.Base(unit) // a terminal is not wide enough for folders
		}
		if l.Units > 1 {
			unit += " and " + number(l.Units-1) + " more"
		}
		g.add(seq, l.ID.String()[:8], moment(l.Finished), p.status(l.Status), some(l.Rows), some(l.Duplicates),
			some(l.Quarantined), some(l.Discarded), unit)
	}
	p.print(g)
	p.failedLoads(loads)
}

// failedLoads says why loads failed.
func (p *printer) failedLoads(loads []admin.Load) {
	first := true
	for _, l := range loads {
		if l.Error == "" {
			continue
		}
		if first {
			p.heading("Failed")
			first = false
		}
		p.line("  " + p.red("✗") + " " + l.ID.String()[:8] + "  " + printable(l.Unit) + ": " + printable(afterLast(l.Error, l.Unit+": ")))
	}
}

// afterLast returns what stands after the last separator, or all.
func afterLast(s, sep string) string {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[i+len(sep):]
	}
	return s
}

func (p *printer) status(status string) string {
	switch status {
	case "finished":
		return p.green(status)
	case "failed":
		return p.red(status)
	}
	return p.yellow(status)
}

func (a *app) loadsUndo() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "undo LOAD",
		Short: "Take everything that one load brought out again",
		Long: `Take everything that one load brought out again, in one transaction: its rows, discards, quarantined records and
the note that its file was loaded, so that the file can be loaded again. users and accounts are made anew without it.

Loads of the source that are running are waited for. A later load may have left events out because this one had them: it
is told how many later loads met such duplicates. Their files are loaded again once those loads are undone, too.

Events that came over HTTP are gone with their load: only who sent them can send them again.

LOAD is the load's number or the beginning of its id, as tapline loads list shows them.`,
		Example: `  tapline loads undo 7
  tapline loads undo 5e0a1b2c --source CleverTap_Prod --yes`,
		Args: oneArg("LOAD", "give the number or the beginning of the id that tapline loads list shows"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSource(c.Context(), func(pool *pgxpool.Pool, s admin.Source) error {
				return a.undo(c.Context(), pool, s, args[0], yes)
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.ValidArgsFunction = a.completeLoad()
	return c
}

func (a *app) undo(ctx context.Context, pool *pgxpool.Pool, s admin.Source, id string, yes bool) error {
	load, err := admin.FindLoad(ctx, pool, s.Schema, id)
	if err != nil {
		return notFound(err, "load", id, "see tapline loads list")
	}
	if load.Status != "finished" {
		return &admin.StatusError{Load: load.ID, Status: load.Status}
	}
	if !yes {
		question := fmt.Sprintf("Undo load %s of %s: %s from %s?", load.ID.String()[:8], s.Nickname,
			plural(load.Rows, "row", "rows"), printable(load.Unit))
		if load.From == source.KindFrame {
			question += " They came over HTTP and will be gone: only who sent them can send them again."
		}
		if err := a.confirm(question); err != nil {
			return err
		}
	}
	done, err := admin.Undo(ctx, pool, s.Schema, load.ID)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(done)
	}
	newPrinter(a.stdout, a.env).undone(s, done)
	return nil
}

// confirm asks on the terminal. Without one there is nobody to ask: --yes is needed.
func (a *app) confirm(question string) error {
	_, in := terminal(a.stdin)
	_, out := terminal(a.stderr)
	if !in || !out {
		return usage(errors.New("nobody can be asked here: add --yes to do it without a question"))
	}
	p := newPrinter(a.stderr, a.env)
	_, _ = fmt.Fprint(p.w, p.yellow("? ")+p.bold(question)+" [y/N] ")
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && answer == "" {
		p.line()
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &exitError{exitFailed, errors.New("not confirmed: nothing was changed")}
}

func (p *printer) undone(s admin.Source, u *admin.Undone) {
	p.line(p.green("✓") + " " + p.bold(fmt.Sprintf("Undid load %s of %s: %s removed", u.Load.ID.String()[:8], s.Nickname,
		plural(u.Rows(), "row", "rows"))))
	g := &grid{header: []string{"~TABLE", ">REMOVED"}}
	for _, name := range slices.Sorted(maps.Keys(u.Tables)) {
		g.add(name, number(u.Tables[name]))
	}
	for _, side := range []struct {
		name string
		n    int64
	}{{"_discards", u.Discards}, {"_quarantine", u.Quarantined}, {"_units", u.Units}} {
		if side.n > 0 {
			g.add(side.name, number(side.n))
		}
	}
	if len(g.rows) > 0 {
		p.print(g)
	}
	for _, name := range slices.Sorted(maps.Keys(u.Rebuilt)) {
		p.linef("  %s: %s made anew", name, plural(u.Rebuilt[name], "row", "rows"))
	}
	if u.Shadowed > 0 {
		p.heading("Warnings")
		p.linef("  %s %s since then met events that were there already. If these were this load's, no load has them now:",
			p.yellow("!"), plural(u.Shadowed, "load", "loads"))
		p.line("    undo those loads too and load their files again, or load this file again.")
	}
	p.line()
	if u.Requeued+u.Emptied > 0 {
		p.line(plural(u.Requeued, "record waits", "records wait") + " again, and " + plural(u.Emptied, "value does", "values do") +
			": " + p.cyan("tapline quarantine replay") + " brings them in")
		return
	}
	p.line(again(p, &u.Load))
}

// again says how the events of a load that was undone come back.
func again(p *printer, l *admin.Load) string {
	switch {
	case l.From == source.KindFrame:
		return "The events came over HTTP: only who sent them can send them again"
	case l.From == source.KindWindow:
		return "The day is read again by the next " + p.cyan("tapline pull") + " that it is in: " + printable(l.Unit)
	}
	return "The file is loaded again by the next " + p.cyan("tapline load") + " that is given it: " + printable(l.Unit)
}
