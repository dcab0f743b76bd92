package file

import (
	"io"
	"unicode/utf8"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

// lines are JSON records, one a line or a batch a line.
type lines struct {
	dec          *decode.Decoder
	kind         decode.Kind
	inside       bool // a line may have more events
	line, offset int64
}

func (l *lines) form() decode.Form                 { return l.dec.Form() }
func (l *lines) hours() (ambiguous, missing int64) { return l.dec.Hours() }

func (l *lines) next(w *window, ev *schema.Event) error {
	ok := l.inside && l.dec.Next(ev)
	for !ok && l.dec.Err() == nil {
		l.inside, l.line, l.offset = false, w.line, w.offset
		text, large, more := w.nextLine()
		switch {
		case !more:
			return io.EOF
		case large != nil:
			large.event(ev, l.line, l.offset, decode.Redact)
			return nil
		}
		ok = l.dec.Line(text, ev)
		l.inside = ok
	}
	ev.Line, ev.Offset = l.line, l.offset
	return l.dec.Err()
}

func (l *lines) resume() resume {
	kind := l.kind
	name, within := l.dec.Position()
	return func(s setup) (records, error) { return newLines(kind, name, within, s) }
}

func newLines(kind decode.Kind, eventName string, within bool, s setup) (records, error) {
	opt, err := s.decodeOptions(kind)
	if err != nil {
		return nil, err
	}
	opt.EventName, opt.Within = eventName, within
	dec, err := decode.New(opt)
	if err != nil {
		return nil, err
	}
	return &lines{dec: dec, kind: kind}, nil
}

// event makes ev the record that a line over its limit becomes.
func (l *largeLine) event(ev *schema.Event, line, offset int64, redact func([]byte) []byte) {
	decode.TooLarge(ev, redact(l.prefix[:l.kept]), l.size, l.digest)
	ev.Line, ev.Offset = line, offset
}

// table are the records of a CSV.
type table struct {
	split  splitter
	dec    *decode.CSV
	kind   decode.Kind
	header []string
}

func (t *table) resume() resume {
	kind, header := t.kind, t.header
	return func(s setup) (records, error) {
		opt, err := s.decodeOptions(kind)
		if err != nil {
			return nil, err
		}
		dec, err := decode.NewCSV(kind, header, opt)
		if err != nil {
			return nil, err
		}
		return &table{dec: dec, kind: kind, header: header}, nil
	}
}

func (t *table) form() decode.Form                 { return t.dec.Form(t.header) }
func (t *table) hours() (ambiguous, missing int64) { return t.dec.Hours() }

func (t *table) next(w *window, ev *schema.Event) error {
	rec, ok := t.split.nextRecord(w)
	if !ok {
		return io.EOF
	}
	switch rec.outcome {
	case tooLong:
		rec.large.event(ev, rec.line, rec.offset, t.dec.RedactCut)
		return nil
	case badQuote:
		ev.Reset()
		ev.Raw, ev.RawSize = t.dec.Redact(rec.raw), int64(len(rec.raw))
		ev.Reason, ev.Detail = schema.UnclosedQuote, "a quoted field is not closed, or text follows its closing quote"
		if !utf8.Valid(rec.raw) { // rule 18 asks this first
			ev.Reason, ev.Detail = schema.InvalidUTF8, ""
		}
	default:
		t.dec.Decode(rec.cells, rec.raw, ev)
	}
	ev.Line, ev.Offset = rec.line, rec.offset
	return t.dec.Err()
}

// undecided are lines too long to tell the format from, at the start of a file. They are quarantined by their size
// alone, so that one such line does not fail the file; the first that is shorter decides.
type undecided struct {
	setup  setup
	choose bool // the line after one that was too long is next
	chosen records
}

func (u *undecided) form() decode.Form {
	if u.chosen == nil {
		return decode.Form{}
	}
	return u.chosen.form()
}

func (u *undecided) hours() (ambiguous, missing int64) {
	if u.chosen == nil {
		return 0, 0
	}
	return u.chosen.hours()
}

func (u *undecided) resume() resume {
	if u.chosen != nil {
		return u.chosen.resume()
	}
	choose := u.choose
	return func(s setup) (records, error) { return &undecided{setup: s, choose: choose}, nil }
}

func (u *undecided) next(w *window, ev *schema.Event) error {
	if u.chosen != nil { // first: a batch whose line has reached the limit has more events
		return u.chosen.next(w, ev)
	}
	if w.full() {
		return io.EOF
	}
	if u.choose {
		limit := w.limit
		w.limit = unlimited // what the format is told from belongs together
		r, err := chooseRecords(w, u.setup)
		w.limit = limit
		if err != nil {
			return err
		}
		u.choose = false
		if _, still := r.(*undecided); !still {
			u.chosen = r
		}
	}
	if u.chosen != nil {
		return u.chosen.next(w, ev)
	}
	line, offset := w.line, w.offset
	_, large, ok := w.nextLine()
	if !ok || large == nil {
		return io.EOF
	}
	large.event(ev, line, offset, decode.Redact)
	u.choose = true
	return nil
}

// nothing is a file without a record.
type nothing struct{}

func (nothing) next(*window, *schema.Event) error { return io.EOF }
func (nothing) form() decode.Form                 { return decode.Form{} }
func (nothing) hours() (ambiguous, missing int64) { return 0, 0 }
func (nothing) resume() resume                    { return func(setup) (records, error) { return nothing{}, nil } }
