package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tapline/tapline/internal/pull"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/schema"
)

// pulled is what a pull came to.
type pulled struct {
	outcome
	pull *pull.Report
}

// pullJSON is the document of pull --json. Its keys are stable.
type pullJSON struct {
	*loadJSON
	From string `json:"from"`
	To   string `json:"to"`
	// Files would say of windows what Windows says.
	Files         *filesJSON     `json:"files,omitempty"`
	Windows       windowsJSON    `json:"windows"`
	SkippedEvents []pull.Skipped `json:"skipped_events"`
}

type windowsJSON struct {
	All     int `json:"all"`
	Settled int `json:"settled"`
	Loaded  int `json:"loaded"`
	Failed  int `json:"failed"`
}

// pulled tells what was done and returns the error that stands for the exit code.
func (a *app) pulled(ctx context.Context, o *pulled) error {
	code := exitCode(o.err)
	if code == exitDone && o.report.Quarantined > 0 {
		code = exitQuarantined
	}
	interrupted := ctx.Err() != nil && o.err != nil
	if interrupted {
		o.err = fmt.Errorf("interrupted: the open day was rolled back; %s committed. Run the same command again to go on",
			plural(o.report.FinishedUnits(), "window of an event and a day is", "windows of an event and a day are"))
	}
	if a.json {
		if err := a.writeJSON(o.json(code)); err != nil {
			return err
		}
	} else if (!o.quiet || code != exitDone) && (o.err == nil || !o.report.Committed.IsZero() || o.onlyUnits()) {
		a.pullSummary(o)
	}
	switch {
	case o.err == nil && code == exitDone:
		return nil
	case o.err == nil || o.onlyUnits() || a.json:
		return &exitError{code: code}
	}
	return &exitError{code, o.err}
}

func (o *pulled) json(code int) *pullJSON {
	r := o.pull
	return &pullJSON{
		loadJSON: newLoadJSON(&o.outcome, code), From: r.From.String(), To: r.To.String(), SkippedEvents: list(r.Skipped),
		Windows: windowsJSON{r.Windows, r.Settled, r.FinishedUnits(), r.FailedUnits()},
	}
}

// pullSummary prints what a pull did.
func (a *app) pullSummary(o *pulled) {
	p := newPrinter(a.stdout, a.env)
	r := o.pull
	mark := p.green("✓")
	switch {
	case o.err != nil:
		mark = p.red("✗")
	case r.Quarantined > 0:
		mark = p.yellow("!")
	}
	p.line(mark + " " + p.bold(o.headline()))
	p.line("  " + p.dim(strings.Join(o.parts(), " · ")))
	p.tables(o.report)
	p.reasons("Quarantined", "EVENTS", r.Quarantine)
	p.reasons("Discarded values (their rows are loaded)", "VALUES", r.Discards)
	p.warn(&o.outcome)
	p.skipped(r.Skipped)
	p.pullFailures(o)
	if o.err == nil || o.onlyUnits() {
		p.next(&o.outcome)
	}
}

func (o *pulled) headline() string {
	r := o.pull
	days := r.From.String()
	if r.To != r.From {
		days += " to " + r.To.String()
	}
	if r.Loaded == 0 && o.err == nil {
		return fmt.Sprintf("Nothing new of %s for schema %s", days, r.Schema)
	}
	return fmt.Sprintf("Pulled %s of %s into schema %s in %s", plural(r.Loaded, "event", "events"), days, r.Schema, span(r.Duration))
}

// parts are the counts below the headline.
func (o *pulled) parts() []string {
	r := o.pull
	parts := []string{plural(r.FinishedUnits(), "window read", "windows read")}
	for _, part := range []struct {
		n    int64
		what string
	}{
		{int64(r.Settled), "settled before"},
		{int64(r.FailedUnits()), "failed"},
		{r.Duplicates, "duplicates"},
		{r.Quarantined, "quarantined"},
		{r.Filtered, "filtered out"},
	} {
		if part.n > 0 {
			parts = append(parts, number(part.n)+" "+part.what)
		}
	}
	if r.Accepted > 0 {
		parts = append(parts, number(perSecond(r.Accepted, r.Duration))+" events/s")
	}
	return parts
}

// skipped names the events that are not given away.
func (p *printer) skipped(events []pull.Skipped) {
	for _, kind := range []struct{ reason, heading string }{
		{string(clevertap.ExportNotAllowed), "Not given away by this API (exports to files have them)"},
		{string(clevertap.UnknownEvent), "Not known to the account"},
	} {
		var names []string
		for _, e := range events {
			if e.Reason == kind.reason {
				names = append(names, printable(e.Event))
			}
		}
		if len(names) > 0 {
			p.heading(kind.heading)
			p.line("  " + strings.Join(names, ", "))
		}
	}
}

