package config

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tapline/tapline/internal/schedule"
)

// Job is what the file says of one job: a command, and when it runs.
type Job struct {
	Kind   string   `yaml:"kind" doc:"What it does: load, pull, verify, replay, prune or federate."`
	Source string   `yaml:"source" doc:"Nickname of the source. Defaults to the only one of this file; for federate, to all."`
	Inputs []string `yaml:"inputs" doc:"What a load loads: files, folders, globs, relative to this file, or URLs of object stores."`
	Args   []string `yaml:"args" doc:"Further flags of the command. {today}, {yesterday} and {today-7d} become dates."`
	// Schedule is a cron expression; without one the daemon does not start the job, but for Watch and federate.
	Schedule string `yaml:"schedule" doc:"Cron expression: minute, hour, day of month, month, day of week; or @daily, @every 90m."`
	Timezone string `yaml:"timezone" doc:"IANA name of the time zone of schedule and of {today}. Defaults to UTC."`
	Jitter   string `yaml:"jitter" doc:"Start up to so much later, by chance. Defaults to 0s."`
	Watch    string `yaml:"watch" doc:"Instead of a schedule: look for new inputs at this interval, always."`
	Retries  *int64 `yaml:"retries" doc:"How often a run that failed is tried again. Defaults to 2."`
	Backoff  string `yaml:"backoff" doc:"Pause before the first retry; each further one is twice as long, at most 30m. Defaults to 30s."`
	Timeout  string `yaml:"timeout" doc:"How long one attempt may take. Defaults to no limit."`
	CatchUp  *bool  `yaml:"catch_up" doc:"Whether what was missed while no daemon ran is made up for, once. Defaults to true."`
	Overlap  string `yaml:"overlap" doc:"If another run of the job is at work: wait for its end (the default), skip, or fail."`
}

// JobSettings is a Job whose words have become values.
type JobSettings struct {
	Name, Kind, Source string
	Inputs, Args       []string
	// Schedule is nil for a job that runs always or by hand.
	Schedule *schedule.Schedule
	Zone     *time.Location
	// Always is set for a job that the daemon starts again whenever it has ended.
	Always           bool
	Watch            time.Duration // 0 if the inputs are not watched
	Jitter, Backoff  time.Duration
	Timeout          time.Duration // 0 for none
	Retries          int
	CatchUp          bool
	Overlap          string
	ScheduleAsItsSet string // expression and zone; empty without one
}

// Kinds are the values of a job's kind.
func Kinds() []string { return []string{"load", "pull", "verify", "replay", "prune", "federate"} }

// Overlaps are the values of a job's overlap.
func Overlaps() []string { return []string{OverlapWait, OverlapSkip, OverlapFail} }

// What a run does that finds another run of its job at work.
const (
	OverlapWait = "wait"
	OverlapSkip = "skip"
	OverlapFail = "fail"
)

// JobNames are the jobs that the file names, in order.
func (f *File) JobNames() []string { return slices.Sorted(maps.Keys(f.Jobs)) }

// Job returns the settings of a job of a file that was checked; false if there is no job of that name.
func (f *File) Job(name string) (JobSettings, bool) {
	j := f.Jobs[name]
	if j == nil {
		return JobSettings{}, false
	}
	s, _ := j.settings(name)
	if s.Source == "" && len(f.Sources) == 1 && s.Kind != "federate" { // that is about all destinations
		s.Source = f.Nicknames()[0]
	}
	return s, true
}

// NearestJob returns the job whose name was probably meant; empty if there is none.
func (f *File) NearestJob(name string) string { return nearest(name, f.JobNames()) }

// jobProblem is what is wrong with a setting of a job.
type jobProblem struct{ key, problem, hint string }

// maxRetries and maxWord bound what a job may ask for.
const (
	maxRetries = 100
	maxWord    = 63
)

