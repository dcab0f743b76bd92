package pull

import (
	"context"
	"slices"

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
