package loader

import "sync/atomic"

// Progress is how far the unit that is being loaded has got.
type Progress struct {
	Unit        string
	Bytes, Size int64 // read, and in all; Size is 0 if it is not known
	Events      int64 // of all units of this Load so far
	Units       int64 // done so far
}

type progress struct {
	unit   atomic.Pointer[unitProgress]
	events atomic.Int64
	units  atomic.Int64
}

type unitProgress struct {
	name string
	size int64
	read func() int64
}

// Progress returns how far the running Load is. It may be called by any goroutine at any time.
func (l *Loader) Progress() Progress {
	p := Progress{Events: l.progress.events.Load(), Units: l.progress.units.Load()}
	if u := l.progress.unit.Load(); u != nil {
		p.Unit, p.Size, p.Bytes = u.name, u.size, u.read()
	}
	return p
}
