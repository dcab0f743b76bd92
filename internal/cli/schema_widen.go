package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/widen"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// widenFlags are the flags of schema widen.
type widenFlags struct {
	batchSize                int
	pause, wait, lockTimeout time.Duration
	rewrite, dryRun, abort   bool
}

func (a *app) schemaWidenCommand() *cobra.Command {
	var f widenFlags
	c := &cobra.Command{
		Use:   "widen TABLE.COLUMN TYPE",
		Short: "Give a column a wider type, while loads and queries go on",
		Long: `Give a column a wider type: bigint to double precision or numeric, double precision to numeric, anything to text; in
a schema that another warehouse made also integer, real, varchar and others. Every value stays what it is; what would
change one is refused. A trait of identifies widens together with users, one of groups with accounts.

A second column is filled in small steps, by a trigger in rows that come meanwhile, and then takes the place of the first
under a short lock. Values that waited in _discards for the wider type are stored after that. The change is recorded as a
numbered migration. The command may be interrupted: the same command goes on, --abort takes back what it began. The column
is then the last of its table. Comment, grants, tracks, and views whose own columns keep their types stay.

With --rewrite the type is changed where the column stands; nobody can read the table until Postgres has written it anew.`,
		Example: `  tapline schema widen purchase.amount numeric --source CleverTap_Prod
  tapline schema widen purchase.amount "double precision" --dry-run
  tapline schema widen purchase.amount numeric --batch-size 2000 --pause 500ms
  tapline schema widen purchase.amount numeric --rewrite
  tapline schema widen purchase.amount --abort`,
		Args: func(_ *cobra.Command, args []string) error { return f.check(args) },
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSource(c.Context(), func(pool *pgxpool.Pool, s admin.Source) error {
				return a.widen(c.Context(), pool, s, args, f)
			})
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	flags := c.Flags()
	flags.IntVar(&f.batchSize, "batch-size", widen.DefaultBatchSize, "fill `N` rows in one transaction")
	flags.DurationVar(&f.pause, "pause", 50*time.Millisecond, "wait this `TIME` between two of them")
	flags.DurationVar(&f.lockTimeout, "lock-timeout", widen.DefaultLockTimeout, "give a lock up after this `TIME`, and try again; readers wait behind it")
	flags.DurationVar(&f.wait, "wait", widen.DefaultWait, "try for a lock for this `TIME`")
	flags.BoolVar(&f.rewrite, "rewrite", false, "change the type in place, with the table locked")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the steps and their SQL, and change nothing")
	flags.BoolVar(&f.abort, "abort", false, "take back what an interrupted run has begun")
	return c
}

// check checks the command line. The type may be two words.
func (f *widenFlags) check(args []string) error {
	const types = "use bigint, double precision, numeric or text"
	switch {
	case len(args) == 0 || !strings.Contains(args[0], "."):
		return &config.Error{Setting: "TABLE.COLUMN", Value: strings.Join(args, " "), Problem: "no column is named", Hint: "write table and column, such as purchase.amount"}
	case f.abort && len(args) == 1:
	case len(args) == 1:
		return &config.Error{Setting: "TYPE", Problem: "not given", Hint: types}
	case wideType(args) == schema.Unknown:
		return &config.Error{Setting: "TYPE", Value: strings.Join(args[1:], " "), Problem: "unknown type", Hint: types}
	case strings.Contains(strings.Join(args[1:], " "), "("):
		return &config.Error{Setting: "TYPE", Value: strings.Join(args[1:], " "), Problem: "a wide type has no length", Hint: types}
	}
	if f.abort && (f.rewrite || f.dryRun) {
		return &config.Error{Setting: "--abort", Problem: "goes with neither --rewrite nor --dry-run", Hint: "leave these out"}
	}
	for name, value := range map[string]time.Duration{"--lock-timeout": f.lockTimeout, "--wait": f.wait} {
		if value <= 0 {
			return &config.Error{Setting: name, Value: value.String(), Problem: "too short", Hint: "use a time such as 300ms or 10m"}
		}
	}
	if f.pause < 0 {
		return &config.Error{Setting: "--pause", Value: f.pause.String(), Problem: "negative", Hint: "use 0 or a time such as 100ms"}
	}
	return atLeastOne("--batch-size", f.batchSize)
}

func wideType(args []string) schema.Type {
	name := strings.Join(args[1:], " ")
	if strings.EqualFold(name, "double") {
		return schema.Double
	}
	return schema.ParseType(name)
}

func (a *app) widen(ctx context.Context, pool *pgxpool.Pool, s admin.Source, args []string, f widenFlags) error {
	table, column, err := splitColumn(ctx, pool, s.Schema, args[0])
	if err != nil {
		return err
	}
	req := widen.Request{
		Schema: s.Schema, Table: table, Column: column, To: wideType(args), Source: s.Nickname,
		BatchSize: f.batchSize, Pause: f.pause, LockTimeout: f.lockTimeout, Wait: f.wait,
	}
	if f.abort {
		return a.abortWiden(ctx, pool, req)
	}
	m, err := migrations.Open(ctx, pool.Config().ConnConfig, s.Schema, migrations.Options{
		Logger: a.log, LockTimeout: f.lockTimeout, RetryFor: f.wait, LockWait: f.wait,
	})
	if err != nil {
		return err
	}
	defer m.Close()
	var stop func()
	req.Progress, stop = a.widenProgress()
	defer stop()
	job, err := widen.Open(ctx, pool, m, req)
	if err != nil {
		return widenUsage(err)
	}
	f.rewrite = f.rewrite || job.Instant()
	if f.dryRun {
		return a.widenSteps(ctx, s, job, f.rewrite)
	}
	return a.runWiden(ctx, s, job, f.rewrite, stop)
}

// splitColumn parts TABLE.COLUMN where the table is one that exists: names may have dots of their own.
func splitColumn(ctx context.Context, pool *pgxpool.Pool, schemaName, name string) (table, column string, err error) {
	for i := range len(name) {
		if name[i] != '.' {
			continue
		}
		typ, err := migrations.ColumnType(ctx, pool, schemaName, name[:i], name[i+1:])
		if err != nil {
			return "", "", err
		}
		if typ != "" {
			return name[:i], name[i+1:], nil
		}
	}
	table, column, _ = strings.Cut(name, ".")
	return table, column, nil
}

// widenUsage marks the errors of a column or a type that cannot be meant.
func widenUsage(err error) error {
	var narrow *migrations.NarrowingError
	var none *widen.NotFoundError
	var nothing *widen.NothingError
	if errors.As(err, &narrow) || errors.As(err, &none) || errors.As(err, &nothing) {
		return usage(err)
	}
	return err
}

func (a *app) abortWiden(ctx context.Context, pool *pgxpool.Pool, req widen.Request) error {
	if err := widen.Abort(ctx, pool, req); err != nil {
		return widenUsage(err)
	}
	if a.json {
		return a.writeJSON(map[string]any{"table": req.Table, "column": req.Column, "aborted": true})
	}
	p := newPrinter(a.stdout, a.env)
	p.line(p.green("✓") + " Took back what was begun of " + req.Table + "." + req.Column + "; the column is as it was.")
	return nil
}

type widenJSON struct {
	admin.Source
	Columns   []widenColumnJSON `json:"columns"`
	Rewritten bool              `json:"rewritten"` // in place
	Resumed   bool              `json:"resumed"`
	Rows      int64             `json:"rows"`
	Waiting   widen.Waiting     `json:"waiting"`
	Migration uint              `json:"migration"` // 0 if an earlier run applied it
}

type widenColumnJSON struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	From   string `json:"from"`
	To     string `json:"to"`
}

