package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// replayFlags are those of quarantine replay.
type replayFlags struct {
	reasons      []string
	table        string
	since, until string
	limit        int
	dryRun       bool
}

func (a *app) quarantineReplay() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay",
		Short: "Bring in what waits in quarantine and discards, once a migration or a setting has cured it",
		Long: `Read the records that wait in quarantine again, as they were sent, and put the values that wait in discards into their
rows: after tapline migrate up for unknown tables and columns, after tapline schema widen, after a constraint was dropped,
with another --user-identity, or with a newer release. What comes in is marked and never comes in twice; what does not
stays where it is, and is counted with the reason of now. Run it as often as you like, beside loads too.

Records have the ids and the received_at that they would have had at first, and are read with the source's settings of now;
CleverTap's need --timezone and --account. Of records above 32 KiB only the beginning is kept: they cannot be replayed.
Values go into columns that are null. Their rows keep their uuid_ts; users, accounts and a tracks table follow.

A replay is a load of its own, called replay in tapline loads list, and tapline loads undo makes all of it wait again; values
are in loads of up to 5,000. With --evolve auto it adds tables and columns like any load.

` + databaseHelp + `

` + exitHelp,
		Example: `  tapline quarantine replay --source CleverTap_Prod
  tapline quarantine replay -s CleverTap_Prod --reason unknown_table --reason unknown_column --dry-run
  tapline quarantine replay -s CleverTap_Prod --table purchase_made --since 7d`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.replay(c.Context(), f) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	a.evolveFlag(c)
	a.recordFlags(c)
	flags := c.Flags()
	flags.StringSliceVar(&f.reasons, "reason", nil, "only what waits for this `REASON`, such as unknown_table; repeatable")
	flags.StringVar(&f.table, "table", "", "only events and values of this `TABLE`")
	flags.StringVar(&f.since, "since", "", "only what was put there at this `TIME` or later: a date, a date with time and zone, or an age such as 7d")
	flags.StringVar(&f.until, "until", "", "only what was put there before this `TIME`")
	flags.IntVar(&f.limit, "limit", 0, "try at most `N` records and N values (default all)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be brought in; touch nothing")
	must(c.RegisterFlagCompletionFunc("reason", a.completeReason()))
	return c
}

// recordFlags adds the flags that say how records are read, wherever they are.
func (a *app) recordFlags(c *cobra.Command) {
	flags := c.Flags()
	files := &a.cfg.Files
	flags.StringVar(&files.Timezone, "timezone", "", "time `ZONE` of the CleverTap project, by its IANA name, such as Asia/Kolkata")
	flags.StringVar(&files.Account, "account", "", "CleverTap account `ID`; it is part of the ids of CleverTap's records")
	flags.StringVar(&files.Event, "event", "", "`EVENT` of CleverTap records that do not name theirs")
	flags.StringVar(&files.UserIdentity, "user-identity", "", "`FIELD` that becomes user_id of CleverTap records: "+strings.Join(config.UserIdentities(), ", ")+" (default identity)")
	complete(c, "user-identity", config.UserIdentities())
	must(c.RegisterFlagCompletionFunc("timezone", completeZone))
}

// selection checks the flags.
func (f *replayFlags) selection(files *config.Files, zone *time.Location, now time.Time) (s loader.Selection, err error) {
	s = loader.Selection{
		Table: f.table, Limit: int64(f.limit), Timezone: zone, Account: files.Account, Event: files.Event, UserIdentity: files.UserIdentity,
	}
	for _, r := range f.reasons {
		s.Reasons = append(s.Reasons, schema.Reason(r))
	}
	if f.limit < 0 {
		return s, &config.Error{Setting: "--limit", Value: fmt.Sprint(f.limit), Problem: "too few", Hint: "give 1 or more, or leave it out for all"}
	}
	if s.Since, err = instant("--since", f.since, now); err != nil {
		return s, err
	}
	if s.Until, err = instant("--until", f.until, now); err != nil {
		return s, err
	}
	if !s.Since.IsZero() && !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return s, &config.Error{Setting: "--until", Value: f.until, Problem: "not after --since", Hint: "nothing would be selected"}
	}
	return s, nil
}

// instant reads a point in time; an empty word is none.
func instant(flag, word string, now time.Time) (time.Time, error) {
	if word == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, word); err == nil {
			return t, nil
		}
	}
	if age, ok := config.ParseAge(word); ok && age > 0 {
		return now.Add(-age), nil
	}
	return time.Time{}, &config.Error{
		Setting: flag, Value: word, Problem: "no time",
		Hint: "use a date such as 2026-01-31 (UTC), 2026-01-31T09:00:00+05:30, or an age such as 7d or 12h",
	}
}

func (a *app) replay(ctx context.Context, f replayFlags) error {
	return a.withSource(ctx, func(pool *pgxpool.Pool, s admin.Source) error {
		a.cfg.Source, a.cfg.Schema = s.Nickname, s.Schema
		valid, err := a.cfg.Validate()
		if err != nil {
			return err
		}
		sel, err := f.selection(&a.cfg.Files, valid.Zone, time.Now())
		if err != nil {
			return err
		}
		l, err := loader.New(pool, a.loaderConfig(valid))
		if err != nil {
			return usage(err)
		}
		defer l.Close()
		run := l.Replay
		if f.dryRun {
			run = l.PlanReplay
		}
		report, err := run(ctx, sel)
		return a.replayed(s, &report, f.dryRun, err)
	})
}

