package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/source/waiting"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// planFlags say what a schema has to have, beside the catalogue.
type planFlags struct {
	migrateFlags
	events  []string
	waiting bool
	from    string
}

// fromCleverTap is the value of --from.
const fromCleverTap = "clevertap"

const lacksHelp = `What the schema has to have is the catalogue of this release, and with --events what the events in files would add, with
--from clevertap what the account's own events need (it is reached as by tapline pull), with --waiting what records and values ask for that wait in _quarantine (unknown_table) and _discards (unknown_column).`

func (f *planFlags) flags(a *app, c *cobra.Command) {
	f.migrateFlags.flags(a, c, false)
	a.fileFlags(c)
	a.reachFlags(c)
	c.Flags().StringVar(&f.from, "from", "", "also what the events need that an account has: `clevertap`, asked over its API")
	complete(c, "from", []string{fromCleverTap})
	c.Flags().StringArrayVar(&f.events, "events", nil, "also what the events in this file, folder or glob (`PATH`) need, whether they are loaded or not; repeatable")
	c.Flags().BoolVar(&f.waiting, "waiting", false, "also what waits in quarantine and discards for a table or a column")
}

// asked are the flags themselves, for another command that is to find the same.
func (f *planFlags) asked() string {
	flags := ""
	if f.waiting {
		flags += " --waiting"
	}
	if f.from != "" {
		flags += " --from " + shellWord(f.from)
	}
	for _, path := range f.events {
		flags += " --events " + shellWord(path)
	}
	return flags
}

// lacks returns what the schema lacks for the events and for what waits.
func (a *app) lacks(ctx context.Context, m *migration, f *planFlags) (schema.Diff, error) {
	var d schema.Diff
	valid, err := a.cfg.Validate()
	if err != nil {
		return d, err
	}
	if f.waiting && m.known {
		waits := waiting.New(waiting.Options{
			Pool: m.pool, Schema: m.Schema, Key: "plan", Reasons: []schema.Reason{schema.UnknownTable},
			Timezone: valid.Zone, Account: a.cfg.Files.Account, Event: a.cfg.Files.Event, UserIdentity: a.cfg.Files.UserIdentity,
		})
		if d, err = a.lacksFor(ctx, m, waits, valid); err != nil {
			return d, err
		}
		columns, err := waiting.Columns(ctx, m.pool, m.Schema, m.Kind == "clevertap")
		if err != nil {
			return d, err
		}
		d = d.Union(schema.Diff{Columns: columns})
	}
	if f.from != "" {
		account, err := a.lacksAccount(ctx, m, f.from, valid)
		if err != nil {
			return d, err
		}
		d = d.Union(account)
	}
	if len(f.events) == 0 {
		return d, nil
	}
	src, err := a.files(ctx, f.events, valid)
	if err != nil {
		return d, usage(err)
	}
	if c, ok := src.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	events, err := a.lacksFor(ctx, m, src, valid)
	return d.Union(events), err
}

// lacksAccount returns what the schema lacks for the events that a CleverTap account has.
func (a *app) lacksAccount(ctx context.Context, m *migration, from string, valid config.Valid) (schema.Diff, error) {
	if from != fromCleverTap {
		return schema.Diff{}, &config.Error{Setting: "--from", Value: from, Problem: "unknown value", Hint: "use " + fromCleverTap}
	}
	if err := a.findAccount(ctx, m.pool); err != nil {
		return schema.Diff{}, err
	}
	src, err := a.accountSchema(ctx)
	if err != nil {
		return schema.Diff{}, err
	}
	return a.lacksFor(ctx, m, src, valid)
}

func (a *app) lacksFor(ctx context.Context, m *migration, src loader.Source, valid config.Valid) (schema.Diff, error) {
	cfg := a.loaderConfig(valid)
	cfg.Source, cfg.Schema, cfg.Evolve = m.Nickname, m.Schema, loader.Auto
	l, err := loader.New(m.pool, cfg)
	if err != nil {
		return schema.Diff{}, usage(err)
	}
	defer l.Close()
	d, _, err := l.Lacks(ctx, anew{src})
	var units *loader.UnitsError
	if errors.As(err, &units) { // nothing was to be loaded: what counts is why they cannot be read
		err = fmt.Errorf("read events: %w", errors.Join(units.Errs...))
	}
	return d, err
}

// anew is a source whose units are read also if they are loaded: they may have left values in discards.
type anew struct{ loader.Source }

// Units implements loader.Source.
func (s anew) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		for u, err := range s.Source.Units(ctx) {
			if u != nil {
				u = anewUnit{u}
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

type anewUnit struct{ loader.Unit }

// Key implements loader.Unit.
func (u anewUnit) Key() string { return "plan " + u.Unit.Key() }
