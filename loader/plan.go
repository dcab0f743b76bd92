package loader

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Plan reads src as Load would and touches nothing: the Report says what would be loaded and which SQL would run.
// Events that are in the database already count as loaded: only a load finds them out.
func (l *Loader) Plan(ctx context.Context, src Source) (Report, error) {
	start := l.cfg.Now()
	report := newReport(l.cfg.Schema)
	if err := Check(ctx, l.pool); err != nil {
		return *report, err
	}
	exists, err := catalog.Exists(ctx, l.pool, l.cfg.Schema)
	if err != nil {
		return *report, fmt.Errorf("look for schema %s: %w", l.cfg.Schema, err)
	}
	if err := l.openMigrator(ctx); err != nil {
		return *report, err
	}
	have := schema.Tables{}
	if exists {
		if have, err = catalog.Read(ctx, l.pool, l.cfg.Schema); err != nil {
			return *report, fmt.Errorf("read catalog of %s: %w", l.cfg.Schema, err)
		}
	}
	if len(have) == 0 {
		for _, t := range schema.BaselineTables() {
			have[t.Name] = &t
		}
	}
	l.newState(have, l.widener(ctx))
	for unit, err := range src.Units(ctx) {
		u := UnitReport{Unit: unitName(unit), Status: Finished}
		if err == nil {
			err = l.planUnit(ctx, unit, exists, &u, report)
		}
		if err != nil {
			u.Status, u.Err = Failed, err
		}
		report.Units = append(report.Units, u)
		if ctx.Err() != nil {
			return *report, context.Cause(ctx)
		}
	}
	diff := l.state.Pending()
	report.evolved(diff)
	report.Blocked = l.state.Blocked()
	if report.Plan, err = l.migrator.Plan(ctx, diff); err != nil {
		return *report, fmt.Errorf("plan the schema: %w", err)
	}
	report.Duration = l.cfg.Now().Sub(start)
	return *report, report.unitsError()
}

func (l *Loader) planUnit(ctx context.Context, unit Unit, ledger bool, u *UnitReport, sum *Report) (err error) {
	if ledger {
		if _, known, err := l.ledger.Find(ctx, l.pool, unit.Key()); err == nil && known {
			u.Status = Skipped
			return nil
		}
	}
	reader, err := unit.Open(ctx, l.paths)
	if err != nil {
		return fmt.Errorf("read %s: %w", unit.Name(), err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	l.progress.unit.Store(&unitProgress{unit.Name(), unit.Size(), reader.Read})
	report := newReport(l.cfg.Schema)
	var ev schema.Event
	var row schema.Row
	for n := int64(1); ; n++ {
		if err := reader.Next(&ev); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return fmt.Errorf("read %s: %w", unit.Name(), err)
		}
		if n&1023 == 0 {
			l.progress.events.Add(1024)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		reason := ev.Reason
		if reason == "" {
			reason = l.state.Row(&ev, schema.Micros(l.now().UnixMicro()), &row)
		}
		report.plan(reason, &row)
	}
	report.Bytes, report.Notes = unit.Size(), reader.Notes()
	sum.merge(report)
	u.Counts = report.Counts
	l.progress.units.Add(1)
	return nil
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

func (l *Loader) openMigrator(ctx context.Context) error {
	if l.migrator != nil {
		return nil
	}
	m, err := migrations.Open(ctx, l.pool.Config().ConnConfig, l.cfg.Schema, migrations.Options{
		Logger: l.cfg.Logger, Managed: l.cfg.Evolve == Managed,
	})
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	l.migrator = m
	return nil
}
