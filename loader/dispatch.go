package loader

import (
	"context"
	"sync"
)

// dispatch gives units to workers: a large one to any that is free, so that large units are loaded side by side; small ones
// that share a transaction, and any other one, only when all before are done, by themselves. So small files are loaded in their order, and a load of any size
// keeps more than one connection busy: a single backend takes about as long for a row as a client needs to parse it.
type dispatch struct {
	l      *Loader
	sum    *tally
	share  *sharing        // nil without Config.Share
	ctx    context.Context //nolint:containedctx // of this Load; ends with the first error that ends it
	cancel context.CancelCauseFunc
	free   chan *worker
	busy   sync.WaitGroup

	once sync.Once
	err  error // why the Load ended early
}

func newDispatch(ctx context.Context, l *Loader, sum *tally) *dispatch {
	d := &dispatch{l: l, sum: sum, free: make(chan *worker, len(l.workers))}
	d.ctx, d.cancel = context.WithCancelCause(ctx)
	for _, w := range l.workers {
		d.free <- w
	}
	return d
}

// queue gives units their places in the Report.
func (d *dispatch) queue(units []Unit) []queued {
	queue := make([]queued, len(units))
	for i, unit := range units {
		queue[i] = queued{unit, d.sum.unit(UnitReport{Unit: unit.Name(), Status: Interrupted})}
	}
	return queue
}

// load loads units together now, or one as soon as a worker is free.
func (d *dispatch) load(queue []queued) {
	if len(d.l.workers) == 1 || queue[0].unit.Size() < d.l.cfg.LargeUnit {
		d.busy.Wait()
		if d.ctx.Err() == nil {
			d.run(d.l.workers[0], queue)
		}
		return
	}
	select {
	case <-d.ctx.Done():
	case w := <-d.free:
		d.busy.Go(func() {
			d.run(w, queue)
			d.free <- w
		})
	}
}

func (d *dispatch) run(w *worker, units []queued) {
	d.l.progress.open(w)
	defer d.l.progress.close(w)
	if w.state == nil {
		if err := w.prepare(d.ctx); err != nil {
			d.stop(err)
			return
		}
	}
	if err := d.loadGroup(w, units); err != nil {
		d.stop(err)
	}
}

func (d *dispatch) loadGroup(w *worker, units []queued) error {
	g, err := d.l.newGroup(units, d.sum)
	if err != nil {
		return err
	}
	if d.share != nil {
		return d.share.load(d.ctx, w, g)
	}
	return w.loadGroup(d.ctx, g)
}

// stop ends the Load: units that are open are rolled back.
func (d *dispatch) stop(err error) {
	d.once.Do(func() { d.err = err })
	d.cancel(err)
}

// wait waits for the open units and returns why the Load ended before its source did, if so.
func (d *dispatch) wait() error {
	d.busy.Wait()
	defer d.cancel(nil)
	if d.err != nil {
		return d.err
	}
	return context.Cause(d.ctx)
}
