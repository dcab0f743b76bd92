package cli

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/pull"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/loader"
)

// pullFlags are those of pull alone.
type pullFlags struct {
	from, to           string
	lookback           string
	noProfile          bool
	only, again        bool
	schemaOnly, dryRun bool
	quiet              bool
}

func (a *app) pullCommand() *cobra.Command {
	var f pullFlags
	c := &cobra.Command{
		Use:   "pull --source NICKNAME",
		Short: "Load what CleverTap's Get Events API has, day by day, and late events too",
		Long: `Load what CleverTap's Get Events API has of an account, event by event and day by day, into the tables of a source. Each
event on each day of the project's time zone is a window: one transaction, read again as long as its day lasts and --lookback
days longer, for events that come late, and only added to. Running the same command again is always safe.

Without --from it goes on after the last pull, and with what has failed before, or begins with the last days; without --to it goes
up to today: what a schedule wants. A DAY is 2026-10-01, today, yesterday, or 7d for seven days ago.

The events are the 19 of the catalogue, those that the account tells of, and those of --events. Some of CleverTap's events are
not given away by this API; they are named in the summary and do not fail the command. Files of an export have them.

The passcode comes from the environment or a file, and goes nowhere but into the requests.

` + databaseHelp + `

` + configHelp + `

` + exitHelp,
		Example: `  export CLEVERTAP_PASSCODE=...                                   # or --passcode-file
  tapline pull -s CleverTap_Prod --region in1 --account-id ABC-123-456Z --timezone Asia/Kolkata --from 2026-10-01 --to 2026-10-31
  tapline pull -s CleverTap_Prod                                  # with tapline.yaml, from cron: the last days
  tapline pull -s CleverTap_Prod --events 'Order Placed' --only --from 30d
  tapline pull -s CleverTap_Prod --schema-only                    # tables and columns of the account's events, before any data`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.pull(c.Context(), f) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	a.accountFlags(c, &f)
	flags := c.Flags()
	a.daysFlags(c, &f)
	flags.BoolVar(&f.only, "only", false, "pull the events of --events alone")
	flags.StringVar(&f.lookback, "lookback", "", "how many `DAYS` after its end a day is read again for late events (default 2)")
	flags.BoolVar(&f.again, "again", false, "read also days that need it no more")
	flags.BoolVar(&f.schemaOnly, "schema-only", false, "make the tables and columns of the account's events, and load nothing")
	flags.BoolVar(&f.dryRun, "dry-run", false, "with --schema-only: say what would be made, and the SQL; touch nothing")
	flags.StringArrayVar(&a.cfg.Include, "include", nil, "load only events, or their properties, that match this `PATTERN`; repeatable")
	flags.StringArrayVar(&a.cfg.Exclude, "exclude", nil, "leave out what matches this `PATTERN`; wins over --include; repeatable")
	a.evolveFlag(c)
	flags.StringVar(&a.cfg.Files.Timezone, "timezone", "", "time `ZONE` of the CleverTap project, by its IANA name, such as Asia/Kolkata")
	flags.StringVar(&a.cfg.Files.UserIdentity, "user-identity", "", "`FIELD` that becomes user_id: "+strings.Join(config.UserIdentities(), ", ")+" (default identity)")
	flags.StringVar(&a.cfg.Files.TempDir, "temp-dir", "", "`FOLDER` for days that are being read (default the system's)")
	must(c.MarkFlagDirname("temp-dir"))
	complete(c, "user-identity", config.UserIdentities())
	must(c.RegisterFlagCompletionFunc("timezone", completeZone))
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress, and no summary if all went well")
	return c
}

// accountFlags adds the flags that say how to reach a CleverTap account, and how its records come.
func (a *app) accountFlags(c *cobra.Command, f *pullFlags) {
	a.reachFlags(c)
	c.Flags().Int64Var(&a.cfg.Pull.BatchSize, "batch-size", 0, "how many (`N`) records an answer may have (default 5000)")
	c.Flags().BoolVar(&f.noProfile, "no-profile", false, "leave out the users' custom profile properties, which are today's")
}

// reachFlags adds the flags that say how to reach a CleverTap account.
func (a *app) reachFlags(c *cobra.Command) {
	flags, p := c.Flags(), &a.cfg.Pull
	flags.StringVar(&p.Region, "region", "", "`REGION` of the account: "+strings.Join(config.PullRegions(), ", "))
	flags.StringVar(&p.Endpoint, "endpoint", "", "`URL` in place of the region's, such as that of a proxy")
	flags.StringVar(&a.cfg.Files.Account, "account-id", "", "`ID` of the account; it is part of the ids of its records (default $"+config.AccountEnv+")")
	flags.StringVar(&p.PasscodeEnv, "passcode-env", "", "environment `VARIABLE` that has the passcode (default "+config.PasscodeEnv+")")
	flags.StringVar(&p.PasscodeFile, "passcode-file", "", "`FILE` that has the passcode")
	must(c.MarkFlagFilename("passcode-file"))
	complete(c, "region", config.PullRegions())
}

// daysFlags adds the flags that say which days and events.
func (a *app) daysFlags(c *cobra.Command, f *pullFlags) {
	c.Flags().StringVar(&f.from, "from", "", "first `DAY`, in the project's time zone")
	c.Flags().StringVar(&f.to, "to", "", "last `DAY` (default today)")
	c.Flags().StringArrayVar(&a.cfg.Pull.Events, "events", nil, "also this `EVENT`, exactly as the dashboard has it; repeatable")
}

// pullOptions makes a pull of flags, environment and configuration. It has no database yet.
func (a *app) pullOptions(f *pullFlags) (pull.Options, config.Valid, error) {
	var out pull.Options
	p := &a.cfg.Pull
	if f.lookback != "" {
		days, err := strconv.ParseInt(strings.TrimSuffix(f.lookback, "d"), 10, 64)
		if err != nil {
			days = -1
		}
		p.Lookback = &days
	}
	if f.noProfile {
		p.Profile = new(bool)
	}
	valid, err := a.cfg.Validate()
	if err == nil {
		err = p.Validate()
	}
	if err != nil {
		return out, valid, err
	}
	if valid.Zone == nil {
		return out, valid, &config.Error{Setting: "--timezone", Problem: "no time zone of the CleverTap project", Hint: "give its IANA name, such as Asia/Kolkata: days and times are its"}
	}
	api, err := a.account()
	if err != nil {
		return out, valid, err
	}
	out = pull.Options{
		API: api, Location: valid.Zone, UserIdentity: a.cfg.Files.UserIdentity, Events: p.Events, Only: f.only, Again: f.again,
		TempDir: a.cfg.Files.TempDir, Loader: a.loaderConfig(valid),
	}
	if p.Lookback != nil {
		out.Lookback = cmp.Or(int(*p.Lookback), -1)
	}
	today := time.Now().In(valid.Zone)
	if out.From, err = pullDay("--from", f.from, today); err == nil {
		out.To, err = pullDay("--to", f.to, today)
	}
	if f.only && len(p.Events) == 0 && err == nil {
		err = &config.Error{Setting: "--only", Problem: "no event is named", Hint: "name them with --events"}
	}
	return out, valid, err
}

// account says how to reach the CleverTap account.
func (a *app) account() (clevertap.Options, error) {
	p := &a.cfg.Pull
	out := clevertap.Options{
		Account: a.cfg.Files.Account, Region: p.Region, Endpoint: p.Endpoint, BatchSize: int(p.BatchSize),
		NoProfile: p.Profile != nil && !*p.Profile, Logger: a.log,
	}
	switch {
	case out.Account == "":
		return out, &config.Error{Setting: "--account-id", Problem: "no CleverTap account id", Hint: "give it, or set " + config.AccountEnv + "; the dashboard's settings page shows it"}
	case p.Region == "" && p.Endpoint == "":
		return out, &config.Error{Setting: "--region", Problem: "no region", Hint: "use the one in the dashboard's address: " + config.AnyOf(config.PullRegions(), "")}
	}
	secret, err := p.Passcode(a.env)
	out.Passcode = clevertap.Passcode(secret)
	return out, err
}

// wrongOption returns an error of the options as one of the command line, and nil for any other.
func wrongOption(err error) error {
	var option *clevertap.OptionError
	if !errors.As(err, &option) {
		return nil
	}
	return &config.Error{Setting: "--" + strings.ReplaceAll(option.Option, "_", "-"), Problem: option.Problem, Hint: option.Hint}
}

func orWrongOption(err error) error {
	if wrong := wrongOption(err); wrong != nil {
		return wrong
	}
	return err
}

// pullDay reads a day of a flag. Without one it is the zero Day.
func pullDay(flag, word string, today time.Time) (clevertap.Day, error) {
	if word == "" {
		return clevertap.Day{}, nil
	}
	date, ago, ok := config.ParseDay(word)
	switch {
	case !ok:
		return clevertap.Day{}, &config.Error{Setting: flag, Value: word, Problem: "no day", Hint: "use 2026-10-01, today, yesterday, or 7d for seven days ago"}
	case ago < 0:
		return clevertap.DayOf(date), nil
	}
	return clevertap.DayOf(today).Add(-ago), nil
}

func (a *app) pull(ctx context.Context, f pullFlags) error {
	if f.dryRun && !f.schemaOnly {
		return &config.Error{Setting: "--dry-run", Problem: "only with --schema-only", Hint: "what a pull loads is not known before it is read"}
	}
	server, pool, err := a.registered(ctx)
	if err != nil {
		return err
	}
	if pool != nil {
		defer pool.Close()
	}
	o, valid, err := a.pullOptions(&f)
	if err != nil {
		return err
	}
	a.limitMemory(loadMemory(valid.ChunkBytes))
	a.quiet = f.quiet
	if o.Pool = pool; server == nil {
		if server, err = a.loadServer(ctx, loadFlags{dryRun: f.dryRun, quiet: f.quiet}); err != nil {
			return err
		}
		if server != nil {
			if o.Pool, err = server.pool(ctx); err != nil {
				return err
			}
			defer o.Pool.Close()
		}
	}
	if f.schemaOnly {
		return a.pullSchema(ctx, o, f.dryRun)
	}
	done := a.pullProgress(&o, f.quiet)
	report, err := pull.Pull(ctx, o)
	done()
	if err := wrongOption(err); err != nil {
		return err
	}
	return a.pulled(ctx, &pulled{
		outcome: outcome{report: &report.Report, err: err, server: server, source: a.cfg.Source, quiet: f.quiet, filter: valid.Filter, flags: a.sameDatabase()},
		pull:    &report,
	})
}

// accountSchema returns a source of samples that need what the account's events need, for migrate plan and generate.
func (a *app) accountSchema(ctx context.Context) (loader.Source, error) {
	if err := a.cfg.Pull.Validate(); err != nil {
		return nil, err
	}
	api, err := a.account()
	if err != nil {
		return nil, err
	}
	events, err := pull.Schema(ctx, api)
	if err != nil {
		return nil, orWrongOption(err)
	}
	return clevertap.SchemaSource(events), nil
}
