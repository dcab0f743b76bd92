package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/jobs"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
)

// runFlags are those of run.
type runFlags struct {
	once      bool
	ifRunning string
	parallel  int
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [JOB...]",
		Short: "Run the jobs of the configuration file: on their schedules, or one now",
		Long: `Run the jobs that the configuration file declares, each when it is due, until the process is asked to stop: all of them,
or those that are named. With --once run one job now, wait for its end, and exit with its code: for cron, systemd, Kubernetes
or Airflow. The last line on stdout is a JSON object if it failed, and always with --json.

A job runs once at a time, on all machines that share the database: a run holds a lock of Postgres over a connection of its
own, and ends if that connection is lost. Daemons side by side share the work. What was due while none ran is made up for
once (catch_up: false in the file: not at all); a run that was interrupted, or whose process was killed, is gone on with.
Runs that fail are tried again (retries, backoff).

SIGTERM stops a run cleanly: its open transaction is rolled back, and it is noted as interrupted.

` + databaseHelp + `

` + configHelp + `

` + exitHelp,
		Example: `  tapline run                                   # the daemon
  tapline run hourly_files --once               # one job now
  tapline run hourly_files --once --if-running skip --json
  tapline jobs list`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.once && len(args) != 1:
				return &config.Error{Setting: "--once", Problem: "needs one job", Hint: "name it, as in: tapline run hourly_files --once"}
			case !f.once && f.ifRunning != "":
				return &config.Error{Setting: "--if-running", Value: f.ifRunning, Problem: "only with --once", Hint: "a daemon goes by overlap in the configuration file"}
			}
			return oneOf("--if-running", f.ifRunning, config.Overlaps())
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.once {
				return a.runOnce(c.Context(), args[0], f)
			}
			return a.runDaemon(c, args, f)
		},
		ValidArgsFunction: a.completeJob,
	}
	a.databaseFlags(c)
	flags := c.Flags()
	flags.BoolVar(&f.once, "once", false, "run the job now and end")
	flags.StringVar(&f.ifRunning, "if-running", "", "with --once, if another run of the job is at work, `DO` this: wait, skip (exit code 0) or fail (default the job's overlap, else wait)")
	flags.IntVar(&f.parallel, "parallel", 4, "run at most `N` jobs on a schedule at once in this process")
	complete(c, "if-running", config.Overlaps())
	return c
}

// oneOf checks a flag that has a few values.
func oneOf(flag, value string, words []string) error {
	for _, w := range words {
		if value == "" || value == w {
			return nil
		}
	}
	return &config.Error{Setting: flag, Value: value, Problem: "unknown value", Hint: "use " + config.AnyOf(words, "")}
}

