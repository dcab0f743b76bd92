package cli

import (
	"fmt"

	"github.com/tapline/tapline/migrations"
)

// warnings are sentences about what loaded and may yet be wrong.
func warnings(o *outcome) []string {
	r := o.report
	out := filterWarnings(o)
	n := r.Notes
	zone := n.TimeZone
	if zone == "" {
		zone = "none given"
	}
	if n.Future > 0 && n.Future*100 > r.Accepted {
		out = append(out, fmt.Sprintf("%s of %s events are in the future: is the time zone right (%s)?",
			number(n.Future), number(r.Accepted), zone))
	}
	if n.AmbiguousHours > 0 {
		out = append(out, fmt.Sprintf("%s at a local time that exists twice in %s (clocks go back): the earlier one was taken",
			plural(n.AmbiguousHours, "event is", "events are"), zone))
	}
	if n.MissingHours > 0 {
		out = append(out, fmt.Sprintf("%s at a local time that does not exist in %s (clocks go forward): moved on by the gap",
			plural(n.MissingHours, "event is", "events are"), zone))
	}
	for _, b := range r.Blocked {
		out = append(out, fmt.Sprintf("column %s.%s is bigint and met fractions, which wait in _discards. To widen it and store them: %s",
			b[0], b[1], o.widenCommand(b)))
	}
	for _, x := range r.Indexes {
		if x.Status == migrations.IndexFailed {
			out = append(out, "the "+indexName(x.Index)+" was not made: "+indexProblem(x))
		}
	}
	return out
}

// widenCommand is the command that widens a column while loads go on. A numeric column takes whatever a bigint one has.
func (o *outcome) widenCommand(column [2]string) string {
	return programName() + " schema widen " + shellWord(column[0]+"."+column[1]) + " numeric --source " + shellWord(o.source) + o.flags
}

// filterWarnings are about --include and --exclude: a misspelt pattern leaves out too much, or keeps what was to go.
func filterWarnings(o *outcome) (out []string) {
	r := o.report
	if o.filter == nil || r.Accepted+r.Filtered == 0 {
		return nil // nothing was read that they could match
	}
	for _, pattern := range o.filter.Unused() {
		out = append(out, pattern+" matches nothing in these files: is it spelt as in the files, or as the table and column?")
	}
	if r.Accepted == 0 && !o.dryRun {
		out = append(out, "every event was filtered out, and the files count as loaded: to load them with other patterns, "+
			"undo these loads first (tapline loads list, tapline loads undo)")
	}
	return out
}

func (p *printer) warn(o *outcome) {
	all := warnings(o)
	if len(all) == 0 {
		return
	}
	p.heading("Warnings")
	for _, w := range all {
		p.line("  " + p.yellow("!") + " " + w)
	}
}
