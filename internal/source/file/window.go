package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/tapline/tapline/internal/decode"
)

// window is the text that is not consumed yet, contiguous: unread returns it, more makes it longer. Slices of it are
// valid until the next call of more or skipLine.
type window struct {
	ctx      context.Context
	ahead    *readAhead
	cur      *block
	pos, end int
	offset   int64 // of pos in the text
	line     int64 // number of the line at pos, from 1
	limit    int64 // offset from which on no record begins
	err      error // why there is no more text
}

func newWindow(ctx context.Context, a *readAhead) *window {
	return &window{ctx: ctx, ahead: a, line: 1, limit: unlimited}
}

func (w *window) unread() []byte {
	if w.cur == nil {
		return nil
	}
	return w.cur.buf[w.pos:w.end]
}

// more adds a block to the unread text, which may be at most headroom long. It returns false when there is none: then
// w.err says why, io.EOF at the clean end.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	if w.err = context.Cause(w.ctx); w.err != nil {
		return false
	}
	b := <-w.ahead.full
	rest := w.unread()
	w.pos = headroom - copy(b.buf[headroom-len(rest):headroom], rest)
	w.end = headroom + b.n
	w.err = b.err
	if w.cur != nil {
		w.ahead.empty <- w.cur
	}
	w.cur = b
	return b.n > 0 || b.err == nil
}

// ended reports whether the text that was read is the end of it, and a clean one.
func (w *window) ended() bool { return errors.Is(w.err, io.EOF) }

// full reports whether the next record is beyond the limit.
func (w *window) full() bool { return w.offset >= w.limit }

// advance consumes n bytes that hold the given number of line ends.
func (w *window) advance(n int, lines int) {
	w.pos += n
	w.offset += int64(n)
	w.line += int64(lines)
}

// nextLine returns the next line without its end and consumes it. A line over decode.MaxBatch comes as large, and is
// never held. ok is false at the end of the text, for the reason in w.err, and when the window is full.
func (w *window) nextLine() (text []byte, large *largeLine, ok bool) {
	if w.full() {
		return nil, nil, false
	}
	seen := 0
	for {
		rest := w.unread()
		if i := bytes.IndexByte(rest[seen:], '\n'); i >= 0 {
			text = trimCR(rest[:seen+i])
			if len(text) > decode.MaxBatch {
				return nil, w.skipLine(0), true
			}
			w.advance(seen+i+1, 1)
			return text, nil, true
		}
		if seen = len(rest); seen > decode.MaxBatch+1 {
			large = w.skipLine(0)
			return nil, large, large != nil
		}
		if !w.more() {
			return w.lastLine()
		}
	}
}

// lastLine returns what is left when there is no further line end. After an error nothing is: the line is not whole.
func (w *window) lastLine() ([]byte, *largeLine, bool) {
	rest := w.unread()
	if !w.ended() || len(rest) == 0 {
		return nil, nil, false
	}
	w.advance(len(rest), 0)
	return trimCR(rest), nil, true
}

// largeLine is what is known of a line that is too long to be held.
type largeLine struct {
	prefix [decode.KeptOfTooLarge]byte
	kept   int
	size   int64 // without the line end
	digest [sha256.Size]byte
}

// skipLine consumes the text up to and with the first line end at or after from, and digests it. It returns nil if the
// text ended in an error before.
func (w *window) skipLine(from int) *largeLine {
	l := &largeLine{}
	h := sha256.New()
	for {
		rest := w.unread()
		if i := bytes.IndexByte(rest[from:], '\n'); i >= 0 {
			text := trimCR(rest[:from+i])
			l.add(h, text)
			w.advance(from+i+1, bytes.Count(rest[:from+i+1], newline))
			break
		}
		// A CR at the end of the block may be half of the line end: it stays for now.
		text := trimCR(rest)
		l.add(h, text)
		w.advance(len(text), bytes.Count(text, newline))
		from = 0
		if !w.more() {
			if !w.ended() {
				return nil
			}
			w.advance(len(w.unread()), 0)
			break
		}
	}
	h.Sum(l.digest[:0])
	return l
}

func (l *largeLine) add(h hash.Hash, text []byte) {
	l.kept += copy(l.prefix[l.kept:], text)
	l.size += int64(len(text))
	h.Write(text)
}

var newline = []byte{'\n'}

// trimCR cuts one CR, the first half of a line end.
func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// close gives the last block back. The read-ahead has ended.
func (w *window) close() {
	if w.cur != nil {
		w.ahead.pool.Put(w.cur)
		w.cur, w.pos, w.end = nil, 0, 0
	}
}

// bom returns the length of the byte order mark at the start of text.
func bom(text []byte) int {
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		return 3
	}
	return 0
}
