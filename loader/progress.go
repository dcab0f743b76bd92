package loader

import (
	"sync"
	"sync/atomic"
)

// Progress is how far a Load has got.
type Progress struct {
	Unit   string // one of those that are being loaded
	Bytes  int64  // read of all units so far
	Events int64  // decoded so far
	Units  int64  // done so far
}

// progress is written by the workers and read by whoever asks.
type progress struct {
	events, units atomic.Int64

	mu    sync.Mutex
	bytes int64 // of the units that are done
	now   map[*worker]*unitProgress
}

// unitProgress is a unit that is being read. read is nil until it is open.
type unitProgress struct {
	name string
	read func() int64
}

// open says that w begins with units; reading, which one it reads and how much of all of them was read; close, that it is done
// with them.
func (p *progress) open(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil {
		p.now = map[*worker]*unitProgress{}
	}
	p.now[w] = &unitProgress{}
}

func (p *progress) reading(w *worker, unit string, read func() int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now[w] = &unitProgress{unit, read}
}

func (p *progress) close(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.now, w)
}

// ended says that w is done with a unit of so many bytes.
func (p *progress) ended(w *worker, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now[w] = &unitProgress{}
	p.bytes += size
	p.units.Add(1)
}

// active is how many units are being loaded.
func (p *progress) active() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.now)
}

// Progress returns how far the running Load is. It may be called by any goroutine at any time.
func (l *Loader) Progress() Progress {
	p := &l.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	out := Progress{Bytes: p.bytes, Events: p.events.Load(), Units: p.units.Load()}
	for _, u := range p.now {
		if u.read == nil {
			continue
		}
		out.Bytes += u.read()
		if out.Unit == "" || u.name < out.Unit {
			out.Unit = u.name
		}
	}
	return out
}
