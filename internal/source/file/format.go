package file

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

const hintFormat = "the formats are " + FormatSegment + ", " + FormatCleverTap + ", " +
	FormatSegmentCSV + ", " + FormatCleverTapCSV + " and " + FormatCleverTapParquet

// chooseRecords returns the record layer for the format that is given or, if none is, for what the first record looks
// like (rule 31). Blank lines before it are consumed, and so is a CSV's header.
func chooseRecords(w *window, s setup) (records, error) {
	w.skipBlank()
	if len(w.unread()) == 0 {
		if !w.ended() {
			return nil, w.err
		}
		return nothing{}, nil
	}
	if s.format == FormatCleverTapParquet {
		return nil, &FormatError{Reason: UnknownFormat, Err: errNoParquet, Hint: hintFormat}
	}
	kind := kindOf(s.format)
	if kind == 0 {
		first, second, complete := w.peekTwo()
		switch {
		case !complete && w.err != nil && !w.ended():
			return nil, w.err
		case !complete && bytes.HasPrefix(bytes.TrimLeft(first, " \t"), []byte("{")):
			return &undecided{setup: s}, nil
		}
		var err error
		if kind, err = detect(first, second); err != nil {
			return nil, err
		}
	}
	if kind == decode.SegmentCSV || kind == decode.CleverTapCSV {
		opt, err := s.decodeOptions(kind)
		if err != nil {
			return nil, err
		}
		return newTable(w, opt)
	}
	return newLines(kind, s.event, false, s)
}

func kindOf(format string) decode.Kind {
	for _, k := range []decode.Kind{decode.Segment, decode.CleverTap, decode.SegmentCSV, decode.CleverTapCSV} {
		if k.String() == format {
			return k
		}
	}
	return 0
}

// detect tells the format from the first two lines that are not blank.
func detect(first, second []byte) (decode.Kind, error) {
	if bytes.HasPrefix(bytes.TrimLeft(first, " \t"), []byte("<")) {
		return 0, &FormatError{
			Reason: XMLNotSupported, Err: errors.New("the first record looks like XML"), Hint: "export JSON, CSV or Parquet",
		}
	}
	kind, err := decode.Detect(first, second)
	if err != nil {
		return 0, &FormatError{Reason: UnknownFormat, Err: err, Hint: hintFormat}
	}
	return kind, nil
}

// decodeOptions returns the decoder's options. CleverTap's records need settings that cannot be guessed (rules 24, 25).
func (s setup) decodeOptions(kind decode.Kind) (decode.Options, error) {
	if kind == decode.CleverTap || kind == decode.CleverTapCSV {
		if s.opts.Timezone == nil && s.opts.Account == "" {
			return decode.Options{}, &SettingError{
				Path: s.path, Setting: "timezone and --account",
				Why: "CleverTap's ts is in the project's time zone and its records have no id, and the file names neither zone nor account",
			}
		}
		if s.opts.Timezone == nil {
			return decode.Options{}, &SettingError{
				Path: s.path, Setting: "timezone",
				Why: "CleverTap's ts is in the project's time zone, which the file does not name",
			}
		}
		if s.opts.Account == "" {
			return decode.Options{}, &SettingError{
				Path: s.path, Setting: "account", Why: "CleverTap's records have no id; theirs is made with the account's id",
			}
		}
	}
	return decode.Options{
		Kind: kind, Paths: s.paths, Occurrences: s.ids, Location: s.opts.Timezone, Account: s.opts.Account,
		EventName: s.event, UserIdentity: s.opts.UserIdentity, FoldEvent: schema.FoldEvent,
	}, nil
}

// newTable reads the header of a CSV.
func newTable(w *window, opt decode.Options) (records, error) {
	t := &table{kind: opt.Kind}
	rec, ok := t.split.nextRecord(w)
	switch {
	case !ok && !w.ended():
		return nil, w.err
	case !ok:
		return nothing{}, nil
	case rec.outcome != whole:
		return nil, &FormatError{
			Reason: UnknownFormat, Err: errors.New("the header is too long, or a quote in it is not closed"), Hint: hintFormat,
		}
	case !utf8.Valid(rec.raw):
		return nil, &FormatError{
			Reason: UnsupportedEncoding, Err: errors.New("the header is not UTF-8"), Hint: "save it as UTF-8",
		}
	}
	header := make([]string, len(rec.cells))
	seen := make(map[string]bool, len(header))
	for i, cell := range rec.cells {
		header[i] = strings.TrimSpace(string(cell))
		switch {
		case header[i] == "":
			return nil, &FormatError{Reason: EmptyHeader, Err: fmt.Errorf("column %d has no name", i+1)}
		case seen[header[i]]:
			return nil, &FormatError{Reason: DuplicateHeader, Err: fmt.Errorf("column %q is there twice", header[i])}
		}
		seen[header[i]] = true
	}
	t.header = header
	var err error
	if t.dec, err = decode.NewCSV(opt.Kind, header, opt); err != nil {
		reason := NoEventColumn
		if opt.Kind == decode.CleverTapCSV && !seen["ts"] {
			reason = UnknownFormat
		}
		return nil, &FormatError{Reason: reason, Err: err}
	}
	return t, nil
}

// skipBlank consumes blank lines.
func (w *window) skipBlank() {
	for {
		rest := w.unread()
		i := bytes.IndexByte(rest, '\n')
		switch {
		case i >= 0 && blank(rest[:i]):
			w.advance(i+1, 1)
		case i >= 0, len(rest) > decode.MaxBatch+1:
			return
		case w.more():
		default:
			if w.ended() && blank(w.unread()) {
				w.advance(len(w.unread()), 0)
			}
			return
		}
	}
}

// peekTwo returns the first two lines that are not blank, the second as far as it is there. It consumes neither. The
// first is not complete if it is longer than decode.MaxBatch, or if the text ended in an error before its end.
func (w *window) peekTwo() (first, second []byte, complete bool) {
	end, next, complete := w.peek(0)
	for complete && next < len(w.unread()) {
		var stop int
		from := next
		if stop, next, _ = w.peek(from); !blank(w.unread()[from:stop]) {
			second = w.unread()[from:stop]
			break
		}
	}
	return w.unread()[:end], second, complete
}

// peek finds the end of the line at unread()[from:] and the start of the next one.
func (w *window) peek(from int) (end, next int, complete bool) {
	for {
		text := w.unread()
		if i := bytes.IndexByte(text[from:], '\n'); i >= 0 {
			line := trimCR(text[from : from+i])
			return from + len(line), from + i + 1, from > 0 || len(line) <= decode.MaxBatch
		}
		if len(text)-from > decode.MaxBatch+1 || len(text) > headroom {
			return len(text), len(text), false
		}
		if !w.more() {
			return from + len(trimCR(text[from:])), len(text), w.ended()
		}
	}
}
