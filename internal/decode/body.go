package decode

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/tapline/tapline/schema"
)

// Body is what has to be known of the body of a request before it is taken.
type Body struct {
	// Batch says that it has an array of calls; without, it is one call.
	Batch bool
	// Repeated says that one of its own keys is repeated, or may be: it has more than 256. Such a batch is read as one
	// record that cannot be loaded. It is looked for only in bodies that are too large for one record.
	Repeated bool
	// Calls is how many calls it has.
	Calls int
	// WriteKey is its own write key; empty if it has none. It is valid until the next Check, and as long as the body is.
	WriteKey []byte
}

// Checker looks at bodies of requests. It is not safe for use by several goroutines; its zero value is ready.
type Checker struct {
	d    Decoder
	keys [][]byte
}

// Check reads body as far as that can be done without judging its calls: it is one JSON object, however deep. Otherwise the
// reason is the one that the contract has for such a record. In steady state it does not allocate.
func (c *Checker) Check(body []byte) (Body, schema.Reason) {
	if !utf8.Valid(body) {
		return Body{}, schema.InvalidUTF8
	}
	c.d.scratch, c.keys = c.d.scratch[:0], c.keys[:0]
	out, end := c.object(body)
	var reason schema.Reason
	if end < 0 || atEnd(body, end) != faultNone {
		reason, _ = c.d.classify(body)
		out = Body{}
	}
	c.trim()
	return out, reason
}

// object reads the body and returns the index after it, or -1 if it is no object.
func (c *Checker) object(b []byte) (out Body, end int) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return out, -1
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return Body{Calls: 1}, i + 1
	}
	for {
		if i = c.member(b, i, &out); i < 0 {
			return out, -1
		}
		if i = space(b, i); i >= len(b) {
			return out, -1
		}
		switch b[i] {
		case '}':
			if !out.Batch {
				out.Calls = 1
			}
			return out, i + 1
		case ',':
			i = space(b, i+1)
		default:
			return out, -1
		}
	}
}

// member reads one member of the body and returns the index after it, or -1.
func (c *Checker) member(b []byte, i int, out *Body) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	key, i := c.text(b, i+1)
	if i < 0 {
		return -1
	}
	if i = colon(b, i); i < 0 {
		return -1
	}
	c.remember(b, key, out)
	switch {
	case b[i] == '[' && string(key) == "batch":
		out.Batch = true
		return c.calls(b, i+1, out)
	case b[i] == '"' && string(key) == secretName && out.WriteKey == nil:
		out.WriteKey, i = c.text(b, i+1)
		return i
	}
	return c.d.skip(b, i, len(b))
}

// calls counts the elements of the array whose content begins at b[i] and returns the index after it, or -1.
func (c *Checker) calls(b []byte, i int, out *Body) int {
	i = space(b, i)
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = c.d.skip(b, i, len(b)); i < 0 {
			return -1
		}
		out.Calls++
		if i = space(b, i); i >= len(b) {
			return -1
		}
		switch b[i] {
		case ']':
			return i + 1
		case ',':
			i++
		default:
			return -1
		}
	}
}

// text returns the string whose first byte is b[start], and the index after it, or -1.
func (c *Checker) text(b []byte, start int) ([]byte, int) {
	end := special(b, start)
	if end >= len(b) {
		return nil, -1
	}
	if b[end] == '"' {
		return b[start:end], end + 1
	}
	text, end, _ := c.d.unescape(b, start, end)
	if end < 0 {
		return nil, -1
	}
	return text, end + 1
}

// maxKeys is how many keys of a body are compared with each other.
const maxKeys = 256

// remember notices a key that was met before.
func (c *Checker) remember(b, key []byte, out *Body) {
	if len(b) <= MaxEvent || out.Repeated {
		return
	}
	out.Repeated = len(c.keys) == maxKeys ||
		slices.ContainsFunc(c.keys, func(k []byte) bool { return bytes.Equal(k, key) })
	c.keys = append(c.keys, key)
}

// trim gives back what one odd body needed and others will not.
func (c *Checker) trim() {
	const usual = 64 << 10
	if cap(c.d.open) > usual {
		c.d.open = nil
	}
	if cap(c.d.scratch) > usual {
		c.d.scratch = nil
	}
	clear(c.keys) // which may be parts of the body
}
