package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tapline/tapline/internal/federate"
)

// forwarding is how far a run of federate is.
type forwarding struct {
	start time.Time

	mu    sync.Mutex
	last  map[string]federate.Progress
	total map[string]int64 // rows to look at, as far as is known
}

func newForwarding(names []string) *forwarding {
	w := &forwarding{start: time.Now(), last: map[string]federate.Progress{}, total: map[string]int64{}}
	for _, name := range names {
		w.last[name] = federate.Progress{Destination: name}
	}
	return w
}

// note is told after each piece.
func (w *forwarding) note(p federate.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[p.Destination] = p
	w.total[p.Destination] = max(w.total[p.Destination], p.Sent+p.Filtered+p.Undelivered+p.Pending)
}

// all are the destinations by name.
func (w *forwarding) all() []federate.Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []federate.Progress
	for _, name := range slices.Sorted(maps.Keys(w.last)) {
		out = append(out, w.last[name])
	}
	return out
}

func (w *forwarding) sent() (n int64) {
	for _, p := range w.all() {
		n += p.Sent
	}
	return n
}

// forwardPulse is how far a run is at one moment, over all destinations.
type forwardPulse struct {
	sent, total, pending int64
	busy                 int // destinations with rows that wait
	elapsed              time.Duration
	rate                 int64 // lately
}

func (w *forwarding) pulse() forwardPulse {
	out := forwardPulse{elapsed: time.Since(w.start)}
	for _, p := range w.all() {
		out.sent += p.Sent
		out.pending += p.Pending
		if p.Pending > 0 {
			out.busy++
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.total {
		out.total += n
	}
	return out
}

// watchForwarding shows how far a run is until the returned function is called: a bar on a terminal, a line now and then
// else, as load does.
func (a *app) watchForwarding(ctx context.Context, w *forwarding, quiet bool) (stop func()) {
	if quiet {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	p := newPrinter(a.stderr, a.env)
	var wg sync.WaitGroup
	wg.Go(func() {
		interval := lineInterval
		if p.width > 0 {
			interval = barInterval
			defer func() { _, _ = fmt.Fprint(p.w, clearLine) }()
		}
		tick := time.NewTicker(interval)
		defer tick.Stop()
		var past []forwardPulse
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			past = append(past, w.pulse())
			past = past[max(0, len(past)-20):]
			showForwarding(p, past)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// showForwarding writes the newest of some pulses. Without a terminal nothing is said while nothing happens.
func showForwarding(p *printer, past []forwardPulse) {
	now := past[len(past)-1]
	now.rate = perSecond(now.sent-past[0].sent, now.elapsed-past[0].elapsed)
	if p.width > 0 {
		_, _ = fmt.Fprint(p.w, clearLine+now.bar(p))
		return
	}
	if len(past) > 1 && now.sent == past[len(past)-2].sent && now.pending == past[len(past)-2].pending {
		return
	}
	p.linef("%s sent, %s, %s events/s", plural(now.sent, "event", "events"), now.waits(), number(now.rate))
}

func (n forwardPulse) waits() string { return plural(n.pending, "row waits", "rows wait") }

// bar is one line: bar, per cent, rate, time left, what waits. What does not fit is left out from the end.
func (n forwardPulse) bar(p *printer) string {
	if n.total == 0 {
		return "waiting for rows ..."
	}
	done := n.total - n.pending
	full := int(done * barWidth / n.total)
	line := strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
	used := len([]rune(line))
	line = p.cyan(line)
	parts := []string{fmt.Sprintf("%3d%%", done*100/n.total), number(n.rate) + " events/s"}
	if n.rate > 0 && n.pending > 0 {
		parts = append(parts, "ETA "+time.Duration(float64(n.pending)/float64(n.rate)*float64(time.Second)).Round(time.Second).String())
	}
	parts = append(parts, number(n.sent)+" sent", n.waits())
	if n.busy > 1 {
		parts = append(parts, plural(n.busy, "destination", "destinations"))
	}
	for _, part := range parts {
		used += 2 + len([]rune(part))
		if used >= p.width {
			break
		}
		line += "  " + part
	}
	return line
}
