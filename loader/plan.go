package loader

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Plan reads src as Load would and touches nothing: the Report says what would be loaded and which SQL would run.
// Events that are in the database already count as loaded: only a load finds them out. Without a pool it plans for a
// schema that is not there yet.
func (l *Loader) Plan(ctx context.Context, src Source) (Report, error) {
	start := l.cfg.Now()
	report := newReport(l.cfg.Schema)
	err := l.workers[0].plan(ctx, src, report)
	report.Duration = l.cfg.Now().Sub(start)
	if err == nil {
		err = report.unitsError()
	}
	return *report, err
}

func (l *worker) plan(ctx context.Context, src Source, report *Report) error {
	ready, err := l.look(ctx)
	if err != nil {
		return err
	}
	for unit, err := range src.Units(ctx) {
		if ctx.Err() != nil {
			break // also the cause of err
		}
		u := UnitReport{Unit: unitName(unit), Status: Failed, Err: err}
		var end error
		if err == nil {
			u, end = l.planUnit(ctx, unit, ready, report)
		}
		report.Units = append(report.Units, u)
		if end != nil {
			return end
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	diff := l.state.Pending()
	report.evolved(diff)
	report.Blocked = l.state.Blocked()
	if l.pool == nil {
		report.Plan = migrations.PlanNew(l.cfg.Schema, diff)
		return nil
	}
	if report.Plan, err = l.migrator.Plan(ctx, diff); err != nil {
		return fmt.Errorf("plan the schema: %w", err)
	}
	return nil
}

// look finds out what the schema holds; one that holds nothing will begin with the catalogue. ready is true if there is
// a ledger to ask.
func (l *worker) look(ctx context.Context) (ready bool, err error) {
	if l.pool != nil {
		if err := Check(ctx, l.pool); err != nil {
			return false, err
		}
		if err := l.openMigrator(ctx); err != nil {
			return false, err
		}
		version, _, err := l.migrator.Version(ctx)
		if err != nil {
			return false, err
		}
		have, err := catalog.Read(ctx, l.pool, l.cfg.Schema)
		if err != nil {
			return false, fmt.Errorf("read catalog of %s: %w", l.cfg.Schema, err)
		}
		if len(have) > 0 {
			l.newState(have, l.widener(ctx))
			return version > 0, nil
		}
	}
	have := schema.Tables{}
	for _, t := range schema.BaselineTables() {
		have[t.Name] = &t
	}
	l.newState(have, nil) // the catalogue's columns are never widened
	return false, nil
}

// planUnit counts what one unit would bring. The error is not nil if the whole Plan must end.
func (l *worker) planUnit(ctx context.Context, unit Unit, ready bool, sum *Report) (UnitReport, error) {
	out := UnitReport{Unit: unit.Name(), Status: Interrupted}
	l.progress.open(l)
	defer l.progress.close(l)
	defer l.progress.ended(l, unit.Size())
	if ready {
		known, err := l.ledger.Find(ctx, l.pool, unit.Key())
		if err != nil {
			return out, err
		}
		if len(known) > 0 && !source.Again(unit) {
			out.Status = Skipped
			return out, nil
		}
	}
	l.state.Begin(false)
	report := newReport(l.cfg.Schema)
	err := l.planRecords(ctx, unit, report)
	if err == nil && l.state.Outdated() { // a load would begin again too
		report = newReport(l.cfg.Schema)
		err = l.planRecords(ctx, unit, report)
	}
	switch {
	case ctx.Err() != nil:
		return out, context.Cause(ctx)
	case l.unsure != nil:
		return out, l.unsure
	}
	if out.Status, out.Err = Finished, err; err != nil {
		out.Status = Failed
	} else {
		sum.merge(report)
		out.Counts = report.Counts
	}
	return out, nil
}

func (l *worker) planRecords(ctx context.Context, unit Unit, report *Report) (err error) {
	reader, err := unit.Open(ctx, l.paths)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	l.progress.reading(l, unit.Name(), reader.Read)
	n, err := l.countRecords(ctx, reader, report)
	l.progress.events.Add(n & 1023)
	report.Bytes, report.Notes = unit.Size(), reader.Notes()
	return err
}

// countRecords counts the rows that the records of reader become, and returns how many records there were.
func (l *worker) countRecords(ctx context.Context, reader source.Reader, report *Report) (n int64, err error) {
	var ev schema.Event
	var row schema.Row
	for received := schema.Micros(l.now().UnixMicro()); ; {
		err := reader.Next(&ev)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		reason := ev.Reason
		if reason == "" {
			reason = l.state.Row(&ev, received, &row)
			if l.unsure != nil {
				return n, l.unsure
			}
		}
		if reason != "" && ev.Origin != "" {
			report.Refused[reason]++ // it waits in quarantine already
		} else {
			report.plan(reason, &row)
		}
		if n++; n&1023 == 0 {
			l.progress.events.Add(1024)
			if ctx.Err() != nil {
				return n, context.Cause(ctx)
			}
		}
	}
}

// plan counts one record.
func (r *Report) plan(reason schema.Reason, row *schema.Row) {
	switch {
	case reason != "":
		r.Accepted++
		r.Quarantined++
		r.Quarantine[reason]++
	case row.Ignored:
		r.Filtered++
	default:
		r.Accepted++
		r.Loaded++
		t := r.table(row.Table.Name)
		t.Loaded++
		t.Discarded += int64(len(row.Discards))
		r.Discarded += int64(len(row.Discards))
		for _, d := range row.Discards {
			r.Discards[d.Reason]++
		}
	}
}