func widenColumns(job *widen.Job) []widenColumnJSON {
	out := make([]widenColumnJSON, len(job.Columns))
	for i := range job.Columns {
		c := &job.Columns[i]
		out[i] = widenColumnJSON{c.Table, c.Column, c.From, c.To.String()}
	}
	return out
}

func (a *app) runWiden(ctx context.Context, s admin.Source, job *widen.Job, rewrite bool, stop func()) error {
	resumed := job.Begun
	a.announce(job, rewrite)
	do := job.Run
	if rewrite {
		do = job.Rewrite
	}
	done, err := do(ctx)
	stop()
	if err != nil {
		if job.Begun && !a.json && !a.quiet {
			newPrinter(a.stderr, a.env).line("What was done so far stays: the same command goes on, --abort takes it back.")
		}
		return err
	}
	if a.json {
		return a.writeJSON(widenJSON{s, widenColumns(job), rewrite, resumed, done.Rows, done.Waiting, done.File.Version})
	}
	p := newPrinter(a.stdout, a.env)
	for _, c := range widenColumns(job) {
		p.line(p.green("✓") + " Widened " + p.bold(c.Table+"."+c.Column) + " from " + c.From + " to " + c.To)
	}
	if len(job.Columns) == 0 {
		p.line(p.green("✓") + " The column has that type already")
	}
	rows := [][2]string{{"waiting values", number(done.Waiting.Stored) + " stored, " + number(done.Waiting.Left) + " still wait"}}
	if !rewrite && len(job.Columns) > 0 {
		rows = append([][2]string{{"rows filled", number(done.Rows)}}, rows...)
	}
	if done.File.Version > 0 {
		rows = append(rows, [2]string{"migration", fmt.Sprintf("%06d_%s", done.File.Version, done.File.Name)})
	}
	p.fields(rows)
	return nil
}

// announce says what is about to happen to whom.
func (a *app) announce(job *widen.Job, rewrite bool) {
	if a.json || a.quiet {
		return
	}
	p := newPrinter(a.stderr, a.env)
	var bytes int64
	for i := range job.Columns {
		bytes += job.Columns[i].Bytes
	}
	switch {
	case len(job.Columns) == 0:
	case job.Instant():
		p.line("Nothing has to be written anew: Postgres changes the type at once.")
	case rewrite:
		p.linef("The table is locked while Postgres writes its %s anew: very roughly %s.", size(bytes),
			span(time.Duration(job.LockEstimate()*float64(time.Second)).Round(100*time.Millisecond)))
	case job.Swapped && job.Begun:
		p.line("The column has its new type already; what is left are the values that wait.")
	case job.Begun:
		p.line("Going on with what an earlier run has begun.")
	}
}

func (a *app) widenSteps(ctx context.Context, s admin.Source, job *widen.Job, rewrite bool) error {
	describe := job.Steps
	if rewrite {
		describe = job.RewriteSteps
	}
	steps, err := describe(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(struct {
			admin.Source
			Columns []widenColumnJSON `json:"columns"`
			Steps   []widen.Described `json:"steps"`
		}{s, widenColumns(job), list(steps)})
	}
	a.announce(job, rewrite)
	p := newPrinter(a.stdout, a.env)
	for i, step := range steps {
		p.linef("-- %d. %s", i+1, step.Title)
		if step.SQL != "" {
			p.line(strings.TrimRight(step.SQL, "\n"))
		}
	}
	return nil
}