// completeJob offers the jobs of the configuration file.
func (a *app) completeJob(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
	if f, err := config.Find(a.configFile, a.env); err == nil {
		for _, name := range f.JobNames() {
			names = append(names, name+"\t"+f.Jobs[name].Kind)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// namedJobs returns the settings of jobs of the configuration file, of all if none is named.
func (a *app) namedJobs(names []string) ([]config.JobSettings, error) {
	if len(a.file.Jobs) == 0 {
		where := "there is no configuration file"
		if a.file.Path != "" {
			where = a.file.Path + " has no jobs"
		}
		return nil, &config.Error{Setting: "jobs", Problem: where, Hint: "declare them under jobs, as tapline.example.yaml does"}
	}
	if len(names) == 0 {
		names = a.file.JobNames()
	}
	var out []config.JobSettings
	for _, name := range names {
		s, ok := a.file.Job(name)
		if !ok {
			problem := "no job of that name in " + a.file.Path
			if near := a.file.NearestJob(name); near != "" {
				problem += ", did you mean " + near + "?"
			}
			return nil, &config.Error{Setting: "JOB", Value: name, Problem: problem, Hint: "jobs are " + config.AnyOf(a.file.JobNames(), "")}
		}
		if err := a.checkJobCommand(s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// checkJobCommand reads the command line of a job without running it.
func (a *app) checkJobCommand(s config.JobSettings) error {
	c := a.commandOf(jobCommands()[s.Kind])
	if c == nil {
		return &config.Error{Setting: "kind", Value: s.Kind, Problem: "this program has no such command"}
	}
	args := a.jobArgs(s, true, time.Now())[len(jobCommands()[s.Kind]):]
	wrong := func(problem, hint string) error {
		return &config.Error{Setting: "args", Problem: "job " + s.Name + ": " + problem, Hint: hint}
	}
	if err := c.ParseFlags(args); err != nil {
		return wrong(flagError(c, err).Error(), "see "+c.CommandPath()+" --help")
	}
	if watch := c.Flags().Lookup("watch"); watch != nil && watch.Changed {
		return wrong("--watch goes on for ever, and so would a run", "make it watch: "+watch.Value.String()+", in place of a schedule")
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		return wrong(err.Error(), "")
	}
	return nil
}

// withJobs connects to a database that has a place for the history of jobs.
func (a *app) withJobs(ctx context.Context, create bool, do func(*pgxpool.Pool) error) error {
	s, err := a.server(ctx, create)
	if err != nil {
		return err
	}
	pool, err := s.pool(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	if create { // a job's lock belongs to a session, too
		if err := loader.Check(ctx, pool); err != nil {
			return err
		}
	}
	if _, err := jobs.History(ctx, pool, "", 1); errors.Is(err, jobs.ErrNotSetUp) && create {
		if err := migrations.Control(ctx, pool.Config().ConnConfig, migrations.Options{}); err != nil {
			return fmt.Errorf("make the tables of jobs, which a role that may not make tables leaves to tapline migrate up: %w", err)
		}
	} else if err != nil && !errors.Is(err, jobs.ErrNotSetUp) {
		return err
	}
	return do(pool)
}

// runJSON is the last line of run --once. Its keys are stable.
type runJSON struct {
	jobs.Run
	Kind    string  `json:"kind"`
	Source  string  `json:"source"`
	Code    int     `json:"exit_code"` // of this process
	Seconds float64 `json:"duration_seconds"`
}

// runOnce runs one job and says how it ended.
func (a *app) runOnce(ctx context.Context, name string, f runFlags) error {
	named, err := a.namedJobs([]string{name})
	if err != nil {
		return a.ranOnce(config.JobSettings{Name: name}, &jobs.Run{}, err)
	}
	s := named[0]
	overlap := jobs.Overlap(cmp.Or(f.ifRunning, s.Overlap))
	ran := false
	err = a.withJobs(ctx, true, func(pool *pgxpool.Pool) error {
		job := a.job(s, true)
		run, err := jobs.New(pool, a.jobOptions(nil)).Once(ctx, &job, overlap)
		ran = true
		err = a.ranOnce(s, &run, err)
		a.tellRun(ctx, pool, &run)
		return err
	})
	if !ran {
		return a.ranOnce(s, &jobs.Run{}, err)
	}
	return err
}

// ranOnce says how a run ended and returns the error that stands for the exit code.
func (a *app) ranOnce(s config.JobSettings, run *jobs.Run, err error) error {
	code := runCode(run, err)
	if code == exitDone && !a.json {
		newPrinter(a.stdout, a.env).runEnded(run)
		return nil
	}
	message := run.Error
	if err != nil {
		message = describe(err)
		if run.Outcome == "" {
			run.Outcome = jobs.Failed
		}
		if errors.Is(err, context.Canceled) {
			run.Outcome = jobs.Interrupted
		}
		run.Error = message
	}
	run.Job = s.Name
	a.answered = true
	if err := a.writeLine(runJSON{*run, s.Kind, s.Source, code, run.Took().Seconds()}); err != nil {
		return err
	}
	if code == exitDone || code == exitQuarantined {
		return &exitError{code: code}
	}
	return &exitError{code, fmt.Errorf("job %s: %s: %s", s.Name, outcomeWords(run.Outcome), message)}
}

// runCode is the exit code for how a run ended.
func runCode(run *jobs.Run, err error) int {
	switch {
	case err != nil:
		return exitCode(err)
	case run.Outcome == jobs.Quarantined:
		return exitQuarantined
	case run.Outcome == jobs.Found:
		return exitFound
	case run.Outcome == jobs.Done, run.Outcome == jobs.Skipped:
		return exitDone
	case run.Outcome == jobs.Failed && run.ExitCode != nil && *run.ExitCode != 0:
		return *run.ExitCode
	}
	return exitFailed
}

// neverRan says that a run by hand did not begin, such as because of the configuration file: who reads its last line
// finds one.
func (a *app) neverRan(c *cobra.Command, err error, code int) {
	once, wrong := c.Flags().GetBool("once")
	if job := c.Flags().Args(); c.Name() == "run" && wrong == nil && once && len(job) == 1 {
		r := jobs.Run{Job: job[0], Outcome: jobs.Failed, Error: describe(err)}
		a.answered = a.writeLine(runJSON{Run: r, Code: code}) == nil
	}
}

// writeLine writes a JSON document as one line.
func (a *app) writeLine(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// jobOptions are those of all runs; log is nil for none.
func (a *app) jobOptions(log *slog.Logger) jobs.Options {
	o := jobs.Options{Version: readVersion().Version, Logger: a.log}
	if log != nil {
		o.Logger = log
		o.Started = func(r jobs.Run) {
			log.Info("job started", "job", r.Job, "cause", r.Cause, "attempt", r.Attempt)
		}
	}
	return o
}

// logRun tells how an attempt ended.
func logRun(log *slog.Logger, r *jobs.Run, last bool) {
	level := slog.LevelInfo
	if !r.Outcome.OK() {
		level = slog.LevelError
	}
	attrs := []any{"job", r.Job, "outcome", string(r.Outcome), "took", r.Took().Round(time.Millisecond), "attempt", r.Attempt}
	if len(r.Counts) > 0 {
		attrs = append(attrs, "counts", r.Counts)
	}
	if r.Error != "" {
		attrs = append(attrs, "error", r.Error)
	}
	if !r.Outcome.OK() && !last {
		attrs = append(attrs, "again", true)
	}
	log.Log(context.Background(), level, "job ended", attrs...)
}

// runDaemon runs jobs on their schedules. Unless a level is asked for, its log has what starts and ends.
func (a *app) runDaemon(c *cobra.Command, names []string, f runFlags) error {
	ctx := c.Context()
	settings, err := a.namedJobs(names)
	if err != nil {
		return err
	}
	if f.parallel < 1 {
		return &config.Error{Setting: "--parallel", Value: fmt.Sprint(f.parallel), Problem: "too few", Hint: "use 1 or more"}
	}
	log := a.log
	if !c.Flags().Changed("log-level") {
		if log, err = a.logger("info"); err != nil {
			return err
		}
	}
	a.limitMemory(int64(f.parallel) * memoryLimit) // each job would take it for its own
	var all []jobs.Job
	for _, s := range settings {
		all = append(all, a.job(s, false))
	}
	return a.withJobs(ctx, true, func(pool *pgxpool.Pool) error {
		bell, err := a.newBell(ctx, pool, log)
		if err != nil {
			return err
		}
		o := a.jobOptions(log)
		o.Parallel = f.parallel
		o.Ended = func(r jobs.Run, last bool) {
			logRun(log, &r, last)
			bell.ring(r, last)
		}
		d := jobs.NewDaemon(jobs.New(pool, o), all)
		if d.Jobs() == 0 {
			return &config.Error{Setting: "jobs", Problem: "none of them has a schedule", Hint: "give one, or run one of them now with --once"}
		}
		log.Info("daemon started", "jobs", d.Jobs(), "version", o.Version)
		defer log.Info("daemon stopped")
		if bell != nil {
			ctx, cancel := context.WithCancel(ctx)
			var wg sync.WaitGroup
			defer wg.Wait()
			defer cancel()
			wg.Go(func() { bell.serve(ctx) })
		}
		return d.Run(ctx)
	})
}