func jobName(name string) bool {
	return name != "" && len(name) <= maxWord && !strings.HasPrefix(name, "-") && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// settings makes values of the words, and says what is wrong with them.
func (j *Job) settings(name string) (JobSettings, []jobProblem) {
	s := JobSettings{
		Name: name, Kind: j.Kind, Source: j.Source, Inputs: j.Inputs, Args: j.Args, Retries: 2, CatchUp: true, Zone: time.UTC,
		Overlap: cmp.Or(j.Overlap, OverlapWait),
	}
	var wrong []jobProblem
	add := func(key, problem, hint string) { wrong = append(wrong, jobProblem{key, problem, hint}) }
	for _, w := range []struct {
		key, word string
		to        *time.Duration
		least     time.Duration
	}{
		{"jitter", j.Jitter, &s.Jitter, 0},
		{"watch", j.Watch, &s.Watch, time.Second},
		{"backoff", cmp.Or(j.Backoff, "30s"), &s.Backoff, 0},
		{"timeout", j.Timeout, &s.Timeout, time.Second},
	} {
		var ok bool
		if w.word == "" {
			continue
		}
		if *w.to, ok = ParseAge(w.word); !ok || *w.to < w.least {
			add(w.key, fmt.Sprintf("%s %q: no length of time of %s or more", w.key, w.word, w.least), "use a number with its unit, such as 30s, 10m, 6h or 2d")
		}
	}
	if j.Retries != nil {
		if s.Retries = int(*j.Retries); *j.Retries < 0 || *j.Retries > maxRetries {
			add("retries", fmt.Sprintf("retries is %d", *j.Retries), fmt.Sprintf("use 0 to %d", maxRetries))
		}
	}
	if j.CatchUp != nil {
		s.CatchUp = *j.CatchUp
	}
	wrong = append(wrong, j.words(name, &s)...)
	return s, wrong
}

// words checks kind, overlap, time zone and schedule.
func (j *Job) words(name string, s *JobSettings) (wrong []jobProblem) {
	add := func(key, problem, hint string) { wrong = append(wrong, jobProblem{key, problem, hint}) }
	if !jobName(name) {
		add("", fmt.Sprintf("job %q: the name is not of letters, digits, - _ and ., at most %d", name, maxWord), "")
	}
	switch {
	case j.Kind == "":
		add("kind", "job "+name+" has no kind", "use "+AnyOf(Kinds(), ""))
	case !slices.Contains(Kinds(), j.Kind):
		add("kind", fmt.Sprintf("kind %q: unknown value%s", j.Kind, didYouMean(j.Kind, Kinds())), "use "+AnyOf(Kinds(), ""))
	}
	if !slices.Contains(Overlaps(), s.Overlap) {
		add("overlap", fmt.Sprintf("overlap %q: unknown value", j.Overlap), "use "+AnyOf(Overlaps(), ""))
	}
	zone, err := time.LoadLocation(cmp.Or(j.Timezone, "UTC"))
	if err != nil || j.Timezone == "Local" {
		add("timezone", fmt.Sprintf("timezone %q: unknown time zone", j.Timezone), "use an IANA name, such as Asia/Kolkata, America/New_York or UTC")
		zone = time.UTC
	}
	s.Zone = zone
	if j.Schedule != "" {
		if s.Schedule, err = schedule.Parse(j.Schedule, zone); err != nil {
			add("schedule", fmt.Sprintf("schedule %q: %s", j.Schedule, err), "")
		} else {
			s.ScheduleAsItsSet = s.Schedule.String()
		}
	}
	s.Always = s.Watch > 0 || j.Kind == "federate" && j.Schedule == ""
	return append(wrong, j.together()...)
}

// together checks what settings mean to each other.
func (j *Job) together() (wrong []jobProblem) {
	add := func(key, problem, hint string) { wrong = append(wrong, jobProblem{key, problem, hint}) }
	switch {
	case j.Kind == "load" && len(j.Inputs) == 0:
		add("kind", "a load without inputs", "name files, folders or URLs under inputs")
	case j.Kind != "load" && len(j.Inputs) > 0:
		add("inputs", "inputs are a load's", "remove them, or make it kind: load")
	case slices.Contains(j.Inputs, "-"):
		add("inputs", "a job has no standard input", "name files, folders or URLs")
	}
	switch {
	case j.Watch != "" && j.Schedule != "":
		add("watch", "watch and schedule are both given", "keep one of them")
	case j.Watch != "" && j.Kind != "load":
		add("watch", "only the inputs of a load can be watched", "give a schedule")
	}
	for _, list := range []struct {
		key   string
		words []string
	}{{"inputs", j.Inputs}, {"args", j.Args}} {
		for _, word := range list.words {
			if unknown := unknownDate(word); unknown != "" {
				add(list.key, fmt.Sprintf("%s is no date", unknown), "use {today}, {yesterday} or {today-7d}")
			}
		}
	}
	return wrong
}

// dateWord is what stands for a date.
var dateWord = regexp.MustCompile(`\{[^{}]*\}`)

var knownDate = regexp.MustCompile(`^\{(today|yesterday|today-([0-9]{1,4})d)\}$`)

func unknownDate(word string) string {
	for _, found := range dateWord.FindAllString(word, -1) {
		if !knownDate.MatchString(found) {
			return found
		}
	}
	return ""
}

// Dates writes dates for {today}, {yesterday} and {today-7d}: the local ones of an instant, as 2026-01-31.
func (s *JobSettings) Dates(words []string, at time.Time) []string {
	at = at.In(s.Zone)
	day := func(back int) string {
		return time.Date(at.Year(), at.Month(), at.Day()-back, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = dateWord.ReplaceAllStringFunc(word, func(found string) string {
			parts := knownDate.FindStringSubmatch(found)
			switch {
			case parts == nil:
				return found
			case parts[1] == "yesterday":
				return day(1)
			}
			back, _ := strconv.Atoi(cmp.Or(parts[2], "0"))
			return day(back)
		})
	}
	return out
}

// didYouMean asks whether one of some words was meant, in whatever case they are.
func didYouMean(word string, words []string) string {
	for _, near := range words {
		if strings.ToLower(near) == nearest(word, lower(words)) {
			return ", did you mean " + near + "?"
		}
	}
	return ""
}

func lower(words []string) (out []string) {
	for _, w := range words {
		out = append(out, strings.ToLower(w))
	}
	return out
}

// checkJobs returns everything that is wrong with jobs.
func (f *File) checkJobs() (errs []error) {
	for _, name := range f.JobNames() {
		j := f.Jobs[name]
		_, wrong := j.settings(name)
		for _, w := range wrong {
			errs = append(errs, f.wrong(w.problem, w.hint, "jobs", name, w.key))
		}
		if err := f.checkJobSource(name, j); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (f *File) checkJobSource(name string, j *Job) error {
	names := f.Nicknames()
	switch {
	case j.Source != "" && f.Sources[j.Source] == nil:
		hint := "name it there, with a colon after it"
		if len(names) > 0 {
			hint = "sources are " + AnyOf(names, "") + "; or " + hint
		}
		return f.wrong(fmt.Sprintf("source %q is not in sources%s", j.Source, didYouMean(j.Source, names)), hint, "jobs", name, "source")
	case j.Source == "" && len(names) != 1 && j.Kind != "federate":
		return f.wrong("job "+name+" has no source", "name one of sources", "jobs", name)
	}
	return nil
}
