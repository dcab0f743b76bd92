package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/pgtest"
)

// declared writes a configuration file and returns the flag that names it.
func (w *world) declared(text string) string {
	return "--config=" + w.file("tapline.yaml", text)
}

// runLine is what run --once prints last.
type runLine struct {
	Job      string           `json:"job"`
	Outcome  string           `json:"outcome"`
	ExitCode int              `json:"exit_code"`
	Attempt  int              `json:"attempt"`
	Counts   map[string]int64 `json:"counts"`
	Error    string           `json:"error"`
	Host     string           `json:"host"`
	Version  string           `json:"version"`
	Kind     string           `json:"kind"`
	Source   string           `json:"source"`
}

func lastLine(t *testing.T, stdout string) (line runLine) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatalf("the last line is no JSON: %v\n%s", err, stdout)
	}
	return line
}

const jobsFile = `
sources: {Web: {}}
jobs:
  files: {kind: load, inputs: [events/]}
  broken: {kind: load, inputs: [broken.ndjson.gz], retries: 1, backoff: 1ms}
  missing: {kind: load, inputs: [nowhere/], retries: 3, backoff: 1ms}
  daily: {kind: load, inputs: ["events/{today}.ndjson"], schedule: "@daily"}
  bad: {kind: prune, args: [--loads-oldr-than, 3d]}
  clean: {kind: prune, args: [--loads-older-than, 3d]}
  forward: {kind: federate}
`

func TestRunOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flag := w.declared(jobsFile)
	if err := os.Mkdir(filepath.Join(w.dir, "events"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.file("events/a.ndjson", purchases(5))
	r := w.must(0, "run", "files", "--once", flag)
	contains(t, r.stdout, "✓ job files: done in ", "accepted 5, loaded 5")
	line := lastLine(t, w.must(0, "run", "files", "--once", "--json", flag).stdout)
	if line.Job != "files" || line.Outcome != "done" || line.Kind != "load" || line.Source != "Web" || line.Counts["loaded"] != 0 || line.Host == "" || line.Version == "" {
		t.Errorf("got %+v", line)
	}
	w.file("events/b.ndjson", badLine+purchases(6))
	line = lastLine(t, w.must(3, "run", "files", "--once", flag).stdout)
	if line.Outcome != "quarantined" || line.ExitCode != 3 || line.Counts["loaded"] != 1 || line.Counts["quarantined"] != 1 {
		t.Errorf("got %+v", line)
	}
	w.file("broken.ndjson.gz", gzipped(t, purchases(100))[:100])
	r = w.must(1, "run", "broken", "--once", flag)
	line = lastLine(t, r.stdout)
	if line.Outcome != "failed" || line.Attempt != 2 || line.ExitCode != 1 || !strings.Contains(line.Error, "broken.ndjson.gz") {
		t.Errorf("got %+v", line)
	}
	contains(t, r.stderr, "tapline: job broken: failed: ")
	if line = lastLine(t, w.must(64, "run", "missing", "--once", flag).stdout); line.Attempt != 1 {
		t.Errorf("what is wrong with the settings is not tried again: %+v", line)
	}
	contains(t, w.must(64, "run", "forward", "--once", flag).stderr, "there are no destinations")
	w.must(0, "run", "clean", "--once", flag)
	w.history(flag)
	for _, more := range [][]string{{}, {"--json"}} { // a run that does not even begin has a last line, too
		r = w.must(64, append([]string{"run", "files", "--once", "--config", w.file("wrong.yaml", "jobz: {}\n")}, more...)...)
		if line = lastLine(t, r.stdout); line.Job != "files" || line.Outcome != "failed" || line.ExitCode != 64 || !strings.Contains(line.Error, "wrong.yaml:1:1: ") {
			t.Errorf("got %+v", line)
		}
		contains(t, r.stderr, "wrong.yaml:1:1: ")
	}
}

// history looks at what TestRunOnce did.
func (w *world) history(flag string) {
	w.t.Helper()
	contains(w.t, w.must(0, "jobs", "list", flag).stdout, "broken", "failed", "@daily UTC", "by hand", "quarantined")
	contains(w.t, w.must(0, "jobs", "history", "broken", flag).stdout, "What went wrong", "broken.ndjson.gz", "hand")
	var all []runLine
	w.json(0, &all, "jobs", "history", flag, "--limit", "3")
	if len(all) != 3 || all[0].Job != "clean" || all[1].Job != "forward" || all[2].Job != "missing" {
		w.t.Errorf("history %+v", all)
	}
	var jobs []struct {
		Name    string     `json:"name"`
		Next    *time.Time `json:"next"`
		Running bool       `json:"running"`
		Last    *runLine   `json:"last"`
	}
	w.json(0, &jobs, "jobs", "list", flag)
	if len(jobs) != 7 || jobs[3].Name != "daily" || jobs[3].Next == nil || jobs[3].Last != nil || jobs[1].Last.Outcome != "failed" || jobs[1].Running {
		w.t.Errorf("jobs %+v", jobs)
	}
}

func TestRunMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flag := w.declared(jobsFile)
	for line, want := range map[string]string{
		"run --once":                      "--once: needs one job",
		"run files daily --once":          "--once: needs one job",
		"run files --if-running skip":     "only with --once",
		"run files --once --if-running x": `--if-running "x": unknown value`,
		"run fils --once":                 `JOB "fils": no job of that name in ` + w.dir + "/tapline.yaml, did you mean files?",
		"run bad --once":                  "job bad: unknown flag: --loads-oldr-than. Did you mean --loads-older-than?",
		"run files":                       "none of them has a schedule",
		"run daily --parallel 0":          `--parallel "0": too few`,
		"jobs history nope":               "no such job has run",
		"jobs history --limit 0":          "too few",
		"jobs lst":                        "Did you mean list?",
	} {
		r := w.must(64, append(strings.Fields(line), flag)...)
		contains(t, r.stderr, want)
	}
	if line := lastLine(t, w.must(64, "run", "fils", "--once", flag).stdout); line.Job != "fils" || line.ExitCode != 64 || line.Outcome != "failed" {
		t.Errorf("got %+v", line)
	}
	contains(t, w.must(64, "run", "files", "--once", "--config="+w.file("empty.yaml", "")).stderr, "has no jobs")
	contains(t, w.must(0, "jobs", "list", "--config="+w.file("empty.yaml", "")).stdout, "There are no jobs")
	down := w.run("run", "files", "--once", flag, "--dsn", "postgres://me@127.0.0.1:1/db")
	if line := lastLine(t, down.stdout); down.code != 1 || line.Job != "files" || line.Outcome != "failed" || !strings.Contains(line.Error, "connection refused") {
		t.Errorf("without a database: %d, %+v", down.code, line)
	}
	contains(t, w.must(0, "__complete", "run", flag, "d").stdout, "daily\tload")
}

// What is dated is loaded for the day on which the job was due, in the job's zone.
func TestRunDates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flag := w.declared(`
sources: {Web: {}}
jobs:
  daily: {kind: load, inputs: ["{yesterday}.ndjson"], timezone: Pacific/Kiritimati}
`)
	zone, err := time.LoadLocation("Pacific/Kiritimati")
	if err != nil {
		t.Fatal(err)
	}
	now := pgtest.Value[time.Time](t, pgtest.PoolAt(t, w.dsn), "select now()")
	for _, day := range []int{-1, 0} { // midnight may be now
		w.file(now.In(zone).AddDate(0, 0, day).Format(time.DateOnly)+".ndjson", purchases(3))
	}
	if line := lastLine(t, w.must(0, "run", "daily", "--once", "--json", flag).stdout); line.Counts["loaded"] != 3 {
		t.Errorf("got %+v", line)
	}
}
