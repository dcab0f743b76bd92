package cli

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
)

func (a *app) pruneCommand() *cobra.Command {
	var confirm bool
	ages := map[string]*string{}
	c := &cobra.Command{
		Use:   "prune --source NICKNAME",
		Short: "Remove old rows from Tapline's own tables",
		Long: `Remove old rows from Tapline's own tables; rows of events are never removed. Without --confirm it only says what it
would remove.

Quarantined records that were never replayed, and discarded values, are nowhere else in the database: once pruned, only
the files have them. A file whose note was pruned (--units-older-than) is read again if it is given again; its events are
then counted as duplicates, so that costs time and nothing else. A load whose row was pruned cannot be undone, and tapline
federate --from does not send its rows again; loads that a destination has not got yet are kept. Messages that destinations
did not take (--undelivered-older-than) are only notes: their rows stay.`,
		Example: `  tapline prune --source CleverTap_Prod --loads-older-than 90d
  tapline prune --source CleverTap_Prod --quarantine-older-than 26w --discards-older-than 26w --confirm`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			parsed, err := parseAges(ages)
			if err != nil {
				return err
			}
			return a.withSource(c.Context(), func(pool *pgxpool.Pool, s admin.Source) error {
				return a.prune(c.Context(), pool, s, parsed, confirm)
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	for _, what := range []string{"loads", "units", "quarantine", "discards", "undelivered"} {
		ages[what] = c.Flags().String(what+"-older-than", "", "remove "+what+" older than this `AGE`, such as 90d, 12w or 36h")
	}
	c.Flags().BoolVar(&confirm, "confirm", false, "really remove them")
	return c
}

func parseAges(words map[string]*string) (admin.Ages, error) {
	var ages admin.Ages
	for what, age := range map[string]*time.Duration{
		"loads": &ages.Loads, "units": &ages.Units, "quarantine": &ages.Quarantine, "discards": &ages.Discards,
		"undelivered": &ages.Undelivered,
	} {
		word := *words[what]
		if word == "" {
			continue
		}
		var ok bool
		if *age, ok = config.ParseAge(word); !ok || *age == 0 {
			return ages, &config.Error{Setting: "--" + what + "-older-than", Value: word, Problem: "no age", Hint: "use a number of days, weeks or hours, such as 90d, 12w or 36h"}
		}
	}
	if ages == (admin.Ages{}) {
		return ages, &config.Error{Setting: "prune", Problem: "nothing is named to be removed", Hint: "say what, such as --loads-older-than 90d or --quarantine-older-than 26w"}
	}
	return ages, nil
}

type pruneJSON struct {
	admin.Source
	Removed bool `json:"removed"` // false: only counted
	admin.Pruned
}

func (a *app) prune(ctx context.Context, pool *pgxpool.Pool, s admin.Source, ages admin.Ages, confirm bool) error {
	n, err := admin.Prune(ctx, pool, s.Schema, ages, time.Now(), confirm)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(pruneJSON{s, confirm, n})
	}
	p := newPrinter(a.stdout, a.env)
	verb := "Would remove from "
	if confirm {
		verb = "Removed from "
	}
	p.line(p.bold(verb + s.Nickname))
	g := &grid{header: []string{"~TABLE", ">ROWS", ""}}
	for _, row := range []struct {
		table string
		age   time.Duration
		n     int64
		note  string
	}{
		{"_loads", ages.Loads, n.Loads, "these loads cannot be undone any more"},
		{"_units", ages.Units, n.Units, "these files are read again if given again; their events are duplicates then"},
		{"_quarantine", ages.Quarantine, n.Quarantine, number(n.Unreplayed) + " of them never replayed: only the files have these records"},
		{"_discards", ages.Discards, n.Discards, "only the files have these values"},
		{"_undelivered", ages.Undelivered, n.Undelivered, "messages that destinations did not take; their rows stay"},
	} {
		if row.age == 0 {
			continue
		}
		note := row.note
		if row.n == 0 {
			note = "none older than " + config.Age(row.age)
		}
		g.add(row.table, number(row.n), p.dim(note))
	}
	p.print(g)
	if !confirm {
		p.line()
		p.line("Nothing was removed: add " + p.cyan("--confirm") + " to do it.")
	}
	return nil
}
