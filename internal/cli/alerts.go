package cli

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/alert"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/jobs"
)

func (a *app) alertsCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "alerts",
		Short: "Tell people by a webhook what is wrong: failed jobs, stale tables, much in quarantine",
		Long: `What is wrong is told by a webhook that takes JSON, Slack's for example: once, again after a while (cooldown), and when it is
over. The configuration file says what and where, under alerts. A daemon (tapline run) looks by itself, and a job that fails
is told also by tapline run JOB --once; tapline alerts check is for cron.`,
		Example: `  tapline alerts test
  tapline alerts check --dry-run`,
	}, a.alertsTest(), a.alertsCheck())
}

// noWebhook says that there is nobody to be told.
func (a *app) noWebhook() error {
	return &config.Error{
		Setting: "alerts", Problem: "the configuration file names no webhook",
		Hint: "set alerts.webhook_env to the environment variable that has its URL, or alerts.webhook_file",
	}
}

// teller returns what tells alerts, or nil if the configuration file names no webhook. It is the caller's to close.
func (a *app) teller(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (*alert.Teller, error) {
	s := a.file.AlertSettings()
	if s.KeyFrom == "" {
		return nil, nil //nolint:nilnil // nobody is told
	}
	reference := s.KeyFrom
	if path, found := strings.CutPrefix(reference, "file:"); found {
		path, err := filepath.Abs(a.besideFile(path))
		if err != nil {
			return nil, err
		}
		reference = "file:" + path
	}
	url, err := federate.KeyReader(a.env)(ctx, reference)
	if err != nil {
		return nil, &config.Error{Setting: "alerts", Problem: "the webhook's URL cannot be read: " + err.Error()}
	}
	t, err := alert.New(pool, alert.Options{
		URL: strings.TrimSpace(url), AllowHTTP: s.AllowHTTP, AllowPrivate: s.AllowPrivate, Cooldown: s.Cooldown, Timeout: s.Timeout,
		Version: readVersion().Version, Logger: log,
	})
	if err != nil {
		return nil, &config.Error{Setting: "alerts", Value: s.KeyFrom, Problem: err.Error()}
	}
	return t, nil
}

type toldJSON struct {
	Told bool `json:"told"`
}

func (a *app) alertsTest() *cobra.Command {
	return &cobra.Command{
		Use: "test", Short: "Send a test message",
		Long:    `Send a test message to the webhook of the configuration file. No database is asked.`,
		Example: "  tapline alerts test --config deploy/tapline.yaml",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if a.file, err = config.Find(a.configFile, a.env); err != nil {
				return err
			}
			t, err := a.teller(c.Context(), nil, a.log)
			if err != nil {
				return err
			}
			if t == nil {
				return a.noWebhook()
			}
			defer t.Close()
			if err := t.Test(c.Context()); err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(toldJSON{true})
			}
			p := newPrinter(a.stdout, a.env)
			p.line(p.green("✓") + " the webhook of " + a.file.AlertSettings().KeyFrom + " has taken a test message")
			return nil
		},
	}
}

// alertJSON is one thing that was looked at.
type alertJSON struct {
	alert.Condition
	Told bool `json:"told"` // by this command
}

