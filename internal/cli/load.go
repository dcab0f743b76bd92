package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/loader"
)

// loadFlags are those of load alone.
type loadFlags struct {
	dryRun, quiet, share bool
	watch                time.Duration // 0 for a load of what is there
	lease                time.Duration // 0 for the default
	since, until         string
}

// minLease is the shortest lease: it is renewed three times as often, and the clock is the database's.
const minLease = time.Second

func (f *loadFlags) check() error {
	switch {
	case f.watch < 0:
		return &config.Error{Setting: "--watch", Value: f.watch.String(), Problem: "no interval", Hint: "use a time such as 30s"}
	case f.watch > 0 && f.dryRun:
		return usage(errors.New("--watch and --dry-run contradict each other: leave out one"))
	case f.lease != 0 && !f.share:
		return &config.Error{Setting: "--lease", Value: f.lease.String(), Problem: "nothing is shared", Hint: "add --share, or leave it out"}
	case f.lease != 0 && f.lease < minLease:
		return &config.Error{Setting: "--lease", Value: f.lease.String(), Problem: "too short", Hint: "use 1s or more"}
	}
	return nil
}

func (a *app) loadCommand() *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use:   "load PATH... --source NICKNAME",
		Short: "Load files of events, each whole and never twice",
		Long: `Load the events in files into the tables of a source. PATH is a file, a folder, a glob, - for the standard input, or the
URL of objects in a store: s3://, gs://, azblob://, file://; plain, gzip or zstd; JSON lines, CSV or CleverTap's Parquet; Segment calls
or CleverTap exports. Each file is one transaction: all
of it is visible afterwards, or nothing; a plain file above --unit-max-bytes is several. Files that were loaded before are skipped, events that are there already are
counted as duplicates, so running the same command again is always safe. Ctrl-C rolls the open file back.

CleverTap exports need --timezone and --account: their times have no zone and their records no id. What neither a flag nor
the configuration file says of --timezone, --account, --user-identity and --schema is taken from the source as it is
registered: see tapline source add.

A URL names a bucket (a container, a folder) and objects in it: s3://bucket/name means that object and all below it, and a name may
hold * for any characters but a slash, ** for any, ? for one, [a-z] for one of these. Settings of the store follow, as
in s3://bucket/**?region=eu-west-1&endpoint=https://minio.example.com&use_path_style=true. Credentials are those that the
store's own tools find, in the environment or in files; they do not belong in a URL. Each object is one transaction, or shares one
with small neighbours; a changed object is read again, and one that changes while it is read fails.

--watch goes on for ever: it loads what is there and then what is new, looking for it at each interval, until it is
interrupted; with --json it prints a document after each time that something was loaded or failed.

A PATTERN of --include and --exclude is EVENT or EVENT.PROPERTY, as it is sent or as the table and column are called, in
any case; * stands for any characters, ? for one. A dot in an event's name is written \. in the pattern. A pattern that
matches nothing is named in the summary.

` + databaseHelp + `

` + configHelp + `

` + exitHelp,
		Example: `  tapline load events.ndjson.gz --source CleverTap_Prod
  tapline load exports/ -s CleverTap_Prod --timezone Asia/Kolkata --account 123-456-7890
  zcat *.gz | tapline load - -s Web --dsn postgres://loader@db.example.com/analytics
  tapline load 's3://exports/clevertap/**' -s CleverTap_Prod --since 2026-10-01
  tapline load 's3://exports/clevertap/**' -s CleverTap_Prod --watch 1m --share
  tapline load events/ -s Web --dry-run                       # what would happen, and the SQL
  tapline load events/ -s Web --exclude '*.email' --exclude 'Debug *'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &config.Error{Setting: "PATH", Problem: "nothing to load", Hint: "give files, folders or - for the standard input"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return a.load(c.Context(), args, f) },
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	a.fileFlags(c)
	flags := c.Flags()
	flags.StringArrayVar(&a.cfg.Include, "include", nil, "load only events, or their properties, that match this `PATTERN`; repeatable")
	flags.StringArrayVar(&a.cfg.Exclude, "exclude", nil, "leave out what matches this `PATTERN`; wins over --include; repeatable")
	a.evolveFlag(c)
	flags.IntVar(&a.cfg.Workers, "workers", 0, "how many (`N`) large files are loaded side by side, each in a transaction of its own (default one a processor, at most 4)")
	flags.StringVar(&a.cfg.ChunkSize, "chunk-size", "", "`SIZE` of the values collected before they are copied, two such in memory, of all workers together (default 24MiB)")
	flags.DurationVar(&f.watch, "watch", 0, "go on for ever: look for new files and objects at this `INTERVAL`, such as 30s")
	flags.BoolVar(&f.share, "share", false, "share the files and objects with all other loads of the source that run with --share, on any machine")
	flags.DurationVar(&f.lease, "lease", 0, "how long (`DURATION`) a taken file stays with a load that gives no sign of life; with --share (default 30s)")
	flags.StringVar(&f.since, "since", "", "leave out objects whose names tell an earlier `DAY` than this, such as 2026-10-01")
	flags.StringVar(&f.until, "until", "", "leave out objects whose names tell a later `DAY` than this")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be loaded, and the SQL; touch nothing")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress, and no summary if all went well")
	return c
}

// fileFlags adds the flags that say how files are read.
func (a *app) fileFlags(c *cobra.Command) {
	flags := c.Flags()
	files := &a.cfg.Files
	flags.StringVar(&files.Format, "format", "", "`FORMAT` of the files: "+strings.Join(config.Formats(), ", ")+" (default: look at each file)")
	flags.StringVar(&files.Timezone, "timezone", "", "time `ZONE` of the CleverTap project, by its IANA name, such as Asia/Kolkata")
	flags.StringVar(&files.Account, "account", "", "CleverTap account `ID`; it is part of the ids of CleverTap's records")
	flags.StringVar(&files.Event, "event", "", "`EVENT` of CleverTap records that do not name theirs")
	flags.StringVar(&files.UserIdentity, "user-identity", "", "`FIELD` that becomes user_id of CleverTap records: "+strings.Join(config.UserIdentities(), ", ")+" (default identity)")
	flags.StringVar(&files.TempDir, "temp-dir", "", "`FOLDER` for spooled input (default the system's)")
	flags.StringVar(&files.UnitMaxSize, "unit-max-bytes", "", "`SIZE` up to which a plain file is one transaction; a larger one is several (default 4GiB)")
	must(c.MarkFlagDirname("temp-dir"))
	complete(c, "format", config.Formats())
	complete(c, "user-identity", config.UserIdentities())
	must(c.RegisterFlagCompletionFunc("timezone", completeZone))
}

func (a *app) load(ctx context.Context, paths []string, f loadFlags) (err error) {
	if a.cfg.Source == "" {
		return a.noSource()
	}
	if err := f.check(); err != nil {
		return err
	}
	valid, err := a.cfg.Validate()
	if err != nil {
		return err
	}
	a.limitMemory(loadMemory(valid.ChunkBytes))
	server, pool, err := a.existing(ctx)
	if err != nil {
		return err
	}
	if pool != nil {
		defer pool.Close()
		if err := a.useRegistered(ctx, pool); err != nil {
			return err
		}
		if valid, err = a.cfg.Validate(); err != nil {
			return err
		}
	}
	src, err := a.input(ctx, paths, valid, f, func() *pgxpool.Pool { return pool })
	if err != nil {
		return usage(err)
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	a.quiet = f.quiet
	o := &outcome{source: a.cfg.Source, paths: withoutSecrets(paths), filter: valid.Filter, quiet: f.quiet, dryRun: f.dryRun, flags: a.sameDatabase()}
	if o.server = server; server == nil {
		if o.server, err = a.loadServer(ctx, f); err != nil {
			return err
		}
		if o.server != nil {
			if pool, err = o.server.pool(ctx); err != nil {
				return err
			}
			defer pool.Close()
		}
	}
	cfg := a.loaderConfig(valid)
	cfg.Share, cfg.Lease = f.share, f.lease
	l, err := loader.New(pool, cfg)
	if err != nil {
		return usage(err)
	}
	defer l.Close()
	if f.watch > 0 {
		return a.loadForever(ctx, src, l, o, f)
	}
	return a.loadOnce(ctx, &watchedSource{Source: src, remote: src.Remote()}, l, o, f)
}

// loadOnce loads what a source has, and tells.
func (a *app) loadOnce(ctx context.Context, src *watchedSource, l *loader.Loader, o *outcome, f loadFlags) error {
	run := l.Load
	if f.dryRun {
		run = l.Plan
	}
	stop := a.watch(ctx, src, l, f)
	report, err := run(ctx, src)
	stop()
	o.report, o.err = &report, err
	return a.loaded(ctx, o)
}

// loadServer finds the Postgres to load into. A dry run makes none: it has none then, and plans a new schema.
func (a *app) loadServer(ctx context.Context, f loadFlags) (*server, error) {
	s, err := a.server(ctx, !f.dryRun)
	var missing *errNoDatabase
	if f.dryRun && errors.As(err, &missing) {
		if !f.quiet {
			newPrinter(a.stderr, a.env).line("there is no Postgres in " + missing.dir + " yet: planning a new schema")
		}
		return nil, nil
	}
	return s, err
}

// interruptible returns a reader that ends with ctx also while r waits for somebody to type.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { out.CloseWithError(context.Cause(ctx)) })
	return out
}

func (a *app) loaderConfig(valid config.Valid) loader.Config { return a.loaderConfigOf(&a.cfg, valid) }

// outcome is what a load or a dry run came to.
type outcome struct {
	report *loader.Report
	err    error
	server *server // nil for a dry run without one
	source string
	quiet  bool
	dryRun bool
	paths  []string
	filter *config.Filter // nil if everything is loaded
	flags  string         // that the next command needs to find the same database
}

// onlyUnits reports whether the load went through and only files of it failed.
func (o *outcome) onlyUnits() bool {
	var units *loader.UnitsError
	return errors.As(o.err, &units)
}

// nothing reports whether the load ended before anything was committed: the error says all there is to say.
func (o *outcome) nothing() bool {
	return o.err != nil && !o.onlyUnits() && o.report.Committed.IsZero()
}

// loaded tells what was done and returns the error that stands for the exit code.
func (a *app) loaded(ctx context.Context, o *outcome) error {
	code := exitCode(o.err)
	if code == exitDone && o.report.Quarantined > 0 && !o.dryRun {
		code = exitQuarantined
	}
	if a.json {
		if err := a.writeJSON(newLoadJSON(o, code)); err != nil {
			return err
		}
	} else if (!o.quiet || code != exitDone) && !o.nothing() {
		a.summary(o)
	}
	switch {
	case o.err == nil && code == exitDone:
		return nil
	case o.err == nil || o.onlyUnits() || a.json:
		return &exitError{code: code}
	case ctx.Err() != nil && o.dryRun:
		return &exitError{code, errors.New("interrupted")}
	case ctx.Err() != nil:
		return &exitError{code, errors.New(interrupted(o.report))}
	}
	return &exitError{code, committed(o)}
}

// interrupted says what is in the database after a Ctrl-C.
func interrupted(r *loader.Report) string {
	return fmt.Sprintf("interrupted: the open file was rolled back; %s committed with %s. "+
		"Run the same command again to go on: loaded files are skipped",
		plural(r.FinishedUnits(), "file is", "files are"), plural(r.Loaded, "row", "rows"))
}

// committed adds to the error that ended a load early what is in the database nevertheless.
func committed(o *outcome) error {
	if o.report.Committed.IsZero() {
		return o.err
	}
	return fmt.Errorf("%w. %s committed before; running the same command again goes on from there", o.err,
		plural(o.report.Loaded, "row was", "rows were"))
}
