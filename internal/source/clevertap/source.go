package clevertap

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// SourceOptions say which windows are read, and how their records are understood. Client and Location are required.
type SourceOptions struct {
	Client *Client
	// Windows are read in their order, MaxRequests of them at once.
	Windows []Window
	// Wanted are events that have to be there: if the account does not know one, its first window fails. All other windows of
	// such events are left out, and so are those of an event whose export the account does not allow.
	Wanted []string
	// Location is the project's time zone.
	Location *time.Location
	// UserIdentity says what becomes the user_id: identity, email, phone or clevertap_id. Defaults to identity.
	UserIdentity string
	// Start is when the load began; events after it count as future. Defaults to none being counted.
	Start schema.Micros
	// TempDir is where windows are spooled. Defaults to the system's folder for temporary files.
	TempDir string
	// MaxAhead is how many bytes of windows may wait, beside those being read, before the next one is asked for. Defaults to 512 MiB.
	MaxAhead int64
	// Days is how many days, one after the other, may have windows that are handed out and not yet released: of a source that is
	// interrupted, all windows before the last of them have come to their end. The windows have to be in the order of their days
	// and each unit has to be released. Defaults to any number.
	Days int
}

// ahead is how many windows may wait to be loaded.
const ahead = 12

// maxGivenUp is how many windows in a row may come to nothing because the API does not answer before the rest is not tried.
const maxGivenUp = 3

// Source is a source.Source over windows.
type Source struct {
	opts SourceOptions
	gate *gate

	mu      sync.Mutex
	skipped map[string]Refusal // by event
	given   int                // up in a row
	left    int                // windows that are left out because their event is
	fatal   error
}

var _ source.Source = (*Source)(nil)

// Refusal is why an event is not given away.
type Refusal string

// Why events are left out.
const (
	ExportNotAllowed Refusal = "export_not_allowed"
	UnknownEvent     Refusal = "unknown_event"
)

// NewSource returns a source. The client stays the caller's.
func NewSource(o SourceOptions) *Source {
	if o.MaxAhead == 0 {
		o.MaxAhead = 512 << 20
	}
	return &Source{opts: o, gate: newGate(o.MaxAhead, o.Days), skipped: map[string]Refusal{}}
}

// Skipped returns the events that were left out, and why.
func (s *Source) Skipped() map[string]Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]Refusal, len(s.skipped))
	for event, why := range s.skipped {
		out[event] = why
	}
	return out
}

// Left is how many windows were left out so far because their event is.
func (s *Source) Left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

// Err is why the windows that Units has not yielded were not read, if it ended early.
func (s *Source) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fatal
}

// fetched is a window on its way: done is closed when the rest is known.
type fetched struct {
	window Window
	done   chan struct{}
	began  time.Time
	spool  *spool // nil if it is left out
	err    error
}

// Units yields the windows in their order, each once it has been read as a whole. It ends early if nothing can be read at
// all, after an error that says so; see Err.
func (s *Source) Units(ctx context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		order, work := make(chan *fetched, ahead), make(chan *fetched)
		defer drain(order)
		defer wg.Wait()
		defer cancel()
		wg.Go(func() { s.plan(ctx, order, work) })
		for range MaxRequests {
			wg.Go(func() {
				for f := range work {
					s.fetch(ctx, f)
				}
			})
		}
		for f := range order {
			<-f.done
			if f.err == nil && f.spool == nil {
				s.gate.end(f.window.Day)
				continue
			}
			if ctx.Err() != nil || !yield(s.unit(f), f.err) || f.err != nil && s.Err() != nil {
				return
			}
		}
	}
}

// unit makes a unit of a window. It owns the spool: the temporary file, which has no name, goes when the unit does.
func (s *Source) unit(f *fetched) *unit {
	u := &unit{s: s, window: f.window, spool: f.spool, began: f.began}
	if f.spool == nil {
		u.spool = &spool{}
	}
	return u
}

// plan hands the windows out until ctx ends.
func (s *Source) plan(ctx context.Context, order, work chan<- *fetched) {
	defer close(order)
	defer close(work)
	for _, w := range s.opts.Windows {
		if s.gate.begin(ctx, w.Day) != nil {
			return
		}
		f := &fetched{window: w, done: make(chan struct{})}
		select {
		case <-ctx.Done():
			return
		case order <- f:
		}
		select {
		case <-ctx.Done():
			close(f.done)
			return
		case work <- f:
		}
	}
}

// drain closes what was read and is not yielded.
func drain(order <-chan *fetched) {
	for f := range order {
		if <-f.done; f.spool != nil {
			_ = f.spool.close() // it has no name and nothing in it is wanted
		}
	}
}

// fetch reads one window.
func (s *Source) fetch(ctx context.Context, f *fetched) {
	defer close(f.done)
	if s.leaveOut(f.window.Event) || ctx.Err() != nil || s.Err() != nil {
		return
	}
	f.began = time.Now()
	f.spool, f.err = s.opts.Client.download(ctx, f.window, s.opts.TempDir)
	if f.err == nil {
		s.gate.take(f.spool.size())
		s.mu.Lock()
		s.given = 0
		s.mu.Unlock()
		return
	}
	s.judge(f)
}

// judge says what an error of a window means for the others.
func (s *Source) judge(f *fetched) {
	s.mu.Lock()
	defer s.mu.Unlock()
	event := f.window.Event
	var gaveUp *errGaveUp
	switch class := classOf(f.err); {
	case class == classDenied:
		s.fatal = f.err
	case class == classRefused:
		s.skipped[event], f.err = ExportNotAllowed, nil
		s.left++
	case class == classUnknown:
		if _, told := s.skipped[event]; told || !slices.Contains(s.opts.Wanted, event) {
			f.err = nil
			s.left++
		}
		s.skipped[event] = UnknownEvent
	case errors.As(f.err, &gaveUp):
		if s.given++; s.given >= maxGivenUp {
			s.fatal = f.err
		}
	}
}

// leaveOut reports whether an event is not given away.
func (s *Source) leaveOut(event string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, out := s.skipped[event]
	if out {
		s.left++
	}
	return out
}
