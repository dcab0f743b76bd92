package pull

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// Progress is how far a pull is.
type Progress struct {
	// Windows is how many there are to be read, Done how many are loaded or refused.
	Windows, Done int
	// Events is how many were decoded.
	Events  int64
	Elapsed time.Duration
	// Left is the time to go at this rate; 0 if it is not known yet.
	Left time.Duration
}

// Skipped is an event that the account does not give away.
type Skipped struct {
	Event string `json:"event"`
	// Reason is export_not_allowed or unknown_event.
	Reason string `json:"reason"`
}

// Report is what a pull did.
type Report struct {
	loader.Report
	From, To clevertap.Day
	// Windows is how many the days and events make, Settled how many of them needed no reading any more.
	Windows, Settled int
	// Skipped are events that the account does not give away.
	Skipped []Skipped
}

// Pull reads and loads. It may be called again with the same Options at any time: nothing is stored twice. The Report counts what
// is committed, also beside an error; a *loader.UnitsError says that some windows failed and the others were loaded.
func Pull(ctx context.Context, o Options) (Report, error) {
	p, err := newPuller(o)
	if err != nil {
		return Report{}, err
	}
	defer p.close()
	return p.run(ctx)
}

// puller is one pull.
type puller struct {
	o      Options
	client *clevertap.Client
	slots  *slots // nil without a database
	today  clevertap.Day
	began  time.Time
	goesOn bool // no first day was given
}