// pullFailures names the windows that failed.
func (p *printer) pullFailures(o *pulled) {
	if o.pull.FailedUnits() == 0 {
		return
	}
	p.heading("Failed (nothing of these windows is new in the database; the next pull without --from tries them again)")
	shown := 0
	for i := range o.pull.Units {
		if err := o.pull.Units[i].Err; err != nil {
			if shown++; shown > maxFailures {
				p.linef("  … and %s more", number(o.pull.FailedUnits()-maxFailures))
				return
			}
			p.line("  " + p.red("✗") + " " + describe(err))
		}
	}
}

// pullProgress shows how far a pull is until the returned function is called.
func (a *app) pullProgress(o *pull.Options, quiet bool) (done func()) {
	if quiet {
		return func() {}
	}
	p := newPrinter(a.stderr, a.env)
	var mu sync.Mutex
	var ended bool
	var told time.Duration
	var past []pull.Progress
	o.Progress = func(now pull.Progress) {
		mu.Lock()
		defer mu.Unlock()
		past = append(past, now)
		past = past[max(0, len(past)-20):]
		rate := perSecond(now.Events-past[0].Events, now.Elapsed-past[0].Elapsed)
		if ended || now.Windows == 0 {
			return
		}
		if p.width > 0 {
			_, _ = fmt.Fprint(p.w, clearLine+shorten(pullLine(now, rate), p.width-1))
		} else if now.Elapsed-told >= lineInterval {
			told = now.Elapsed
			p.line(pullLine(now, perSecond(now.Events, now.Elapsed)))
		}
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if ended = true; p.width > 0 {
			_, _ = fmt.Fprint(p.w, clearLine)
		}
	}
}

func pullLine(now pull.Progress, rate int64) string {
	line := fmt.Sprintf("%s of %s done, %s events, %s events/s", number(now.Done), plural(now.Windows, "window", "windows"), number(now.Events), number(rate))
	if now.Left > 0 && now.Elapsed > time.Second {
		line += ", ETA " + now.Left.Round(time.Second).String()
	}
	return line
}

// pullSchemaJSON is the document of pull --schema-only --json.
type pullSchemaJSON struct {
	Source  string       `json:"source"`
	DryRun  bool         `json:"dry_run"`
	Events  []string     `json:"events"`
	Tables  []string     `json:"new_tables"`
	Columns []columnName `json:"new_columns"`
	SQL     string       `json:"sql,omitempty"`
}

type columnName struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Type   string `json:"type"`
}

// pullSchema makes what the account's events need, or says what it would make.
func (a *app) pullSchema(ctx context.Context, o pull.Options, dryRun bool) error {
	ahead, err := pull.Prepare(ctx, o, dryRun)
	if err != nil {
		return orWrongOption(err)
	}
	out := &pullSchemaJSON{Source: a.cfg.Source, DryRun: dryRun, SQL: ahead.SQL, Events: []string{}, Tables: []string{}, Columns: []columnName{}}
	for i := range ahead.Events {
		out.Events = append(out.Events, ahead.Events[i].Name)
	}
	for i := range ahead.Diff.Tables {
		t := &ahead.Diff.Tables[i]
		out.Tables = append(out.Tables, t.Name)
	}
	for _, c := range ahead.Diff.Columns {
		out.Columns = append(out.Columns, columnName{c.Table, c.Column.Name, c.Column.Type.String()})
	}
	if a.json {
		return a.writeJSON(out)
	}
	newPrinter(a.stdout, a.env).ahead(out, &ahead.Diff)
	return nil
}

func (p *printer) ahead(out *pullSchemaJSON, d *schema.Diff) {
	verb := "made"
	if out.DryRun {
		verb = "to make"
	}
	p.line(p.green("✓") + " " + p.bold(fmt.Sprintf("The account has %s: %s, %s %s", plural(len(out.Events), "event", "events"),
		plural(len(out.Tables), "table", "tables"), plural(len(out.Columns), "column", "columns"), verb)))
	for i := range d.Tables {
		t := &d.Tables[i]
		p.line("  " + p.green("+") + " table " + printable(t.Name) + p.dim("  "+columnList(t.Columns)))
	}
	for _, c := range out.Columns {
		p.line("  " + p.green("+") + " " + printable(c.Table) + "." + printable(c.Column) + " " + c.Type)
	}
	if out.DryRun {
		for _, name := range out.Events {
			p.line("  " + p.dim("event ") + printable(name))
		}
		p.sql(out.SQL)
	}
}
