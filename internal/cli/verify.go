package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/pull"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/internal/verify"
)

func (a *app) verifyCommand() *cobra.Command {
	var f pullFlags
	var files []string
	c := &cobra.Command{
		Use:   "verify --source NICKNAME",
		Short: "Compare what CleverTap, or files, have with what is in Postgres",
		Long: `Read the source again, CleverTap's API or with --files the files, and compare it, event by event and day by day, with what is in
Postgres: every record has to be a row or to wait in quarantine, under the id that loading it gives it; records with the id of
another one are duplicates. Of the API's days also rows that CleverTap does not have are a difference.

The exit code is 0 if nothing differs and 2 if something does. Nothing is changed. What --exclude or --include leave out is not
compared. Without --from and --to it is the days of the lookback up to yesterday; of files, all days.

` + databaseHelp + `

` + configHelp,
		Example: `  tapline verify -s CleverTap_Prod --from 2026-10-01 --to 2026-10-31
  tapline verify -s CleverTap_Prod --from 7d --events 'Order Placed' --only
  tapline verify -s CleverTap_Prod --files exports/2026-10/ --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.verify(c.Context(), f, files) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	a.accountFlags(c, &f)
	a.daysFlags(c, &f)
	a.fileFlags(c)
	flags := c.Flags()
	flags.BoolVar(&f.only, "only", false, "compare the events of --events alone")
	flags.StringArrayVar(&files, "files", nil, "compare the events in this file, folder or glob (`PATH`), not those of the API; repeatable")
	flags.StringArrayVar(&a.cfg.Include, "include", nil, "compare only events that match this `PATTERN`; repeatable")
	flags.StringArrayVar(&a.cfg.Exclude, "exclude", nil, "leave out what matches this `PATTERN`; wins over --include; repeatable")
	return c
}

// compared is a source that is compared.
type compared struct {
	source.Source
	options verify.Options
	skipped func() []pull.Skipped
	fatal   func() error
	close   func() error
}

func (a *app) verify(ctx context.Context, f pullFlags, files []string) (err error) {
	_, pool, err := a.registered(ctx)
	if err != nil {
		return err
	}
	if pool == nil { // the error that says where it was looked for
		pool, err = a.connect(ctx)
		if err != nil {
			return err
		}
	}
	defer pool.Close()
	valid, err := a.cfg.Validate()
	if err != nil {
		return err
	}
	var c *compared
	if len(files) > 0 {
		c, err = a.comparedFiles(ctx, &f, files, valid)
	} else {
		c, err = a.comparedAccount(ctx, &f, valid, pool)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	o := c.options
	o.Pool, o.Schema, o.Source, o.TempDir = pool, valid.Schema, c.Source, a.cfg.Files.TempDir
	if valid.Filter != nil {
		o.Filter = valid.Filter
	}
	report, err := verify.Run(ctx, o)
	if fatal := c.fatal(); fatal != nil && err == nil {
		err = fatal
	}
	if err != nil {
		return err
	}
	return a.verified(c, &report)
}

// comparedFiles are files.
func (a *app) comparedFiles(ctx context.Context, f *pullFlags, files []string, valid config.Valid) (*compared, error) {
	src, err := a.files(ctx, files, valid)
	if err != nil {
		return nil, usage(err)
	}
	c := &compared{
		Source: src, options: verify.Options{Location: valid.Zone}, skipped: func() []pull.Skipped { return nil },
		fatal: func() error { return nil }, close: func() error { return nil },
	}
	if closer, ok := src.(io.Closer); ok {
		c.close = closer.Close
	}
	if c.options.Location == nil {
		c.options.Location = time.UTC
	}
	today := time.Now().In(c.options.Location)
	for _, day := range []struct {
		flag, word string
		to         *string
	}{{"--from", f.from, &c.options.From}, {"--to", f.to, &c.options.To}} {
		d, err := pullDay(day.flag, day.word, today)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		if day.word != "" {
			*day.to = d.String()
		}
	}
	return c, nil
}

// comparedAccount is an account.
func (a *app) comparedAccount(ctx context.Context, f *pullFlags, valid config.Valid, pool *pgxpool.Pool) (*compared, error) {
	o, _, err := a.pullOptions(f)
	if err != nil {
		return nil, err
	}
	o.Pool = pool
	if f.to == "" && valid.Zone != nil { // today's events are still coming
		o.To = clevertap.DayOf(time.Now().In(valid.Zone)).Add(-1)
	}
	reading, err := pull.Open(ctx, o)
	if err != nil {
		return nil, orWrongOption(err)
	}
	return &compared{
		Source: reading.Source,
		options: verify.Options{
			Location: o.Location, From: reading.From.String(), To: reading.To.String(),
			Events: func() []string {
				skipped := reading.Skipped()
				return slices.DeleteFunc(slices.Clone(reading.Events), func(e string) bool { return skipped[e] != "" })
			},
		},
		skipped: func() []pull.Skipped { return pull.SkippedOf(reading.Source) },
		fatal:   reading.Err,
		close:   func() error { reading.Close(); return nil },
	}, nil
}

// verifyJSON is the document of verify --json. Its keys are stable.
type verifyJSON struct {
	Source        string         `json:"source"`
	ExitCode      int            `json:"exit_code"`
	From          string         `json:"from,omitempty"`
	To            string         `json:"to,omitempty"`
	Counts        verify.Row     `json:"counts"`
	Filtered      int64          `json:"filtered"`
	Days          []verify.Row   `json:"days"`
	Differences   []verify.Row   `json:"differences"`
	SkippedEvents []pull.Skipped `json:"skipped_events"`
	Failed        []string       `json:"failed"`
}

// verified tells what was found.
func (a *app) verified(c *compared, r *verify.Report) error {
	out := &verifyJSON{
		Source: a.cfg.Source, From: c.options.From, To: c.options.To, Filtered: r.Filtered, Days: list(r.Rows),
		Differences: list(r.Differences()), SkippedEvents: list(c.skipped()), Failed: []string{}, Counts: verify.Row{Event: "all"},
	}
	for i := range r.Rows {
		out.Counts.Add(&r.Rows[i])
	}
	for _, err := range r.Failed {
		out.Failed = append(out.Failed, describe(err))
	}
	switch {
	case len(r.Failed) > 0:
		out.ExitCode = exitFailed
	case len(out.Differences) > 0:
		out.ExitCode = exitFound
	}
	if a.json {
		if err := a.writeJSON(out); err != nil {
			return err
		}
	} else {
		newPrinter(a.stdout, a.env).verified(out)
	}
	if out.ExitCode == exitDone {
		return nil
	}
	return &exitError{code: out.ExitCode}
}

func (p *printer) verified(out *verifyJSON) {
	all := &out.Counts
	what := fmt.Sprintf("%s of the source: %s in their tables, %s quarantined, %s", plural(all.Source, "record", "records"),
		number(all.Rows), number(all.Quarantined), plural(all.Duplicates, "duplicate", "duplicates"))
	switch {
	case len(out.Differences) > 0:
		p.line(p.red("✗") + " " + p.bold(fmt.Sprintf("%s missing, %s too many", number(all.Missing), number(all.Extra))))
	case len(out.Failed) > 0:
		p.line(p.red("✗") + " " + p.bold(plural(len(out.Failed), "part could not be read", "parts could not be read")))
	default:
		p.line(p.green("✓") + " " + p.bold("Nothing differs"))
	}
	p.line("  " + p.dim(what))
	if len(out.Differences) > 0 {
		g := &grid{header: []string{"EVENT", "DAY", ">SOURCE", ">ROWS", ">QUARANTINED", ">DUPLICATES", ">MISSING", ">EXTRA", "<SAMPLES"}}
		for i := range out.Differences {
			d := &out.Differences[i]
			sample := ""
			if len(d.Samples) > 0 {
				sample = d.Samples[0]
			}
			g.add(printable(d.Event), d.Day, number(d.Source), some(d.Rows), some(d.Quarantined), some(d.Duplicates), some(d.Missing), some(d.Extra), printable(sample))
		}
		p.line()
		p.print(g)
	}
	p.skipped(out.SkippedEvents)
	if len(out.Failed) > 0 {
		p.heading("Could not be read")
		for _, text := range out.Failed[:min(len(out.Failed), maxFailures)] {
			p.line("  " + p.red("✗") + " " + text)
		}
	}
}