func newPuller(o Options) (*puller, error) {
	if o.Location == nil {
		return nil, &clevertap.OptionError{Option: "timezone", Problem: "no time zone of the project", Hint: "give its IANA name, such as Asia/Kolkata"}
	}
	for _, event := range o.Events {
		if err := clevertap.CheckEventName(event); err != nil {
			return nil, &clevertap.OptionError{Option: "events", Problem: err.Error(), Hint: "use the name as the dashboard has it"}
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Loader.LargeUnit == 0 {
		o.Loader.LargeUnit = 1 // windows may come in any order: all are loaded side by side
	}
	switch {
	case o.Lookback == 0:
		o.Lookback = DefaultLookback
	case o.Lookback < 0:
		o.Lookback = 0
	}
	p := &puller{o: o, began: o.Now()}
	p.today = clevertap.DayOf(p.began.In(o.Location))
	if err := p.setDays(); err != nil {
		return nil, err
	}
	if o.Pool != nil {
		p.slots = newSlots(o.Pool.Config().ConnConfig, o.API.Account, o.Loader.Logger)
		o.API.Slot = p.slots.take
	}
	var err error
	p.client, err = clevertap.New(o.API)
	return p, err
}

// close closes connections, none of which may be in use.
func (p *puller) close() {
	p.client.Close()
	if p.slots != nil {
		p.slots.close()
	}
}

// before is the first day whose windows may have to be read on a day: the lookback's, and one more, for what comes late on its last.
func (p *puller) before(day clevertap.Day) clevertap.Day { return day.Add(-p.o.Lookback - 1) }

// maxDays is how many days may be pulled at once.
const maxDays = 3700

// setDays fills in the first and the last day. The API refuses days in the future.
func (p *puller) setDays() error {
	if p.o.To == (clevertap.Day{}) || p.o.To.After(p.today) {
		p.o.To = p.today
	}
	if p.o.From == (clevertap.Day{}) {
		p.goesOn = true
		p.o.From = p.before(p.o.To)
	}
	switch {
	case p.o.From.After(p.today):
		return &clevertap.OptionError{Option: "from", Problem: p.o.From.String() + " is in the future", Hint: "it is " + p.today.String() + " there"}
	case p.o.From.After(p.o.To):
		return &clevertap.OptionError{Option: "from", Problem: p.o.From.String() + " is after " + p.o.To.String(), Hint: "give the earlier day first"}
	case p.o.To.After(p.o.From.Add(maxDays)):
		return &clevertap.OptionError{Option: "from", Problem: p.o.From.String() + " is more than ten years before " + p.o.To.String(), Hint: "pull in parts"}
	}
	return nil
}

func (p *puller) run(ctx context.Context) (Report, error) {
	events, err := p.events(ctx)
	if err == nil {
		err = p.goOn(ctx, events)
	}
	out := Report{From: p.o.From, To: p.o.To}
	if err != nil {
		return out, err
	}
	windows := clevertap.Windows(events, p.o.From, p.o.To)
	out.Windows = len(windows)
	if windows, err = p.unsettled(ctx, windows); err != nil {
		return out, err
	}
	out.Settled = out.Windows - len(windows)
	src := p.source(windows)
	cfg := p.o.Loader
	ended := ended{failed: func(u loader.Unit, err error) { p.failed(ctx, u, err) }}
	cfg.Ended = ended.note(cfg.Ended)
	l, err := loader.New(p.o.Pool, cfg)
	if err != nil {
		return out, err
	}
	defer l.Close()
	stop := p.watch(l, src, len(windows))
	out.Report, err = l.Load(ctx, src)
	stop()
	out.Skipped, out.Units = SkippedOf(src), ended.units
	var units *loader.UnitsError
	if fatal := src.Err(); fatal != nil && (err == nil || errors.As(err, &units)) {
		err = fatal
	}
	return out, err
}

// SkippedOf returns the events that a source has left out, in the order of their names.
func SkippedOf(src *clevertap.Source) (out []Skipped) {
	skipped := src.Skipped()
	for _, event := range slices.Sorted(maps.Keys(skipped)) {
		out = append(out, Skipped{event, string(skipped[event])})
	}
	return out
}

// ended collects what became of the windows, and gives back their space on disk.
type ended struct {
	failed func(loader.Unit, error) // a window that could not be read
	mu     sync.Mutex
	units  []loader.UnitReport
}

// note returns a loader.Config.Ended that also calls another one.
func (e *ended) note(then func(loader.Unit, loader.UnitReport)) func(loader.Unit, loader.UnitReport) {
	return func(u loader.Unit, r loader.UnitReport) {
		if r.Err != nil && r.Load == uuid.Nil {
			e.failed(u, r.Err)
		}
		if w, ok := u.(interface{ Release() }); ok {
			w.Release()
		}
		e.mu.Lock()
		e.units = append(e.units, r)
		e.mu.Unlock()
		if then != nil {
			then(u, r)
		}
	}
}

func (p *puller) source(windows []clevertap.Window) *clevertap.Source {
	return clevertap.NewSource(clevertap.SourceOptions{
		Client: p.client, Windows: windows, Wanted: p.o.Events, Location: p.o.Location, UserIdentity: p.o.UserIdentity,
		Start: schema.Micros(p.began.UnixMicro()), TempDir: p.o.TempDir, Days: p.o.Lookback + 2,
	})
}

// Reading is an account that is read and not loaded, for comparing. Close it after use.
type Reading struct {
	*clevertap.Source
	// Events are those that are asked for, From and To the days.
	Events   []string
	From, To clevertap.Day
	puller   *puller
}

// Open makes a Reading of all windows that Options say, whether they are loaded or not. The database
// is not read: it is where requests of other pulls of the account are considered, and may be left out.
func Open(ctx context.Context, o Options) (*Reading, error) {
	p, err := newPuller(o)
	if err != nil {
		return nil, err
	}
	events, err := p.events(ctx)
	if err != nil {
		p.close()
		return nil, err
	}
	return &Reading{
		Source: p.source(clevertap.Windows(events, p.o.From, p.o.To)), Events: events, From: p.o.From, To: p.o.To, puller: p,
	}, nil
}

// Close closes connections. Units has to have ended.
func (r *Reading) Close() { r.puller.close() }

// progressInterval is the time between two calls of Options.Progress.
const progressInterval = 200 * time.Millisecond

// watch tells how far the pull is until the returned function is called, and once more then.
func (p *puller) watch(l *loader.Loader, src *clevertap.Source, windows int) (stop func()) {
	if p.o.Progress == nil {
		return func() {}
	}
	tell := func() {
		now := l.Progress()
		out := Progress{Windows: windows, Done: min(int(now.Units)+src.Left(), windows), Events: now.Events, Elapsed: p.o.Now().Sub(p.began)}
		if out.Done > 0 {
			out.Left = time.Duration(float64(out.Elapsed) / float64(out.Done) * float64(windows-out.Done))
		}
		p.o.Progress(out)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				tell()
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
		tell()
	}
}