func (a *app) alertsCheck() *cobra.Command {
	dryRun := false
	c := &cobra.Command{
		Use: "check", Short: "Look at jobs, tables and quarantine now, and tell what is wrong, or over",
		Long: `Look at everything that the configuration file has alerts for, print it, and tell the webhook what is wrong and was not told,
or is over. Exit code 2 if anything is wrong.`,
		Example: `  tapline alerts check --dry-run
  tapline alerts check --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withJobs(c.Context(), false, func(pool *pgxpool.Pool) error { return a.checkAlerts(c.Context(), pool, dryRun) })
		},
	}
	a.databaseFlags(c)
	c.Flags().BoolVar(&dryRun, "dry-run", false, "print what is wrong; tell nobody")
	return c
}

func (a *app) checkAlerts(ctx context.Context, pool *pgxpool.Pool, dryRun bool) error {
	var t *alert.Teller
	if !dryRun {
		var err error
		if t, err = a.teller(ctx, pool, a.log); err != nil {
			return err
		}
		if t == nil {
			return a.noWebhook()
		}
		defer t.Close()
	}
	found, failed := alert.Check(ctx, pool, a.alertRules(ctx, pool, a.log))
	out, wrong := make([]alertJSON, 0, len(found)), 0
	for _, c := range found {
		j := alertJSON{Condition: c}
		if c.Firing {
			wrong++
		}
		if t != nil {
			var err error
			j.Told, err = t.Tell(ctx, c)
			failed = errors.Join(failed, err)
		}
		out = append(out, j)
	}
	if a.json {
		if err := a.writeJSON(out); err != nil {
			return err
		}
	} else {
		newPrinter(a.stdout, a.env).alerts(out)
	}
	switch {
	case failed != nil:
		return failed
	case wrong > 0:
		return &exitError{code: exitFound}
	}
	return nil
}

func (p *printer) alerts(all []alertJSON) {
	wrong := 0
	for _, c := range all {
		if !c.Firing {
			continue
		}
		wrong++
		text := p.red("✗") + " " + printable(c.Text)
		if c.Told {
			text += p.dim(" (told)")
		}
		p.line(text)
	}
	if wrong == 0 {
		p.line(p.green("✓") + " nothing is wrong, of " + plural(len(all), "thing", "things") + " looked at")
	}
}

// alertRules are those of the configuration file. A source that has no tables yet is left out.
func (a *app) alertRules(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) alert.Rules {
	s := a.file.AlertSettings()
	var r alert.Rules
	if s.Jobs {
		for _, name := range a.file.JobNames() {
			job, _ := a.file.Job(name)
			r.Jobs = append(r.Jobs, alert.Job{Name: name, Schedule: job.Schedule, Jitter: job.Jitter})
		}
	}
	schemaOf := func(nickname string) string {
		source, err := admin.Find(ctx, pool, nickname, "")
		if err != nil {
			log.WarnContext(ctx, "a source is not looked at", "source", nickname, "error", err)
		}
		return source.Schema
	}
	for _, rule := range s.Stale {
		if schema := schemaOf(rule.Source); schema != "" {
			r.Stale = append(r.Stale, alert.Stale{Source: rule.Source, Schema: schema, Tables: rule.Tables, After: rule.After})
		}
	}
	for _, rule := range s.Quarantine {
		if schema := schemaOf(rule.Source); schema != "" {
			r.Quarantine = append(r.Quarantine, alert.Limit{
				Source: rule.Source, Schema: schema, Percent: rule.Percent, Within: rule.Within, MinEvents: rule.MinEvents,
			})
		}
	}
	return r
}

// tellable reports whether the end of an attempt says how its job is.
func tellable(r *jobs.Run, last bool) bool {
	return last && r.Outcome != jobs.Running && r.Outcome != jobs.Skipped && r.Outcome != jobs.Interrupted
}

// tellLimit is how long the end of a run by hand may be told: what calls it waits.
const tellLimit = 15 * time.Second

// tellRun tells how a run by hand ended. That it cannot is logged and changes nothing.
func (a *app) tellRun(ctx context.Context, pool *pgxpool.Pool, r *jobs.Run) {
	if !tellable(r, true) || !a.file.AlertSettings().Jobs {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	t, err := a.teller(ctx, pool, a.log)
	if err == nil && t != nil {
		defer t.Close()
		_, err = t.Tell(ctx, alert.OfJob(*r))
	}
	if err != nil {
		a.log.WarnContext(ctx, "nobody was told how the job ended", "job", r.Job, "error", err)
	}
}

// bell tells alerts beside a daemon, in a goroutine of its own: nothing waits for it.
type bell struct {
	a     *app
	pool  *pgxpool.Pool
	log   *slog.Logger
	t     *alert.Teller
	ended chan jobs.Run
}

// newBell returns the bell of a daemon; nil if the configuration file names no webhook.
func (a *app) newBell(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (*bell, error) {
	t, err := a.teller(ctx, pool, log)
	if err != nil || t == nil {
		return nil, err
	}
	return &bell{a: a, pool: pool, log: log, t: t, ended: make(chan jobs.Run, 100)}, nil
}

// ring is for the end of an attempt. If there are too many to be told, the next look finds them.
func (b *bell) ring(r jobs.Run, last bool) {
	if b == nil || !tellable(&r, last) || !b.a.file.AlertSettings().Jobs {
		return
	}
	select {
	case b.ended <- r:
	default:
	}
}

// serve tells what rings, and looks at everything now and then, until ctx ends.
func (b *bell) serve(ctx context.Context) {
	defer b.t.Close()
	tick := time.NewTicker(b.a.file.AlertSettings().CheckEvery)
	defer tick.Stop()
	for {
		var found []alert.Condition
		var err error
		select {
		case <-ctx.Done():
			return
		case r := <-b.ended:
			found = []alert.Condition{alert.OfJob(r)}
		case <-tick.C:
			found, err = alert.Check(ctx, b.pool, b.a.alertRules(ctx, b.pool, b.log))
		}
		for _, c := range found {
			_, failed := b.t.Tell(ctx, c)
			err = errors.Join(err, failed)
		}
		if err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "alerts: something was not looked at, or not told", "error", err)
		}
	}
}
