package file

import (
	"bytes"

	"github.com/tapline/tapline/internal/decode"
)

// outcome is what the splitter made of the text before it.
type outcome uint8

const (
	needMore outcome = iota // the record is not whole yet
	whole
	badQuote // a quote is open for 32 KiB or up to the end, or text follows a closing quote
	tooLong  // over 32 KiB, with no quote open there
)

// SplitRecord splits one record of a CSV, given without its line end, into cells. ok is false if it is not exactly one. The
// cells are valid as long as raw is.
func SplitRecord(raw []byte) (cells [][]byte, ok bool) {
	var s splitter
	o, length, _ := s.split(raw, true)
	return s.cells, o == whole && length == len(raw)
}

// splitter splits the records of RFC 4180 into cells. Quotes in a cell that does not begin with one are text; a CRLF
// inside quotes stays one (rule 30). It never looks further than one record may be long.
type splitter struct {
	cells   [][]byte
	scratch []byte // cells that had doubled quotes
}

// split splits the record at the start of text. n is how many bytes it takes, its line end included, and length how
// many without; for tooLong n is where the search for its end goes on. whether atEnd nothing follows text.
func (s *splitter) split(text []byte, atEnd bool) (o outcome, length, n int) {
	s.cells = s.cells[:0]
	if s.scratch == nil {
		s.scratch = make([]byte, 0, decode.MaxEvent) // never grows: cells point into it
	}
	s.scratch = s.scratch[:0]
	const view = decode.MaxEvent + 2 // the longest record with a CRLF
	capped := len(text) >= view
	if capped {
		text = text[:view]
	}
	eol := -1 // of the physical line that i is on
	for i := 0; ; {
		if i < len(text) && text[i] == '"' {
			end, o := s.quoted(text, i+1, atEnd && !capped)
			if o != whole {
				return o, 0, 0
			}
			if i = end; i < len(text) && text[i] == ',' {
				i++
				continue
			}
			length = i
			if n = i + lineEnd(text[i:]); length > decode.MaxEvent {
				return tooLong, 0, length
			}
			return whole, length, n
		}
		if eol < i {
			k := bytes.IndexByte(text[i:], '\n')
			switch {
			case k >= 0:
				eol = i + k
			case capped:
				return tooLong, 0, i
			case !atEnd:
				return needMore, 0, 0
			default:
				eol = len(text)
			}
		}
		if k := bytes.IndexByte(text[i:eol], ','); k >= 0 {
			s.cells = append(s.cells, text[i:i+k])
			i += k + 1
			continue
		}
		cell := trimCR(text[i:eol])
		if length = i + len(cell); length > decode.MaxEvent {
			return tooLong, 0, i
		}
		s.cells = append(s.cells, cell)
		return whole, length, min(eol+1, len(text))
	}
}

// quoted reads the cell whose opening quote is before text[i] and returns the index after its closing quote, where a
// comma, a line end or the end stands.
func (s *splitter) quoted(text []byte, i int, atEnd bool) (int, outcome) {
	inside := text[:min(len(text), decode.MaxEvent)] // a quote that closes later was open at 32 KiB
	start, from := i, len(s.scratch)
	for {
		k := -1
		if i < len(inside) {
			k = bytes.IndexByte(inside[i:], '"')
		}
		if k < 0 {
			if len(text) > len(inside) || atEnd {
				return 0, badQuote
			}
			return 0, needMore
		}
		i += k
		if i+1 < len(text) && text[i+1] == '"' {
			s.scratch = append(s.scratch, text[start:i+1]...)
			i += 2
			start = i
			continue
		}
		cell := text[start:i]
		if len(s.scratch) > from {
			s.scratch = append(s.scratch, cell...)
			cell = s.scratch[from:len(s.scratch):len(s.scratch)]
		}
		s.cells = append(s.cells, cell)
		return i + 1, afterQuote(text[i+1:], atEnd)
	}
}

// afterQuote judges what follows a closing quote.
func afterQuote(rest []byte, atEnd bool) outcome {
	switch {
	case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
		if !atEnd {
			return needMore
		}
		return whole
	case rest[0] == ',', lineEnd(rest) > 0:
		return whole
	}
	return badQuote
}

// lineEnd returns the length of the line end at the start of text, 0 if there is none. A CR that is the last byte of
// all counts.
func lineEnd(text []byte) int {
	switch {
	case len(text) > 0 && text[0] == '\n', len(text) == 1 && text[0] == '\r':
		return 1
	case len(text) > 1 && text[0] == '\r' && text[1] == '\n':
		return 2
	}
	return 0
}

// record is one record of a CSV, or what it is instead of one. Its slices are valid until the next call.
type record struct {
	outcome outcome // whole, badQuote or tooLong
	cells   [][]byte
	raw     []byte     // without the line end
	large   *largeLine // for tooLong
	line    int64
	offset  int64
}

// nextRecord returns the next record that is not blank and consumes it. ok is false at the end of the text, for the
// reason in w.err, and when w is full. After a bad quote the text goes on at the next physical line.
func (s *splitter) nextRecord(w *window) (record, bool) {
	for !w.full() {
		text := w.unread()
		o, length, n := needMore, 0, 0
		if len(text) > 0 {
			o, length, n = s.split(text, w.ended())
		}
		rec := record{outcome: o, line: w.line, offset: w.offset}
		switch o {
		case needMore:
			if !w.more() && (!w.ended() || len(text) == 0) {
				return rec, false
			}
			continue
		case whole:
			rec.cells, rec.raw = s.cells, text[:length]
			w.advance(n, bytes.Count(text[:n], newline))
			if len(rec.cells) == 1 && blank(rec.raw) {
				continue
			}
			return rec, true
		case badQuote:
			return s.firstLine(w, rec)
		}
		rec.large = w.skipLine(n)
		return rec, rec.large != nil
	}
	return record{}, false
}

// firstLine consumes the physical line on which a record with a bad quote began.
func (s *splitter) firstLine(w *window, rec record) (record, bool) {
	text := w.unread()
	text = text[:min(len(text), decode.MaxEvent+2)]
	end, lines := bytes.IndexByte(text, '\n'), 1
	if end < 0 {
		end, lines = len(text), 0
	}
	rec.raw = trimCR(text[:end])
	if len(rec.raw) > decode.MaxEvent || lines == 0 && len(w.unread()) > len(text) {
		rec.outcome, rec.raw, rec.large = tooLong, nil, w.skipLine(0)
		return rec, rec.large != nil
	}
	w.advance(end+lines, lines)
	return rec, true
}

// blank reports whether a line holds nothing but blanks.
func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}
