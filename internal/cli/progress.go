package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tapline/tapline/loader"
)

// watchedSource knows how much there is to load.
type watchedSource struct {
	loader.Source
	remote     bool // it is not measured
	mu         sync.Mutex
	total, all int64 // bytes and units; 0 until they are known
}

// measure finds out how much there is to load: for files a look into folders.
func (w *watchedSource) measure(ctx context.Context) {
	var total, all int64
	for u, err := range w.Source.Units(ctx) {
		all++
		if err == nil && u != nil {
			total += u.Size()
		}
	}
	w.mu.Lock()
	w.total, w.all = total, all
	w.mu.Unlock()
}

// pulse is how far a load is at one moment.
type pulse struct {
	unit          string
	bytes, total  int64
	units, all    int64
	events        int64
	elapsed       time.Duration
	rate, current int64 // events a second, since the start and lately
}

func (w *watchedSource) pulse(p loader.Progress, elapsed time.Duration) pulse {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := pulse{
		unit: p.Unit, bytes: p.Bytes, total: w.total, units: p.Units, all: w.all, events: p.Events,
		elapsed: elapsed, rate: perSecond(p.Events, elapsed),
	}
	if out.total > 0 {
		out.bytes = min(out.bytes, out.total) // files may grow meanwhile
	}
	return out
}

// clearLine empties the terminal's current line.
const clearLine = "\r\x1b[K"

const (
	barInterval  = 150 * time.Millisecond
	lineInterval = 3 * time.Second
)

// progressing is what can be asked how far it is.
type progressing interface{ Progress() loader.Progress }

// watch shows how far a load is until the returned function is called: a bar on a terminal, a line now and then else.
func (a *app) watch(ctx context.Context, src *watchedSource, l progressing, f loadFlags) (stop func()) {
	if f.quiet {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	p := newPrinter(a.stderr, a.env)
	var wg sync.WaitGroup
	if !src.remote {
		wg.Go(func() { src.measure(ctx) })
	}
	wg.Go(func() {
		if p.width > 0 {
			showBar(ctx, p, src, l)
			return
		}
		showLines(ctx, p, src, l)
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

func showLines(ctx context.Context, p *printer, src *watchedSource, l progressing) {
	start := time.Now()
	tick := time.NewTicker(lineInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := src.pulse(l.Progress(), time.Since(start))
		if now.unit == "" && now.units == 0 {
			p.line(now.waiting())
			continue
		}
		p.linef("%s, %s, %s events, %s events/s", now.files(), now.share(), number(now.events), number(now.rate))
	}
}

func showBar(ctx context.Context, p *printer, src *watchedSource, l progressing) {
	start := time.Now()
	tick := time.NewTicker(barInterval)
	defer tick.Stop()
	defer func() { _, _ = fmt.Fprint(p.w, clearLine) }()
	var past []pulse
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := src.pulse(l.Progress(), time.Since(start))
		past = append(past, now)
		past = past[max(0, len(past)-20):]
		now.current = perSecond(now.events-past[0].events, now.elapsed-past[0].elapsed)
		_, _ = fmt.Fprint(p.w, clearLine+now.bar(p))
	}
}

func (n pulse) files() string {
	if n.all == 0 {
		return plural(n.units, "file", "files") + " done"
	}
	return fmt.Sprintf("%s of %s done", number(n.units), plural(n.all, "file", "files"))
}

func (n pulse) share() string {
	if n.total == 0 {
		return size(n.bytes)
	}
	return size(n.bytes) + " of " + size(n.total)
}

// waiting says what a load does before it reads: files are there, the standard input may be slow to come.
func (n pulse) waiting() string {
	if n.total > 0 {
		return "preparing the schema"
	}
	return "waiting for input"
}

const barWidth = 24

// bar is one line: file, bar, per cent, bytes, rate, time left. What does not fit is left out from the end; the last
// column stays free, because terminals wrap after it.
func (n pulse) bar(p *printer) string {
	if n.unit == "" && n.units == 0 {
		return n.waiting() + " ..."
	}
	var parts []string
	line := ""
	if n.total > 0 {
		full := int(n.bytes * barWidth / n.total)
		line = strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
		parts = append(parts, fmt.Sprintf("%3d%%", n.bytes*100/n.total))
	}
	parts = append(parts, number(n.current)+" events/s")
	if left, ok := n.left(); ok {
		parts = append(parts, "ETA "+left)
	}
	parts = append(parts, n.share())
	if n.all > 1 {
		parts = append(parts, fmt.Sprintf("file %s/%s", number(min(n.units+1, n.all)), number(n.all)))
	}
	parts = append(parts, printable(shorten(filepath.Base(n.unit), 32)))
	used := len([]rune(line))
	line = p.cyan(line)
	for _, part := range parts {
		used += 2 + len([]rune(part))
		if used >= p.width {
			break
		}
		line += "  " + part
	}
	return line
}

// left is the time to go, once there is enough to tell it from.
func (n pulse) left() (string, bool) {
	if n.bytes == 0 || n.total == 0 || n.elapsed < time.Second {
		return "", false
	}
	left := time.Duration(float64(n.elapsed) * float64(n.total-n.bytes) / float64(n.bytes))
	return left.Round(time.Second).String(), true
}
