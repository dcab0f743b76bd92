package file

import (
	"context"
	"iter"
	"time"

	"github.com/tapline/tapline/internal/source"
)

// watch yields the units of one listing after the other. A file must look the same in two listings before it is
// yielded, so that one that is being written is left alone; a writer that pauses longer than that is seen twice, which
// the ids make harmless. What was yielded is remembered as long as it exists.
func (s *Source) watch(ctx context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) {
		tick := time.NewTicker(s.opts.PollInterval)
		defer tick.Stop()
		known := map[string]sighting{}
		for {
			now := make(map[string]sighting, len(known))
			for u, err := range s.list(ctx) {
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					msg := err.Error()
					now[msg] = sighting{done: true}
					if !known[msg].done && !yield(nil, err) {
						return
					}
					continue
				}
				was, seen := known[u.path]
				same := seen && was.id == u.id
				now[u.path] = sighting{id: u.id, done: same}
				if same && !was.done && !s.units(ctx, u, yield) {
					return
				}
			}
			known = now
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}

// sighting is what the last listing found at a path, or an error it met.
type sighting struct {
	id   identity
	done bool // it was yielded, or told
}
