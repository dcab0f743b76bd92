package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// dryRun says what a load would do. Without a server it plans against the tables that every schema begins with.
func (a *app) dryRun(ctx context.Context, src loader.Source, valid config.Valid, f loadFlags) error {
	o := &outcome{source: a.cfg.Source, quiet: f.quiet, dryRun: true}
	server, err := a.server(ctx, false)
	var missing *errNoDatabase
	switch {
	case errors.As(err, &missing):
		if !f.quiet {
			newPrinter(a.stderr, a.env).line("there is no Postgres in " + missing.dir + " yet: planning against the event catalogue alone")
		}
		o.report, o.err = planOffline(ctx, src, valid)
		return a.loaded(ctx, o)
	case err != nil:
		return err
	}
	pool, err := server.pool(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	l, err := loader.New(pool, a.loaderConfig(valid))
	if err != nil {
		return usage(err)
	}
	defer l.Close()
	watched := &watchedSource{Source: src}
	stop := a.watch(ctx, watched, l, f)
	report, err := l.Plan(ctx, watched)
	stop()
	o.server, o.report, o.err = server, &report, err
	return a.loaded(ctx, o)
}

// planOffline is loader.Plan for somebody who has no Postgres yet.
func planOffline(ctx context.Context, src loader.Source, valid config.Valid) (*loader.Report, error) {
	start := time.Now()
	have := schema.Tables{}
	for _, t := range schema.BaselineTables() {
		have[t.Name] = &t
	}
	p := &offlinePlan{state: schema.NewState(have, schema.Options{Filter: valid.Filter}), paths: schema.NewPaths(0), start: start}
	p.report = &loader.Report{
		Schema: valid.Schema, Tables: map[string]*loader.TableReport{},
		Quarantine: map[schema.Reason]int64{}, Discards: map[schema.Reason]int64{},
	}
	failed := &loader.UnitsError{}
	for unit, err := range src.Units(ctx) {
		u := loader.UnitReport{Status: loader.Finished}
		if err == nil {
			u.Unit = unit.Name()
			err = p.unit(ctx, unit)
		}
		if ctx.Err() != nil {
			return p.report, context.Cause(ctx)
		}
		if err != nil {
			u.Status, u.Err = loader.Failed, err
			failed.Errs = append(failed.Errs, err)
		}
		p.report.Units = append(p.report.Units, u)
	}
	p.changes(have)
	p.report.Duration = time.Since(start)
	if failed.Failed, failed.Total = len(failed.Errs), len(p.report.Units); failed.Failed > 0 {
		return p.report, failed
	}
	return p.report, nil
}

type offlinePlan struct {
	state  *schema.State
	paths  *schema.Paths
	report *loader.Report
	start  time.Time
	ev     schema.Event
	row    schema.Row
}

func (p *offlinePlan) unit(ctx context.Context, unit loader.Unit) (err error) {
	reader, err := unit.Open(ctx, p.paths)
	if err != nil {
		return fmt.Errorf("read %s: %w", unit.Name(), err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	for {
		err := reader.Next(&p.ev)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", unit.Name(), err)
		}
		p.record()
	}
	notes, sum := reader.Notes(), &p.report.Notes
	sum.AmbiguousHours += notes.AmbiguousHours
	sum.MissingHours += notes.MissingHours
	sum.Future += notes.Future
	sum.TimeZone = notes.TimeZone
	p.report.Bytes += unit.Size()
	return nil
}

// record counts one record.
func (p *offlinePlan) record() {
	r, reason := p.report, p.ev.Reason
	if reason == "" {
		reason = p.state.Row(&p.ev, schema.Micros(p.start.UnixMicro()), &p.row)
	}
	switch {
	case reason != "":
		r.Accepted++
		r.Quarantined++
		r.Quarantine[reason]++
		return
	case p.row.Ignored:
		r.Filtered++
		return
	}
	r.Accepted++
	r.Loaded++
	t := p.table(p.row.Table.Name)
	t.Loaded++
	t.Discarded += int64(len(p.row.Discards))
	r.Discarded += int64(len(p.row.Discards))
	for _, d := range p.row.Discards {
		r.Discards[d.Reason]++
	}
}

func (p *offlinePlan) table(name string) *loader.TableReport {
	t := p.report.Tables[name]
	if t == nil {
		t = &loader.TableReport{}
		p.report.Tables[name] = t
	}
	return t
}

func (p *offlinePlan) changes(have schema.Tables) {
	diff := p.state.Pending()
	for i := range diff.Tables {
		p.table(diff.Tables[i].Name).New = true
	}
	for _, a := range diff.Columns {
		t := p.table(a.Table)
		t.NewColumns = append(t.NewColumns, a.Column.Name)
	}
	if !diff.Empty() {
		p.report.Plan, _ = migrations.Render(p.report.Schema, have, diff)
	}
}
