package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tapline/tapline/internal/widen"
)

// widenProgress returns what shows how far a widening is, and what ends that: a bar on a terminal, a line now and then
// else. It may be ended twice.
func (a *app) widenProgress() (show func(widen.Progress), stop func()) {
	if a.json || a.quiet {
		return func(widen.Progress) {}, func() {}
	}
	p := newPrinter(a.stderr, a.env)
	interval := lineInterval
	if p.width > 0 {
		interval = barInterval
	}
	last := time.Now()
	var step widen.Step
	show = func(now widen.Progress) {
		if p.width > 0 && now.Step == step && time.Since(last) < interval || p.width == 0 && time.Since(last) < interval {
			return
		}
		last, step = time.Now(), now.Step
		if p.width > 0 {
			_, _ = fmt.Fprint(p.w, clearLine+widenBar(p, now))
			return
		}
		p.line(widenWords(now))
	}
	return show, sync.OnceFunc(func() {
		if p.width > 0 {
			_, _ = fmt.Fprint(p.w, clearLine)
		}
	})
}

// widenWords is a progress without a bar.
func widenWords(now widen.Progress) string {
	switch {
	case now.Step == widen.StepSwap:
		return "waiting for the table's lock"
	case now.Step == widen.StepDiscards:
		return "storing " + plural(now.Total, "value that waits", "values that wait")
	case now.Total > 0:
		return fmt.Sprintf("%s of %s rows filled", number(now.Done), number(now.Total))
	}
	return number(now.Done) + " rows filled"
}

func widenBar(p *printer, now widen.Progress) string {
	words := widenWords(now)
	if now.Step != widen.StepRows || now.Total == 0 {
		return shorten(words, p.width-1)
	}
	full := int(now.Done * barWidth / now.Total)
	line := fmt.Sprintf("  %3d%%  %s", now.Done*100/now.Total, words)
	return p.cyan(strings.Repeat("█", full)+strings.Repeat("░", barWidth-full)) + shorten(line, max(1, p.width-barWidth-1))
}
