package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// summary prints what a load did: the result first, then the tables, what was left out and why, warnings, failures, and
// what to type next.
func (a *app) summary(o *outcome) {
	p := newPrinter(a.stdout, a.env)
	p.result(o)
	p.tables(o.report)
	p.reasons("Quarantined", "EVENTS", o.report.Quarantine)
	p.reasons("Discarded values (their rows are loaded)", "VALUES", o.report.Discards)
	p.warn(o)
	p.failures(o.report)
	if o.dryRun {
		p.sql(o.report.Plan)
		return
	}
	if o.err == nil || o.onlyUnits() {
		p.next(o)
	}
}

// result is the line that most people read alone.
func (p *printer) result(o *outcome) {
	r := o.report
	mark := p.green("✓")
	switch {
	case o.err != nil:
		mark = p.red("✗")
	case r.Quarantined > 0, len(r.Units) == 0:
		mark = p.yellow("!")
	}
	p.line(mark + " " + p.bold(o.headline()))
	if parts := o.parts(); len(parts) > 0 {
		p.line("  " + p.dim(strings.Join(parts, " · ")))
	}
}

// headline is the result in one sentence.
func (o *outcome) headline() string {
	r := o.report
	switch {
	case len(r.Units) == 0:
		return "Nothing to load: no file in " + printable(strings.Join(o.paths, ", "))
	case o.dryRun:
		return fmt.Sprintf("Would load %s into schema %s", plural(r.Loaded, "event", "events"), r.Schema)
	case r.FailedUnits() == len(r.Units):
		return "Loaded nothing into schema " + r.Schema
	case r.SkippedUnits() == len(r.Units):
		return "Nothing new for schema " + r.Schema
	}
	return fmt.Sprintf("Loaded %s into schema %s in %s", plural(r.Loaded, "event", "events"), r.Schema, span(r.Duration))
}

// parts are the counts below the headline, as far as they are not 0.
func (o *outcome) parts() (parts []string) {
	r := o.report
	for _, part := range []struct {
		n         int
		one, many string
	}{
		{r.FinishedUnits(), "file " + o.past(), "files " + o.past()},
		{r.SkippedUnits(), "file skipped (loaded before)", "files skipped (loaded before)"},
		{r.FailedUnits(), "file failed", "files failed"},
	} {
		if part.n > 0 {
			parts = append(parts, plural(part.n, part.one, part.many))
		}
	}
	for _, part := range []struct {
		n    int64
		what string
	}{{r.Duplicates, "duplicates"}, {r.Quarantined, "quarantined"}, {r.Filtered, "filtered out"}} {
		if part.n > 0 {
			parts = append(parts, number(part.n)+" "+part.what)
		}
	}
	if r.Bytes > 0 && r.Accepted > 0 && !o.dryRun {
		parts = append(parts, fmt.Sprintf("%s, %s events/s", size(r.Bytes), number(perSecond(r.Accepted, r.Duration))))
	}
	return parts
}

// past says what happened to files that are fine.
func (o *outcome) past() string {
	if o.dryRun {
		return "read"
	}
	return "loaded"
}

// maxTables is how many tables are named; the others are summed up. Their rows are in --json.
const maxTables = 40

func (p *printer) tables(r *loader.Report) {
	g := &grid{header: []string{"~TABLE", ">ROWS", ">DUPLICATES", ">DISCARDS", "<CHANGES"}}
	var columns int
	var more, rows, duplicates, discards int64
	for _, name := range sortedTables(r) {
		t := r.Tables[name]
		if t.Loaded+t.Duplicates+t.Discarded == 0 && !t.New && t.NewColumns == nil && t.Widened == nil {
			continue
		}
		columns += len(t.NewColumns)
		if len(g.rows) == maxTables {
			more, rows, duplicates, discards = more+1, rows+t.Loaded, duplicates+t.Duplicates, discards+t.Discarded
			continue
		}
		g.add(name, some(t.Loaded), some(t.Duplicates), some(t.Discarded), p.changes(t))
	}
	if len(g.rows) == 0 {
		return
	}
	if more > 0 {
		g.add("… "+plural(more, "more table", "more tables"), some(rows), some(duplicates), some(discards), "")
	}
	if len(g.rows) > 1 {
		added := ""
		if columns > 0 {
			added = plural(columns, "new column", "new columns")
		}
		g.footer = []string{"total", number(r.Loaded), some(r.Duplicates), some(r.Discarded), added}
	}
	p.line()
	p.print(g)
}

