package pull

import (
	"context"
	"errors"
	"fmt"

	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Ahead is what the account's schema asks for.
type Ahead struct {
	// Events are what the account knows.
	Events []clevertap.EventSchema
	// Diff is what was made, or would be.
	Diff schema.Diff
	// SQL is what would be run; of a dry run alone.
	SQL string
}

// Schema returns the events that an account knows, in the order of their names.
func Schema(ctx context.Context, o clevertap.Options) ([]clevertap.EventSchema, error) {
	c, err := clevertap.New(o)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Schema(ctx)
}

// Prepare makes the tables and columns of the account's own events before any of their data is there. With dry it only says
// what it would make. A property whose type the account does not tell gets its column with its first value.
func Prepare(ctx context.Context, o Options, dry bool) (Ahead, error) {
	var out Ahead
	p, err := newPuller(o)
	if err != nil {
		return out, err
	}
	defer p.close()
	if out.Events, err = p.client.Schema(ctx); err != nil {
		return out, err
	}
	if !dry && o.Loader.Evolve == loader.Managed {
		return out, errors.New("the schema is managed: it is changed by your migrations alone. " +
			"Write one with tapline migrate generate --from clevertap")
	}
	cfg := o.Loader
	cfg.Evolve = loader.Auto // a managed schema lacks nothing, whatever comes
	l, err := loader.New(o.Pool, cfg)
	if err != nil {
		return out, err
	}
	defer l.Close()
	if dry {
		var report loader.Report
		out.Diff, report, err = l.Lacks(ctx, clevertap.SchemaSource(out.Events))
		out.SQL = report.Plan
		return out, err
	}
	return out, p.prepare(ctx, l, &out)
}

func (p *puller) prepare(ctx context.Context, l *loader.Loader, out *Ahead) error {
	name, err := p.schemaName()
	if err != nil {
		return err
	}
	if err := loader.Check(ctx, p.o.Pool); err != nil {
		return err
	}
	m, err := migrations.Open(ctx, p.o.Pool.Config().ConnConfig, name, migrations.Options{Logger: p.o.Loader.Logger})
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	defer m.Close()
	if err := m.Bootstrap(ctx, p.o.Loader.Source); err != nil {
		return fmt.Errorf("prepare schema %s: %w", name, err)
	}
	d, _, err := l.Lacks(ctx, clevertap.SchemaSource(out.Events))
	if err != nil {
		return err
	}
	applied, err := m.Evolve(ctx, d)
	if err != nil {
		return fmt.Errorf("make tables and columns: %w", err)
	}
	out.Diff = applied.Diff
	return nil
}
