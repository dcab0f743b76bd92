package cli

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/jobs"
)

func (a *app) jobsCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "jobs",
		Short: "The jobs of the configuration file, and how their runs ended",
		Example: `  tapline jobs list
  tapline jobs history hourly_files --limit 50`,
	}, a.jobsList(), a.jobsHistory())
}

// jobJSON is a job in jobs list.
type jobJSON struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"` // empty if the configuration file does not have it
	Source   string     `json:"source"`
	Schedule string     `json:"schedule"`
	Always   bool       `json:"always"`
	Next     *time.Time `json:"next"`
	Running  bool       `json:"running"` // somebody holds its lock
	Last     *jobs.Run  `json:"last"`
}

func (a *app) jobsList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the jobs: what they do, when they are due, how the last run ended",
		Long: `List the jobs of the configuration file, and those that ran in this database and are not in the file. A run whose process is
gone is shown as lost: whether one is at work is asked of the lock that it holds in Postgres.`,
		Example: "  tapline jobs list --json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withJobs(c.Context(), false, func(pool *pgxpool.Pool) error { return a.listJobs(c.Context(), pool) })
		},
	}
	a.databaseFlags(c)
	return c
}

func (a *app) listJobs(ctx context.Context, pool *pgxpool.Pool) error {
	last, err := jobs.Last(ctx, pool)
	if err != nil && !errors.Is(err, jobs.ErrNotSetUp) {
		return err
	}
	names := slices.AppendSeq(a.file.JobNames(), maps.Keys(last))
	slices.Sort(names)
	all := []jobJSON{}
	for _, name := range slices.Compact(names) {
		j := jobJSON{Name: name}
		if s, ok := a.file.Job(name); ok {
			j.Kind, j.Source, j.Schedule, j.Always = s.Kind, s.Source, s.ScheduleAsItsSet, s.Always
			if s.Schedule != nil {
				next := s.Schedule.Next(time.Now())
				j.Next = &next
			}
		}
		if run, ok := last[name]; ok {
			j.Last = &run
			if _, j.Running, err = jobs.HeldBy(ctx, pool, name); err != nil {
				return err
			}
		}
		all = append(all, j)
	}
	if a.json {
		return a.writeJSON(all)
	}
	newPrinter(a.stdout, a.env).jobs(all)
	return nil
}

func (p *printer) jobs(all []jobJSON) {
	if len(all) == 0 {
		p.line("There are no jobs: declare them in the configuration file, under jobs.")
		return
	}
	g := &grid{header: []string{"JOB", "KIND", "SOURCE", "SCHEDULE", "NEXT", "LAST", "OUTCOME"}}
	for i := range all {
		j := &all[i]
		when, kind := cmp.Or(j.Schedule, "by hand"), j.Kind
		switch {
		case j.Kind == "":
			when, kind = "", p.dim("not in the file")
		case j.Always:
			when = "always"
		}
		var started, outcome string
		if j.Last != nil {
			started, outcome = moment(&j.Last.StartedAt), p.outcome(j.Last.Outcome)
			if j.Running && j.Last.Outcome != jobs.Running {
				outcome += " (goes on)"
			}
		}
		g.add(printable(j.Name), kind, printable(j.Source), when, moment(j.Next), started, outcome)
	}
	p.print(g)
}

// outcomeWords are an outcome for people.
func outcomeWords(o jobs.Outcome) string { return strings.ReplaceAll(string(o), "_", " ") }

func (p *printer) outcome(o jobs.Outcome) string {
	switch {
	case o == jobs.Done:
		return p.green(outcomeWords(o))
	case o.OK():
		return p.yellow(outcomeWords(o))
	}
	return p.red(outcomeWords(o))
}

func (a *app) jobsHistory() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "history [JOB]", Short: "List the newest attempts of a job, or of all",
		Long: `List the newest attempts of a job, or of all: when, why, how they ended, what they counted, and on which machine. The last
1,000 of a job are kept.`,
		Example: `  tapline jobs history hourly_files
  tapline jobs history --limit 100 --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := atLeastOne("--limit", limit); err != nil {
				return err
			}
			job := ""
			if len(args) > 0 {
				job = args[0]
			}
			return a.withJobs(c.Context(), false, func(pool *pgxpool.Pool) error { return a.showHistory(c.Context(), pool, job, limit) })
		},
		ValidArgsFunction: a.completeJob,
	}
	a.databaseFlags(c)
	c.Flags().IntVar(&limit, "limit", 20, "show the newest `N` attempts")
	return c
}

func (a *app) showHistory(ctx context.Context, pool *pgxpool.Pool, job string, limit int) error {
	all, err := jobs.History(ctx, pool, job, limit)
	if err != nil && !errors.Is(err, jobs.ErrNotSetUp) {
		return err
	}
	if len(all) == 0 && job != "" && a.file.Jobs[job] == nil {
		return &config.Error{Setting: "JOB", Value: job, Problem: "no such job has run, and the configuration file has none", Hint: "see tapline jobs list"}
	}
	if a.json {
		return a.writeJSON(list(all))
	}
	newPrinter(a.stdout, a.env).history(all)
	return nil
}

func (p *printer) history(all []jobs.Run) {
	if len(all) == 0 {
		p.line("No job has run in this database yet.")
		return
	}
	g := &grid{header: []string{"STARTED", "JOB", ">ATTEMPT", "CAUSE", "OUTCOME", ">TOOK", "~COUNTS", "HOST"}}
	for i := range all {
		r := &all[i]
		took := ""
		if r.FinishedAt != nil {
			took = span(r.Took())
		}
		g.add(moment(&r.StartedAt), printable(r.Job), some(int64(r.Attempt)), strings.ReplaceAll(r.Cause, "_", " "), p.outcome(r.Outcome), took,
			counted(r.Counts), printable(r.Host))
	}
	p.print(g)
	first := true
	for i := range all {
		if all[i].Error == "" {
			continue
		}
		if first {
			p.heading("What went wrong")
			first = false
		}
		p.line("  " + p.red("✗") + " " + moment(&all[i].StartedAt) + "  " + printable(all[i].Job) + ": " + printable(all[i].Error))
	}
}

// counted writes the counts that are not 0, those that people look for first.
func counted(counts map[string]int64) string {
	keys := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	var out []string
	for _, key := range keys {
		if n := counts[key]; n != 0 {
			out = append(out, strings.ReplaceAll(printable(key), "_", " ")+" "+number(n))
		}
	}
	return strings.Join(out, ", ")
}

func rank(key string) int {
	if i := slices.Index([]string{"accepted", "loaded", "quarantined", "duplicates"}, key); i >= 0 {
		return i
	}
	return 4
}

// runEnded says how a run ended.
func (p *printer) runEnded(r *jobs.Run) {
	text := p.green("✓") + " job " + printable(r.Job) + ": " + outcomeWords(r.Outcome)
	if r.Took() > 0 {
		text += " in " + span(r.Took())
	}
	if c := counted(r.Counts); c != "" {
		text += ": " + c
	}
	if r.Outcome == jobs.Skipped {
		text += ": " + printable(r.Error)
	}
	p.line(text)
}
