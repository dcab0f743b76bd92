package decode

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/tapline/tapline/schema"
)

// canon is the memory for digests of CleverTap records.
type canon struct {
	entries []canonEntry
	values  []byte
	message []byte
}

type canonEntry struct {
	column     string
	start, end int // of the value in values
}

// digest returns what makes a CleverTap record this record and no other (rule 25): the account, the event, the raw
// time, the user and the properties, each preceded by its length. Properties are sorted by column, so that the spellings
// of files and API agree.
func (d *Decoder) digest(name []byte, w *who) [32]byte {
	c := &d.canon
	c.message = appendPart(c.message[:0], d.opt.Account)
	if folded, ok := d.opt.FoldEvent(name); ok {
		c.message = appendPart(c.message, folded)
	} else {
		c.message = appendPart(c.message, name)
	}
	c.message = appendPart(c.message, d.get(fTS).timeText())
	c.message = appendPart(c.message, userKey(w))
	c.entries, c.values = c.entries[:0], c.values[:0]
	for i := range d.props.leaves {
		l := &d.props.leaves[i]
		start := len(c.values)
		if c.values = d.appendValue(c.values, l); len(c.values) > start {
			c.entries = append(c.entries, canonEntry{l.Path.Column, start, len(c.values)})
		}
	}
	slices.SortFunc(c.entries, c.compare)
	for i, e := range c.entries {
		if i > 0 && c.compare(c.entries[i-1], e) == 0 {
			continue // both spellings of one property
		}
		c.message = appendPart(c.message, e.column)
		c.message = appendPart(c.message, c.values[e.start:e.end])
	}
	return sha256.Sum256(c.message)
}

func (c *canon) compare(a, b canonEntry) int {
	if n := strings.Compare(a.column, b.column); n != 0 {
		return n
	}
	return bytes.Compare(c.values[a.start:a.end], c.values[b.start:b.end])
}

func appendPart[T string | []byte](b []byte, part T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

// timeText returns a time as sent, as number or string, empty for none.
func (t *token) timeText() []byte {
	if t.kind == null {
		return nil
	}
	return t.text
}

// userKey returns what names the user, whatever user_identity says.
func userKey(w *who) []byte {
	for _, l := range [...]*schema.Leaf{w.objectID, w.clevertapID, w.identity, w.pushToken, w.email, w.phone} {
		text, r := userText(l, schema.InvalidUserID)
		if l != nil && l == w.identity {
			text = firstOf(text)
		}
		if r == "" && len(text) > 0 {
			return text
		}
	}
	return nil
}

// appendValue appends the canonical form of a value: scalars as trimmed text, numbers in one form however they are
// written or quoted, nothing for what is empty.
func (d *Decoder) appendValue(b []byte, l *schema.Leaf) []byte {
	if l.Kind == schema.Array {
		return d.appendArray(b, l.Raw)
	}
	if l.Bad != "" {
		return append(b, l.Raw...)
	}
	return appendScalar(b, l.Text)
}

func appendScalar(b, text []byte) []byte {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return b
	}
	if c := text[0]; (c == '-' || isDigit(c)) && schema.NumberEnd(text, 0) == len(text) {
		return appendNumber(b, text)
	}
	if text[0] == '[' && text[len(text)-1] == ']' { // how CSV prints arrays
		start := len(b)
		b = append(b, '[')
		for rest := text[1 : len(text)-1]; len(rest) > 0; {
			element, after, _ := bytes.Cut(rest, []byte{','})
			b, rest = appendElement(b, start, bytes.Trim(bytes.TrimSpace(element), `"`)), after
		}
		return closeArray(b, start)
	}
	return append(b, text...)
}

// appendArray appends the scalars of an array as [a,b]; what is nested in it as sent.
func (d *Decoder) appendArray(b, raw []byte) []byte {
	start := len(b)
	b = append(b, '[')
	for i := space(raw, 1); i < len(raw) && raw[i] != ']'; {
		var t token
		end := d.token(raw, i, &t)
		if end < 0 {
			return append(b, raw[i:]...)
		}
		if t.bad != "" {
			t.text = t.raw
		}
		b = appendElement(b, start, t.text)
		if i = space(raw, end); i < len(raw) && raw[i] == ',' {
			i = space(raw, i+1)
		}
	}
	return closeArray(b, start)
}

func appendElement(b []byte, start int, text []byte) []byte {
	if len(b) > start+1 {
		b = append(b, ',')
	}
	if text = bytes.TrimSpace(text); len(text) > 0 && schema.NumberEnd(text, 0) == len(text) {
		return appendNumber(b, text)
	}
	return append(b, text...)
}

func closeArray(b []byte, start int) []byte {
	if len(b) == start+1 {
		return b[:start]
	}
	return append(b, ']')
}

// appendNumber appends a JSON number as its significant digits and the power of ten after them: 1, 1.0 and 10e-1 are
// all 1, and 1500 is 15e2.
func appendNumber(b, literal []byte) []byte {
	mark := len(b)
	if literal[0] == '-' {
		b, literal = append(b, '-'), literal[1:]
	}
	start, power := len(b), 0
	i, point := 0, false
	for ; i < len(literal) && literal[i]|0x20 != 'e'; i++ {
		switch c := literal[i]; {
		case c == '.':
			point = true
			continue
		case c != '0' || len(b) > start:
			b = append(b, c)
		}
		if point {
			power--
		}
	}
	if i < len(literal) {
		power += exponent(literal[i+1:])
	}
	if len(b) == start {
		return append(b[:mark], '0')
	}
	for b[len(b)-1] == '0' {
		b, power = b[:len(b)-1], power+1
	}
	if power != 0 {
		b = strconv.AppendInt(append(b, 'e'), int64(power), 10)
	}
	return b
}

// exponent returns the value of a JSON number's exponent; it stops growing where no number is finite any more.
func exponent(text []byte) int {
	negative := text[0] == '-'
	if text[0] == '-' || text[0] == '+' {
		text = text[1:]
	}
	n := 0
	for _, c := range text {
		if n < 1_000_000 {
			n = n*10 + int(c-'0')
		}
	}
	if negative {
		return -n
	}
	return n
}
