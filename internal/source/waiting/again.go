package waiting

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

// again decodes single records by their forms. Decoders are kept: most records of a quarantine have few forms.
type again struct {
	opts     *Options
	paths    *schema.Paths
	forms    map[string]*form
	current  *record
	previous source.Notes // of decoders that were forgotten
}

// form is what records of one form need.
type form struct {
	decode.Form
	kind  decode.Kind
	lines *decode.Decoder // for JSON
	csv   *decode.CSV
}

// maxForms is how many decoders are kept.
const maxForms = 64

func newAgain(o *Options, paths *schema.Paths) *again {
	return &again{opts: o, paths: paths, forms: map[string]*form{}}
}

// decode decodes a record of the quarantine into ev. The settings' error is the only one.
func (a *again) decode(w *record, ev *schema.Event) error {
	a.current = w
	if w.form == "" {
		a.leave(ev, schema.Reason(w.reason), "how to read it is not known: load its file again")
		return nil
	}
	f, err := a.form(w.form)
	if err != nil {
		return err
	}
	switch {
	case f.csv != nil:
		a.cells(f, ev)
	case f.lines != nil:
		a.line(f, ev)
	default:
		a.leave(ev, schema.Reason(w.reason), "its kind of record is not known")
	}
	ev.Origin, ev.Line, ev.Offset = w.id, w.line, w.offset
	if ev.ReceivedAt == schema.NoTime && w.received != nil {
		ev.ReceivedAt = schema.Micros(w.received.UnixMicro())
	}
	return a.err(f)
}

// leave makes ev a record that stays where it is.
func (a *again) leave(ev *schema.Event, reason schema.Reason, detail string) {
	ev.Reset()
	ev.Raw, ev.Reason, ev.Detail, ev.Origin = a.current.raw, reason, detail, a.current.id
}

// line decodes a record that is JSON.
func (a *again) line(f *form, ev *schema.Event) {
	line := a.current.raw
	arrived := f.Arrived
	if arrived == 0 {
		arrived = schema.NoTime
	}
	f.lines.Arrive(arrived, f.Call)
	if f.Batch != nil {
		line = decode.Rejoin(f.Batch, f.kind, line)
	}
	switch {
	case !f.lines.Line(line, ev):
		a.leave(ev, schema.Reason(a.current.reason), "it is blank")
	case f.Batch == nil && f.lines.InBatch():
		// It was one bad record, and would be several good ones now.
		a.leave(ev, schema.Reason(a.current.reason), "it is a batch of several records: load its file again")
	}
}

// cells decodes a record of a CSV.
func (a *again) cells(f *form, ev *schema.Event) {
	cells, ok := file.SplitRecord(a.current.raw)
	if !ok {
		a.leave(ev, schema.UnclosedQuote, a.current.detail)
		return
	}
	f.csv.Decode(cells, a.current.raw, ev)
}

func (a *again) err(f *form) error {
	switch {
	case f.csv != nil:
		return f.csv.Err()
	case f.lines != nil:
		return f.lines.Err()
	}
	return nil
}

// form returns the decoder for records of a form.
func (a *again) form(text string) (*form, error) {
	var f form
	if err := json.Unmarshal([]byte(text), &f.Form); err != nil {
		return nil, fmt.Errorf("read its form: %w", err)
	}
	key := f.Kind + "\x00" + f.Event + "\x00" + strings.Join(f.Header, "\x00")
	if known := a.forms[key]; known != nil {
		known.Batch, known.Arrived, known.Call = f.Batch, f.Arrived, f.Call
		return known, nil
	}
	if f.kind = decode.KindOf(f.Kind); f.kind == 0 {
		return &f, nil
	}
	if len(a.forms) == maxForms {
		a.previous = a.notes()
		clear(a.forms)
	}
	opt := decode.Options{
		Kind: f.kind, Paths: a.paths, Occurrences: a, Digest: a.digest, Within: true, EventName: f.Event,
		Location: a.opts.Timezone, Account: a.opts.Account, UserIdentity: a.opts.UserIdentity,
	}
	if opt.EventName == "" {
		opt.EventName = a.opts.Event
	}
	var err error
	if f.Header != nil {
		f.csv, err = decode.NewCSV(f.kind, f.Header, opt)
	} else {
		f.lines, err = decode.New(opt)
	}
	if err != nil {
		return nil, err
	}
	a.forms[key] = &f
	return &f, nil
}

// Next implements decode.Occurrences: how many equal records its file had up to this one is known.
func (a *again) Next([32]byte) (uint64, error) { return uint64(max(a.current.occurrence, 1)), nil }

// digest is that of the current record as it was sent.
func (a *again) digest(raw []byte) [32]byte {
	if len(a.current.digest) == 32 {
		return [32]byte(a.current.digest)
	}
	return decode.Digest(raw)
}

func (a *again) notes() source.Notes {
	n := a.previous
	for _, f := range a.forms {
		var ambiguous, missing int64
		switch {
		case f.csv != nil:
			ambiguous, missing = f.csv.Hours()
		case f.lines != nil:
			ambiguous, missing = f.lines.Hours()
		}
		n.AmbiguousHours += ambiguous
		n.MissingHours += missing
	}
	if a.opts.Timezone != nil {
		n.TimeZone = a.opts.Timezone.String()
	}
	return n
}
