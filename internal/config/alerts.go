package config

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"
)

// Alerts say who is told when a job fails, a table gets no rows any more, or much goes to quarantine.
type Alerts struct {
	WebhookEnv  string `yaml:"webhook_env" doc:"Environment variable that has the webhook's URL, which is a secret."`
	WebhookFile string `yaml:"webhook_file" doc:"Or the file that has it."`
	Jobs        *bool  `yaml:"jobs" doc:"Whether failed jobs are told. Defaults to true."`
	// Stale is, by source and table, the age from which a table that gets no rows is told.
	Stale      map[string]map[string]string `yaml:"stale" doc:"By source and table (with * and ?): how long a table may get no rows, such as 6h."`
	Quarantine map[string]*QuarantineLimit  `yaml:"quarantine" doc:"By source: how much may go to quarantine."`
	CheckEvery string                       `yaml:"check_every" doc:"How often tables and quarantine are looked at. Defaults to 5m."`
	Cooldown   string                       `yaml:"cooldown" doc:"How long nothing is told again that goes on, at least 1s. Defaults to 4h."`
	Timeout    string                       `yaml:"timeout" doc:"How long the webhook may take to answer, at most 1m. Defaults to 10s."`
	AllowHTTP  bool                         `yaml:"allow_http" doc:"Allow a URL without TLS. Defaults to false."`
	// AllowPrivate allows addresses of this machine and of private networks.
	AllowPrivate bool `yaml:"allow_private" doc:"Allow addresses of this machine and of private networks. Defaults to false."`
}

// QuarantineLimit is how much of a source's events may go to quarantine.
type QuarantineLimit struct {
	Percent   float64 `yaml:"percent" doc:"More than this share of all events is told. Defaults to 1."`
	Within    string  `yaml:"within" doc:"Of the loads of the last hours or days. Defaults to 1h."`
	MinEvents *int64  `yaml:"min_events" doc:"Not if there were fewer events. Defaults to 100."`
}

// AlertSettings are Alerts whose words have become values.
type AlertSettings struct {
	// KeyFrom is where the URL is: env:NAME or file:PATH; empty without a webhook.
	KeyFrom                       string
	Jobs                          bool
	Stale                         []StaleRule
	Quarantine                    []QuarantineRule
	CheckEvery, Cooldown, Timeout time.Duration
	AllowHTTP, AllowPrivate       bool
}

// StaleRule says how long tables may get no rows.
type StaleRule struct {
	Source, Tables string // Tables is a pattern
	After          time.Duration
}

// QuarantineRule says how much of a source's events may go to quarantine.
type QuarantineRule struct {
	Source    string
	Percent   float64
	Within    time.Duration
	MinEvents int64
}

// AlertSettings returns the settings of alerts of a file that was checked.
func (f *File) AlertSettings() AlertSettings {
	s, _ := f.Alerts.settings()
	return s
}

// alertProblem is what is wrong at a path below alerts.
type alertProblem struct {
	problem, hint string
	path          []string
}

func (a *Alerts) settings() (AlertSettings, []alertProblem) {
	s := AlertSettings{Jobs: a.Jobs == nil || *a.Jobs, AllowHTTP: a.AllowHTTP, AllowPrivate: a.AllowPrivate}
	var wrong []alertProblem
	add := func(problem, hint string, path ...string) { wrong = append(wrong, alertProblem{problem, hint, path}) }
	age := func(word string, least time.Duration, path ...string) time.Duration {
		d, ok := ParseAge(word)
		if !ok || d < least {
			add(fmt.Sprintf("%s %q: no length of time of %s or more", path[len(path)-1], word, least), "use a number with its unit, such as 10m, 6h or 2d", path...)
		}
		return d
	}
	switch {
	case a.WebhookEnv != "" && a.WebhookFile != "":
		add("webhook_env and webhook_file are both given", "keep one of them", "webhook_file")
	case a.WebhookEnv != "":
		s.KeyFrom = "env:" + a.WebhookEnv
	case a.WebhookFile != "":
		s.KeyFrom = "file:" + a.WebhookFile
	}
	s.CheckEvery = age(cmp.Or(a.CheckEvery, "5m"), time.Second, "check_every")
	s.Cooldown = age(cmp.Or(a.Cooldown, "4h"), time.Second, "cooldown")
	if s.Timeout = age(cmp.Or(a.Timeout, "10s"), 100*time.Millisecond, "timeout"); s.Timeout > time.Minute {
		add(fmt.Sprintf("timeout %q: longer than a minute", a.Timeout), "give up earlier: what was not told is told at the next look", "timeout")
	}
	for _, source := range slices.Sorted(maps.Keys(a.Stale)) {
		for _, table := range slices.Sorted(maps.Keys(a.Stale[source])) {
			if _, err := path.Match(table, ""); err != nil {
				add(fmt.Sprintf("%q is no pattern of tables", table), "use names, with * and ?", "stale", source, table)
			}
			s.Stale = append(s.Stale, StaleRule{source, table, age(a.Stale[source][table], time.Second, "stale", source, table)})
		}
	}
	for _, source := range slices.Sorted(maps.Keys(a.Quarantine)) {
		q := a.Quarantine[source]
		rule := QuarantineRule{source, cmp.Or(q.Percent, 1), age(cmp.Or(q.Within, "1h"), time.Second, "quarantine", source, "within"), 100}
		if q.MinEvents != nil {
			rule.MinEvents = *q.MinEvents
		}
		if !(rule.Percent > 0 && rule.Percent <= 100) {
			add(fmt.Sprintf("percent is %v", rule.Percent), "use more than 0, at most 100", "quarantine", source, "percent")
		}
		s.Quarantine = append(s.Quarantine, rule)
	}
	return s, wrong
}

// checkAlerts returns everything that is wrong with alerts.
func (f *File) checkAlerts() (errs []error) {
	s, wrong := f.Alerts.settings()
	for _, w := range wrong {
		errs = append(errs, f.wrong(w.problem, w.hint, append([]string{"alerts"}, w.path...)...))
	}
	if s.KeyFrom == "" && (len(s.Stale)+len(s.Quarantine) > 0 || f.Alerts.Jobs != nil) {
		errs = append(errs, f.wrong("alerts go nowhere", "name the webhook's URL with webhook_env or webhook_file", "alerts"))
	}
	unknown := func(source string, path ...string) {
		if f.Sources[source] == nil {
			errs = append(errs, f.wrong(fmt.Sprintf("source %q is not in sources%s", source, didYouMean(source, f.Nicknames())),
				"name it there, with a colon after it", path...))
		}
	}
	for _, source := range slices.Sorted(maps.Keys(f.Alerts.Stale)) {
		unknown(source, "alerts", "stale", source)
	}
	for _, source := range slices.Sorted(maps.Keys(f.Alerts.Quarantine)) {
		unknown(source, "alerts", "quarantine", source)
	}
	return errs
}
