package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/jobs"
)

// jobCommands are the commands of the kinds of jobs.
func jobCommands() map[string][]string {
	return map[string][]string{
		"load": {"load"}, "pull": {"pull"}, "verify": {"verify"}, "replay": {"quarantine", "replay"}, "prune": {"prune"}, "federate": {"federate"},
	}
}

// job makes a job of its settings. once is set if it is to end.
func (a *app) job(s config.JobSettings, once bool) jobs.Job {
	return jobs.Job{
		Name: s.Name, Schedule: s.Schedule, Always: s.Always && !once, Jitter: s.Jitter, Retries: s.Retries, Backoff: s.Backoff, Timeout: s.Timeout,
		CatchUp: s.CatchUp, Overlap: jobs.Overlap(s.Overlap), Work: a.jobWork(s, once || !s.Always),
	}
}

// jobWork runs a job's command line within this process, as a person would run it, and reads its JSON document.
func (a *app) jobWork(s config.JobSettings, once bool) jobs.Work {
	return func(ctx context.Context, attempt jobs.Attempt) jobs.Result {
		out := &documents{}
		if !once {
			out.each = func(doc json.RawMessage) { a.noteRound(ctx, s.Name, doc, attempt.Note) }
		}
		code := Run(ctx, a.jobArgs(s, once, attempt.At), strings.NewReader(""), out, a.stderr, a.environ)
		return out.result(code)
	}
}

// jobArgs is the command line of a job.
func (a *app) jobArgs(s config.JobSettings, once bool, at time.Time) []string {
	args := slices.Clone(jobCommands()[s.Kind])
	c := a.commandOf(args)
	has := func(flag string) bool { return c != nil && c.Flags().Lookup(flag) != nil }
	for _, input := range s.Dates(s.Inputs, at) {
		args = append(args, a.besideFile(input))
	}
	args = append(args, "--json", "--log-format", a.logFormat, "--log-level", a.logLevel)
	for _, f := range []struct {
		flag, value string
	}{{"config", a.file.Path}, {"source", s.Source}, {"dsn", a.cfg.Database.DSN}, {"data-dir", a.dataDirFlagValue()}} {
		if f.value != "" && (f.flag == "config" || has(f.flag)) {
			args = append(args, "--"+f.flag+"="+f.value)
		}
	}
	switch {
	case s.Kind == "federate" && once:
		args = append(args, "--once")
	case s.Watch > 0 && !once:
		args = append(args, "--watch="+s.Watch.String())
	}
	if has("quiet") {
		args = append(args, "--quiet")
	}
	return append(args, s.Dates(s.Args, at)...)
}

// dataDirFlagValue is --data-dir as it was given; that of the file is found again there.
func (a *app) dataDirFlagValue() string {
	if a.cfg.Database.DataDir == a.file.DataDir {
		return ""
	}
	return a.cfg.Database.DataDir
}

// besideFile makes a path of the configuration file start where that is.
func (a *app) besideFile(input string) string {
	if strings.Contains(input, "://") || filepath.IsAbs(input) {
		return input
	}
	return filepath.Join(filepath.Dir(a.file.Path), input)
}

// commandOf finds a command by its words, or nil.
func (a *app) commandOf(words []string) *cobra.Command {
	other := &app{stdin: a.stdin, stdout: a.stdout, stderr: a.stderr, file: a.file}
	c, rest, err := other.root().Find(words)
	if err != nil || len(rest) > 0 {
		return nil
	}
	return c
}

// noteRound notes what a command that goes on for ever has done so far. What failed in it does not end it.
func (a *app) noteRound(ctx context.Context, job string, doc json.RawMessage, note func(map[string]int64)) {
	counts := countsOf(doc)
	said := saidIn(doc)
	if said.Error != "" {
		counts["failed_rounds"]++
		a.log.ErrorContext(ctx, "a job goes on after a failure", "job", job, "error", said.Error)
	}
	note(counts)
}

// documents takes the JSON documents that a command prints: one, or one after the other if it goes on for ever.
type documents struct {
	each func(json.RawMessage) // takes each document at once; nil if only the last one counts
	last json.RawMessage
	rest string // of a document that is not complete
}

// Write implements io.Writer.
func (d *documents) Write(p []byte) (int, error) {
	d.rest += string(p)
	for strings.HasSuffix(d.rest, "\n") && d.cut() {
		if d.each != nil {
			d.each(d.last)
		}
	}
	return len(p), nil
}

// cut takes the first document off what is not taken yet. It returns false if that is not complete, or blank.
func (d *documents) cut() bool {
	decoder := json.NewDecoder(strings.NewReader(d.rest))
	var doc json.RawMessage
	if decoder.Decode(&doc) != nil {
		return false
	}
	d.rest, d.last = d.rest[decoder.InputOffset():], doc
	return true
}

// saidJSON is what all documents have that fail.
type saidJSON struct {
	Error string `json:"error"`
}

func saidIn(doc json.RawMessage) (said saidJSON) {
	_ = json.Unmarshal(doc, &said) // without a document there is nothing said
	return said
}

// countsOf returns the numbers of a document: those under counts, else those at its top.
func countsOf(doc []byte) map[string]int64 {
	var top map[string]json.RawMessage
	out := map[string]int64{}
	if json.Unmarshal(doc, &top) != nil {
		return out
	}
	if nested, ok := top["counts"]; ok {
		var inner map[string]json.RawMessage
		if json.Unmarshal(nested, &inner) == nil {
			top = inner
		}
	}
	for key, value := range top {
		var n int64
		if json.Unmarshal(value, &n) == nil && string(value) != "null" && key != "exit_code" {
			out[key] = n
		}
	}
	return out
}

// result is what an exit code and the last document mean.
func (d *documents) result(code int) jobs.Result {
	r := jobs.Result{Outcome: jobs.Failed, ExitCode: code, Error: saidIn(d.last).Error}
	if d.each == nil {
		r.Counts = countsOf(d.last)
	}
	switch code {
	case exitDone:
		r.Outcome = jobs.Done
	case exitQuarantined:
		r.Outcome = jobs.Quarantined
	case exitFound:
		r.Outcome, r.Error = jobs.Found, cmp.Or(r.Error, "the check found something")
	default:
		r.Error = cmp.Or(r.Error, fmt.Sprintf("exit code %d", code))
	}
	return r
}
