package pull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// grace is how long after the last day of its lookback the reading of a window must have begun to need no further one: clocks
// differ, and what arrives takes a while to be told.
const grace = time.Hour

// settled reports whether a window needs no reading any more that was last read from an instant on.
func (p *puller) settled(w clevertap.Window, began time.Time) bool {
	return !began.Before(w.Day.Add(1 + p.o.Lookback).Start(p.o.Location).Add(grace))
}

// unsettled returns the windows that are to be read: those that are not loaded, and those that were loaded before their lookback
// was over.
func (p *puller) unsettled(ctx context.Context, windows []clevertap.Window) ([]clevertap.Window, error) {
	if p.o.Again || len(windows) == 0 {
		return windows, nil
	}
	loaded, err := p.loaded(ctx, windows)
	if err != nil {
		return nil, fmt.Errorf("look up windows: %w", err)
	}
	return slices.DeleteFunc(windows, func(w clevertap.Window) bool {
		at, ok := loaded[w.Key(p.client.Account())]
		return ok && p.settled(w, at)
	}), nil
}

// loaded returns when the windows of the ledger were last read, by key.
func (p *puller) loaded(ctx context.Context, windows []clevertap.Window) (map[string]time.Time, error) {
	keys := make([]string, len(windows))
	for i, w := range windows {
		keys[i] = w.Key(p.client.Account())
	}
	out := map[string]time.Time{}
	var key string
	var at time.Time
	err := p.query(ctx, "select unit_key, loaded_at from %[1]s where kind = $1 and unit_key = any($2)", []any{source.KindWindow, keys},
		[]any{&key, &at}, func() { out[key] = at })
	return out, err
}

// goOn begins, if no first day was given, where the last pull has ended: nothing is left out if none ran for a while, or if windows
// of some of the events have failed. Windows that are settled cost nothing. No window is loaded while one is open that is more than
// a lookback and a day before it: so a pull that was killed leaves none behind that the next one does not look at.
func (p *puller) goOn(ctx context.Context, events []string) error {
	if !p.goesOn {
		return nil
	}
	days, err := p.failedDays(ctx, events)
	if err != nil {
		return fmt.Errorf("look up windows that failed: %w", err)
	}
	var last *time.Time
	prefix := clevertap.WindowPrefix(p.client.Account())
	err = p.query(ctx, "select max(substr(unit_key, length($1) + 1, 10))::date from %[1]s where kind = $2 and starts_with(unit_key, $1)",
		[]any{prefix, source.KindWindow}, []any{&last}, func() {
			if last != nil {
				days = append(days, p.before(clevertap.DayOf(*last)))
			}
		})
	if err != nil {
		return fmt.Errorf("look up the last day: %w", err)
	}
	for _, from := range days {
		if p.o.From.After(from) && !p.o.To.After(from.Add(maxDays)) {
			p.o.From = from
		}
	}
	return nil
}

// failedDays returns the days of the windows of some events that have failed and are not settled since.
func (p *puller) failedDays(ctx context.Context, events []string) (days []clevertap.Day, err error) {
	account := p.client.Account()
	var key string
	var at *time.Time
	err = p.query(ctx, "select unit_key, u.loaded_at from (select distinct unit_key from %[2]s where status = 'failed' and starts_with(unit_key, $1)) f"+
		" left join %[1]s u using (unit_key)", []any{clevertap.WindowPrefix(account)}, []any{&key, &at}, func() {
		w, ok := clevertap.WindowOf(account, key)
		if ok && slices.Contains(events, w.Event) && (at == nil || !p.settled(w, *at)) {
			days = append(days, w.Day)
		}
	})
	return days, err
}

// failed notes in the ledger that a window could not be read, so that the next pull tries it again whatever its day is.
func (p *puller) failed(ctx context.Context, u loader.Unit, cause error) {
	id, err := uuid.NewRandom()
	if err == nil {
		var name string
		if name, err = p.schemaName(); err == nil {
			err = ledger.New(name).Fail(ctx, p.o.Pool, &ledger.Load{
				ID: id, Started: source.Began(u), Units: []ledger.Unit{{Key: u.Key(), Name: u.Name()}}, Err: cause,
			})
		}
	}
	if err != nil && p.o.Loader.Logger != nil {
		p.o.Loader.Logger.WarnContext(ctx, "a window that failed is not noted: without --from it may not be tried again", "window", u.Name(), "error", err)
	}
}

// query calls each for the rows of a query, in which %[1]s is the table of units and %[2]s that of loads. Nothing is in tables that are
// not there.
func (p *puller) query(ctx context.Context, sql string, args, to []any, each func()) error {
	schemaName, err := p.schemaName()
	if err != nil {
		return err
	}
	rows, _ := p.o.Pool.Query(ctx, fmt.Sprintf(sql, pgx.Identifier{schemaName, "_units"}.Sanitize(), pgx.Identifier{schemaName, "_loads"}.Sanitize()),
		args...) // ForEachRow has its error
	_, err = pgx.ForEachRow(rows, to, func() error {
		each()
		return nil
	})
	if notThere(err) {
		return nil
	}
	return err
}

func (p *puller) schemaName() (string, error) {
	if p.o.Loader.Schema != "" {
		return p.o.Loader.Schema, nil
	}
	return schema.SchemaName(p.o.Loader.Source)
}

// notThere reports whether a table is not there: nothing was ever loaded.
func notThere(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}