// replayed tells what was done and returns the error that stands for the exit code.
func (a *app) replayed(s admin.Source, r *loader.ReplayReport, dryRun bool, err error) error {
	var settings *loader.SettingsError
	code := exitCode(err)
	switch {
	case errors.As(err, &settings):
		return usage(fmt.Errorf("%w: give --timezone and --account, or set them for the source in the configuration file", err))
	case err == nil && !dryRun && len(r.Records.Refused) > 0:
		code = exitQuarantined
	}
	if a.json {
		if err := a.writeJSON(newReplayJSON(s, r, dryRun, code, err)); err != nil {
			return err
		}
	} else if err == nil || len(r.Loads) > 0 {
		newPrinter(a.stdout, a.env).replayed(s, r, dryRun, a.sameDatabase())
	}
	switch {
	case err != nil && !a.json:
		return &exitError{code, err}
	case code != exitDone:
		return &exitError{code: code}
	}
	return nil
}

// replayJSON is the document of quarantine replay --json. Its keys are stable.
type replayJSON struct {
	admin.Source
	DryRun   bool                       `json:"dry_run"`
	ExitCode int                        `json:"exit_code"`
	Error    string                     `json:"error,omitempty"`
	Loaded   int64                      `json:"loaded"`
	Twice    int64                      `json:"duplicates"`
	Filled   int64                      `json:"filled_values"`
	Tables   map[string]replayTableJSON `json:"tables"`
	Refused  map[schema.Reason]int64    `json:"waiting_records"`
	Cut      int64                      `json:"cut_records"`
	Kept     map[schema.Reason]int64    `json:"waiting_values"`
	Loads    []string                   `json:"loads"`
	SQL      string                     `json:"sql,omitempty"`
	Seconds  float64                    `json:"duration_seconds"`
}

type replayTableJSON struct {
	Loaded     int64 `json:"loaded"`
	Duplicates int64 `json:"duplicates"`
	Filled     int64 `json:"filled_values"`
	Discarded  int64 `json:"discarded_values"`
}

func newReplayJSON(s admin.Source, r *loader.ReplayReport, dryRun bool, code int, err error) *replayJSON {
	out := &replayJSON{
		Source: s, DryRun: dryRun, ExitCode: code, Loaded: r.Records.Loaded, Twice: r.Records.Duplicates, Filled: r.Values(),
		Tables: map[string]replayTableJSON{}, Refused: r.Records.Refused, Cut: r.Cut, Kept: r.Kept, Loads: []string{},
		SQL: r.Records.Plan, Seconds: r.Duration.Seconds(),
	}
	if err != nil {
		out.Error = describe(err)
	}
	for _, id := range r.Loads {
		out.Loads = append(out.Loads, id.String())
	}
	for _, name := range replayedTables(r) {
		t := replayTableJSON{Filled: r.Filled[name]}
		if rows := r.Records.Tables[name]; rows != nil {
			t.Loaded, t.Duplicates, t.Discarded = rows.Loaded, rows.Duplicates, rows.Discarded
		}
		out.Tables[name] = t
	}
	return out
}

// replayedTables are the tables that anything came into, or would have.
func replayedTables(r *loader.ReplayReport) []string {
	names := slices.Collect(maps.Keys(r.Filled))
	for name := range r.Records.Tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *printer) replayed(s admin.Source, r *loader.ReplayReport, dryRun bool, flags string) {
	verb := "Brought in"
	if dryRun {
		verb = "Would bring in"
	}
	rows, filled := r.Records.Loaded, r.Values()
	switch {
	case rows+filled+r.Records.Duplicates > 0:
		p.line(p.green("✓") + " " + p.bold(fmt.Sprintf("%s %s and %s of %s", verb, plural(rows, "record", "records"),
			plural(filled, "value", "values"), s.Nickname)))
	case r.Waiting() > 0:
		p.line(p.yellow("!") + " " + p.bold("Nothing that waits in "+s.Nickname+" can be brought in yet"))
	default:
		p.line(p.green("✓") + " Nothing of the kind waits in " + s.Nickname + ".")
	}
	g := &grid{header: []string{"~TABLE", ">ROWS", ">DUPLICATES", ">VALUES FILLED", ">DISCARDS", "<CHANGES"}}
	for _, name := range replayedTables(r) {
		t := r.Records.Tables[name]
		if t == nil {
			t = &loader.TableReport{}
		}
		g.add(name, some(t.Loaded), some(t.Duplicates), some(r.Filled[name]), some(t.Discarded), p.changes(t))
	}
	if len(g.rows) > 0 {
		p.line()
		p.print(g)
	}
	p.reasons("Records that go on waiting", "RECORDS", r.Records.Refused)
	if r.Cut > 0 {
		p.linef("  %s cannot be replayed: only the beginning was kept (event_too_large)", plural(r.Cut, "record", "records"))
	}
	p.reasons("Values that go on waiting", "VALUES", r.Kept)
	if dryRun && r.Records.Plan != "" {
		p.sql(r.Records.Plan)
	}
	if len(r.Loads) > 0 && !dryRun {
		p.heading("Next")
		p.line("  " + p.cyan(programName()+" status --source "+shellWord(s.Nickname)+flags))
	}
}
