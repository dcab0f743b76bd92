package loader

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/internal/source"
)

// sharing divides the units of a Load with others that have the same ones: each takes units in the ledger before it reads
// them. Two that take a unit at once because the lease of the first ran out do no harm: the unit's row in _units is one.
type sharing struct {
	l      *Loader
	worker uuid.UUID

	mu    sync.Mutex
	later []queued // units that others have taken
}

// laterUnits is how many units of others a Load remembers before it looks what became of them.
const laterUnits = 4096

// startSharing begins to show that this Load is alive, until stop.
func (d *dispatch) startSharing() (stop func(), err error) {
	s := &sharing{l: d.l}
	if s.worker, err = uuid.NewRandom(); err != nil {
		return nil, fmt.Errorf("make id of the load: %w", err)
	}
	if err := d.l.retry(d.ctx, "claims are tidied again", func(ctx context.Context) error {
		return s.l.write(ctx, func(tx pgx.Tx) error { return s.l.ledger.Tidy(ctx, tx) })
	}); err != nil {
		return nil, err
	}
	d.share = s
	ctx, cancel := context.WithCancel(d.ctx)
	var alive sync.WaitGroup
	alive.Go(func() { s.beat(ctx) })
	return func() { cancel(); alive.Wait() }, nil
}

// beat renews the lease of what was taken.
func (s *sharing) beat(ctx context.Context) {
	for sleep(ctx, s.l.cfg.Lease/3) == nil {
		err := s.l.write(ctx, func(tx pgx.Tx) error { return s.l.ledger.Keep(ctx, tx, s.worker, s.l.cfg.Lease) })
		if err != nil && ctx.Err() == nil {
			s.l.cfg.Logger.WarnContext(ctx, "taken units are not kept: others may load them", "error", err)
		}
	}
}

// load loads what of a group nobody else has taken.
func (s *sharing) load(ctx context.Context, w *worker, g *group) error {
	if source.KindOf(g.members[0].unit) == source.KindWindow {
		return w.loadGroup(ctx, g)
	}
	var taken []string
	err := w.retry(ctx, "units are taken again", func(ctx context.Context) (err error) {
		taken, err = s.take(ctx, w, g)
		return err
	})
	if len(taken) == 0 || err != nil {
		return err
	}
	failpoint.Hit("after-take")
	defer s.give(ctx, taken)
	return w.loadGroup(ctx, g)
}

// take removes from the group what is loaded and what somebody else has taken, and returns the keys of the others.
func (s *sharing) take(ctx context.Context, w *worker, g *group) ([]string, error) {
	left, err := w.ready(ctx, g)
	if err != nil || !left {
		return nil, err
	}
	var keys []string
	for _, m := range g.members {
		keys = append(keys, m.key)
	}
	var taken map[string]bool
	err = s.l.write(ctx, func(tx pgx.Tx) (err error) {
		taken, err = w.ledger.Take(ctx, tx, s.worker, w.cfg.Lease, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.remove(func(m *member) bool {
		if !taken[m.key] {
			s.later = append(s.later, m.queued)
		}
		return !taken[m.key]
	})
	return slices.DeleteFunc(keys, func(key string) bool { return !taken[key] }), nil
}

// give gives units back, also at the end of a Load that was cancelled.
func (s *sharing) give(ctx context.Context, keys []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	if err := s.l.write(ctx, func(tx pgx.Tx) error { return s.l.ledger.Give(ctx, tx, s.worker, keys) }); err != nil {
		s.l.cfg.Logger.WarnContext(ctx, "taken units are not given back: their lease has to run out", "error", err)
	}
}

// revisit looks what became of the units of others, and loads those that nobody has any more, until no more than few are
// left with others.
func (d *dispatch) revisit(few int) {
	for first := true; d.share != nil && d.ctx.Err() == nil; first = false {
		if !first && sleep(d.ctx, min(time.Second, d.l.cfg.Lease/10)) != nil {
			return
		}
		if few == 0 {
			d.busy.Wait()
		}
		later := d.share.others(few)
		if len(later) == 0 {
			return
		}
		for len(later) > 0 {
			n := d.l.cfg.together(later)
			d.load(later[:n])
			later = later[n:]
		}
		d.busy.Wait()
	}
}

// others returns the units that others had, if they are more than few.
func (s *sharing) others(few int) []queued {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.later) <= few {
		return nil
	}
	later := s.later
	s.later = nil
	return later
}

// together is how many of the first units of a queue may share a transaction.
func (c *Config) together(queue []queued) int {
	if !c.small(queue[0].unit) {
		return 1
	}
	size, keys := int64(0), map[string]bool{}
	for i, q := range queue {
		size += q.unit.Size()
		if i == c.groupUnits() || !c.small(q.unit) || source.KindOf(q.unit) != source.KindOf(queue[0].unit) ||
			keys[q.unit.Key()] || i > 0 && size > int64(c.ChunkBytes) {
			return i
		}
		keys[q.unit.Key()] = true
	}
	return len(queue)
}
