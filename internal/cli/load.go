package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/loader"
)

// memoryLimit keeps the garbage collector's heap in bounds, so that the process stays below 200 MiB of memory.
const memoryLimit = 170 << 20

// loadFlags are those of load alone.
type loadFlags struct {
	dryRun, quiet bool
}

func (a *app) loadCommand() *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use:   "load PATH... --source NICKNAME",
		Short: "Load files of events, each whole and never twice",
		Long: `Load the events in files into the tables of a source. PATH is a file, a folder, a glob, or - for the standard
input; plain, gzip or zstd; JSON lines or CSV; Segment calls or CleverTap exports. Each file is one transaction: all
of it is visible afterwards, or nothing; a plain file above --unit-max-bytes is several. Files that were loaded before are skipped, events that are there already are
counted as duplicates, so running the same command again is always safe. Ctrl-C rolls the open file back.

CleverTap exports need --timezone and --account: their times have no zone and their records no id.

A PATTERN of --include and --exclude is EVENT or EVENT.PROPERTY, as it is sent or as the table and column are called, in
any case; * stands for any characters, ? for one. A dot in an event's name is written \. in the pattern. A pattern that
matches nothing is named in the summary.

` + databaseHelp + `

` + configHelp + `

` + exitHelp,
		Example: `  tapline load events.ndjson.gz --source CleverTap_Prod
  tapline load exports/ -s CleverTap_Prod --timezone Asia/Kolkata --account 123-456-7890
  zcat *.gz | tapline load - -s Web --dsn postgres://loader@db.example.com/analytics
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
	valid, err := a.cfg.Validate()
	if err != nil {
		return err
	}
	if a.env("GOMEMLIMIT") == "" && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memoryLimit)
	}
	src, err := a.files(ctx, paths, valid)
	if err != nil {
		return usage(err)
	}
	if c, ok := src.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	a.quiet = f.quiet
	o := &outcome{source: a.cfg.Source, paths: paths, filter: valid.Filter, quiet: f.quiet, dryRun: f.dryRun, flags: a.sameDatabase()}
	var pool *pgxpool.Pool
	if o.server, err = a.loadServer(ctx, f); err != nil {
		return err
	}
	if o.server != nil {
		if pool, err = o.server.pool(ctx); err != nil {
			return err
		}
		defer pool.Close()
	}
	l, err := loader.New(pool, a.loaderConfig(valid))
	if err != nil {
		return usage(err)
	}
	defer l.Close()
	run := l.Load
	if f.dryRun {
		run = l.Plan
	}
	watched := &watchedSource{Source: src}
	stop := a.watch(ctx, watched, l, f)
	report, err := run(ctx, watched)
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

func (a *app) files(ctx context.Context, paths []string, valid config.Valid) (loader.Source, error) {
	f := a.cfg.Files
	stdin := a.stdin
	if slices.Contains(paths, "-") {
		stdin = interruptible(ctx, stdin)
	}
	return loader.Files(paths, loader.FileOptions{
		Format: f.Format, Timezone: valid.Zone, Account: f.Account, Event: f.Event, UserIdentity: f.UserIdentity,
		UnitMaxBytes: valid.UnitMaxBytes, Stdin: stdin, TempDir: f.TempDir, Logger: a.log,
	})
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

func (a *app) loaderConfig(valid config.Valid) loader.Config {
	cfg := loader.Config{
		Source: a.cfg.Source, Schema: a.cfg.Schema, Evolve: loader.Mode(a.cfg.Evolve), ChunkBytes: valid.ChunkBytes,
		Workers: a.cfg.Workers, WidenMaxRows: a.cfg.WidenMaxRows, Indexes: a.indexes(), Logger: a.log,
	}
	if valid.Filter != nil { // a nil *Filter in an interface would be a filter
		cfg.Filter = valid.Filter
	}
	return cfg
}

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
