package cli

import (
	"time"

	"github.com/tapline/tapline/internal/bench"
	"github.com/tapline/tapline/internal/federate"
)

// forwardedJSON is what a run of federate came to.
type forwardedJSON struct {
	Destinations []forwardedOne `json:"destinations"`
	Seconds      float64        `json:"seconds"`
	MaxRSS       int64          `json:"max_rss_bytes,omitempty"` // the process's largest resident size
	Errors       []string       `json:"errors,omitempty"`
	ExitCode     int            `json:"exit_code"`
}

type forwardedOne struct {
	Destination string `json:"destination"`
	Sent        int64  `json:"sent"`
	Filtered    int64  `json:"filtered"`
	Undelivered int64  `json:"undelivered"`
	Pending     int64  `json:"pending"`
}

// forwarded tells what was sent and returns the error that stands for the exit code.
func (a *app) forwarded(w *forwarding, o *federate.Options, err error) error {
	code := exitDone
	if err != nil {
		code = exitFailed
	}
	took := time.Since(w.start)
	if a.json {
		out := forwardedJSON{Destinations: []forwardedOne{}, Seconds: took.Seconds(), MaxRSS: bench.MaxRSS(), ExitCode: code}
		for _, p := range w.all() {
			out.Destinations = append(out.Destinations, forwardedOne{p.Destination, p.Sent, p.Filtered, p.Undelivered, p.Pending})
		}
		for _, one := range errorsOf(err) {
			out.Errors = append(out.Errors, describe(one))
		}
		if err := a.writeJSON(out); err != nil {
			return err
		}
	} else if !a.quiet || err != nil {
		a.printForwarded(w, o, took, err != nil)
	}
	if err == nil {
		return nil
	}
	if !a.json {
		p := newPrinter(a.stderr, a.env)
		for _, one := range errorsOf(err) {
			p.line(p.red("tapline: ") + describe(one))
		}
	}
	return &exitError{code: code}
}

func (a *app) printForwarded(w *forwarding, o *federate.Options, took time.Duration, failed bool) {
	p := newPrinter(a.stdout, a.env)
	for _, n := range w.all() {
		text, mark := "nothing to send", p.green("✓")
		switch {
		case n.Sent == 0 && failed: // the error says of which destination
			text, mark = "nothing sent", p.yellow("!")
		case n.Sent > 0:
			text = plural(n.Sent, "event", "events") + " sent in " + span(took) + ", " + number(perSecond(n.Sent, took)) + "/s"
		}
		if n.Filtered > 0 {
			text += ", " + number(n.Filtered) + " left out by its filters"
		}
		if n.Undelivered > 0 {
			text += ", " + p.yellow(number(n.Undelivered)+" not taken") + ": " + p.cyan(programName()+" destination status "+shellWord(n.Destination)+a.sameDatabase())
		}
		if n.Pending > 0 && ends(o) {
			mark = p.yellow("!")
			text += ", " + plural(n.Pending, "row waits", "rows wait")
		}
		p.line(mark + " " + p.bold(printable(n.Destination)) + "  " + text)
	}
}
