package pull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/schema"
)

// events returns the names of the events to ask for: the account's own spelling where it tells, the catalogue's, and those that
// are named. What Loader.Filter leaves out anyway is not asked for.
func (p *puller) events(ctx context.Context) ([]string, error) {
	if p.o.Only {
		return slices.Compact(slices.Sorted(slices.Values(p.o.Events))), nil
	}
	names := slices.Clone(p.o.Events)
	known, err := p.client.Schema(ctx)
	switch {
	case ctx.Err() != nil || clevertap.Denied(err):
		return nil, err
	case err != nil && p.o.Loader.Logger != nil:
		p.o.Loader.Logger.WarnContext(ctx, "the account does not tell which events it has: the catalogue's are asked for", "error", err)
	}
	for i := range known {
		names = append(names, known[i].Name)
	}
	for _, e := range schema.Catalogue() {
		if !slices.ContainsFunc(names, func(name string) bool { return folded(name) == e.Name }) {
			names = append(names, e.Name)
		}
	}
	if f := p.o.Loader.Filter; f != nil {
		names = slices.DeleteFunc(names, func(name string) bool {
			return !f.Event(name, tableOf(name)) && !slices.Contains(p.o.Events, name)
		})
	}
	return slices.Compact(slices.Sorted(slices.Values(names))), nil
}

// folded returns the catalogue's spelling of an event's name, or the name.
func folded(event string) string {
	if canonical, ok := schema.FoldEvent([]byte(event)); ok {
		return canonical
	}
	return event
}

// tableOf is the table of an event's records.
func tableOf(event string) string {
	return schema.TableOf(&schema.Event{Call: schema.Track, Name: []byte(event)})
}

// grace is how long after the last day of its lookback a window must have been loaded to need no reading any more: reading takes
// time, and it counts when it began.
const grace = time.Hour

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
		return ok && !at.Before(w.Day.Add(1+p.o.Lookback).Start(p.o.Location).Add(grace))
	}), nil
}

// goOn begins, if no first day was given, where the last pull has ended: nothing is left out if none ran for a while. Windows that are
// settled cost nothing.
func (p *puller) goOn(ctx context.Context) error {
	if !p.goesOn {
		return nil
	}
	schemaName, err := p.schemaName()
	if err != nil {
		return err
	}
	prefix := clevertap.Window{}.Key(p.client.Account())
	prefix = prefix[:strings.LastIndex(prefix, "0000")]
	var last *time.Time
	err = p.o.Pool.QueryRow(ctx, "select max(substr(unit_key, length($1) + 1, 10))::date from "+pgx.Identifier{schemaName, "_units"}.Sanitize()+
		" where kind = $2 and starts_with(unit_key, $1)", prefix, source.KindWindow).Scan(&last)
	if err != nil && !notThere(err) {
		return fmt.Errorf("look up the last day: %w", err)
	}
	if last == nil {
		return nil
	}
	if from := p.before(clevertap.DayOf(*last)); p.o.From.After(from) && !p.o.To.After(from.Add(maxDays)) {
		p.o.From = from
	}
	return nil
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

// loaded returns when the windows of the ledger were last loaded, by key.
func (p *puller) loaded(ctx context.Context, windows []clevertap.Window) (map[string]time.Time, error) {
	schemaName, err := p.schemaName()
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(windows))
	for i, w := range windows {
		keys[i] = w.Key(p.client.Account())
	}
	rows, _ := p.o.Pool.Query(ctx, "select unit_key, loaded_at from "+pgx.Identifier{schemaName, "_units"}.Sanitize()+
		" where kind = $1 and unit_key = any($2)", source.KindWindow, keys) // ForEachRow has its error
	out := map[string]time.Time{}
	var key string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&key, &at}, func() error {
		out[key] = at
		return nil
	})
	if notThere(err) {
		return out, nil
	}
	return out, err
}