// sortedTables returns the tables with most rows first.
func sortedTables(r *loader.Report) []string {
	return slices.SortedFunc(maps.Keys(r.Tables), func(x, y string) int {
		if n := cmp.Compare(r.Tables[y].Loaded, r.Tables[x].Loaded); n != 0 {
			return n
		}
		return cmp.Compare(x, y)
	})
}

// maxNames is how long the names of new columns may be together; else they are counted.
const maxNames = 40

func (p *printer) changes(t *loader.TableReport) string {
	var parts []string
	if t.New {
		parts = append(parts, p.green("new table"))
	}
	if len(t.NewColumns) > 0 {
		parts = append(parts, names("+", t.NewColumns))
	}
	if len(t.Widened) > 0 {
		parts = append(parts, "widened: "+names("", t.Widened))
	}
	return strings.Join(parts, ", ")
}

func names(sign string, columns []string) string {
	if all := strings.Join(columns, ", "); len(all) <= maxNames {
		return sign + all
	}
	return sign + number(len(columns)) + " columns"
}

func (p *printer) reasons(title, unit string, counts map[schema.Reason]int64) {
	if len(counts) == 0 {
		return
	}
	p.heading(title)
	g := &grid{header: []string{"REASON", ">" + unit}}
	for _, reason := range sortedReasons(counts) {
		g.add(string(reason), number(counts[reason]))
	}
	p.print(g)
}

func sortedReasons(counts map[schema.Reason]int64) []schema.Reason {
	return slices.SortedFunc(maps.Keys(counts), func(x, y schema.Reason) int {
		if n := cmp.Compare(counts[y], counts[x]); n != 0 {
			return n
		}
		return cmp.Compare(x, y)
	})
}

// maxFailures is how many failed files are named.
const maxFailures = 20

func (p *printer) failures(r *loader.Report) {
	failed := r.FailedUnits()
	if failed == 0 {
		return
	}
	p.heading("Failed (nothing of these files is in the database)")
	shown := 0
	for i := range r.Units {
		if r.Units[i].Status != loader.Failed {
			continue
		}
		if shown == maxFailures {
			p.linef("  … and %s more", number(failed-shown))
			return
		}
		shown++
		p.line("  " + p.red("✗") + " " + describe(r.Units[i].Err))
	}
}

// maxSQL is how many lines of SQL a terminal gets.
const maxSQL = 60

// sql prints what a dry run would change.
func (p *printer) sql(plan string) {
	p.heading("SQL")
	if plan == "" {
		p.line("  none: the schema has all it needs")
		return
	}
	lines := strings.SplitAfter(strings.TrimRight(plan, "\n"), "\n")
	if p.width > 0 && len(lines) > maxSQL {
		p.line(strings.Join(lines[:maxSQL], "") + p.dim("… "+number(len(lines)-maxSQL)+" more lines; all are there when the output goes to a file"))
		return
	}
	p.line(strings.Join(lines, ""))
}

// next tells what people want to do now.
func (p *printer) next(o *outcome) {
	r := o.report
	if len(r.Units) == 0 {
		return
	}
	program := programName()
	flags := " --source " + shellWord(o.source) + o.flags
	p.heading("Next")
	if r.FailedUnits() > 0 {
		p.line("  put right what failed and run the same command again: what is loaded is skipped")
	}
	if name := largest(r); name != "" {
		p.line("  " + p.cyan(program+" psql"+flags+" -- -c "+shellWord(firstQuestion(name))))
	} else if r.FailedUnits() < len(r.Units) {
		p.line("  " + p.cyan(program+" status"+flags))
	}
	if r.Quarantined > 0 {
		p.line("  " + p.cyan(program+" quarantine list"+flags))
	}
	if o.server != nil && o.server.local != nil {
		p.line("  " + p.dim("DSN for other programs: ") + o.server.DSN)
	}
}

// firstQuestion is what to ask of any event's table first: few rows and few columns, and they say whether the load is
// plausible.
func firstQuestion(table string) string {
	return "select timestamp::date as day, count(*) as events, count(distinct user_id) as users from " +
		pgx.Identifier{table}.Sanitize() + " group by 1 order by 1 desc limit 10"
}

// largest is the table that got most rows now.
func largest(r *loader.Report) string {
	for _, name := range sortedTables(r) {
		if r.Tables[name].Loaded > 0 && name != schema.TableUsers && name != schema.TableAccounts {
			return name
		}
	}
	return ""
}

// shellWord quotes a word for a shell where that is needed.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-./:,@%+=", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
