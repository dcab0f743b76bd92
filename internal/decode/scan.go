package decode

import (
	"encoding/binary"
	"math/bits"

	"github.com/tapline/tapline/schema"
)

// The scanner is a handful of functions over (bytes, index): an index that lives in a register costs nothing, one in
// a struct is stored and loaded for every byte (a third of the speed, measured).

// Repeated bytes for looking at eight bytes at once.
const (
	ones    = 0x0101010101010101
	highs   = 0x80 * ones
	quotes  = '"' * ones
	slashes = '\\' * ones
	blanks  = ' ' * ones
)

// maxDepth is how many containers may be open at once; the object that is the record is the first (rule 17).
const maxDepth = 64

// space returns the index of the first byte at or after i that is not JSON white space.
func space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// special returns the index of the first byte at or after i that is a quote, a backslash or a control character;
// len(b) if there is none. A subtraction borrows out of a byte only if that byte is a hit, so the lowest hit is exact.
func special(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		if hit := (((x ^ quotes) - ones) | ((x ^ slashes) - ones) | (x - blanks)) & ^x & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
		i += 8
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func digits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// literal returns the index after true, false or null at b[i], or -1.
func literal(b []byte, i int) int {
	switch {
	case len(b)-i >= 4 && (string(b[i:i+4]) == "true" || string(b[i:i+4]) == "null"):
		return i + 4
	case len(b)-i >= 5 && string(b[i:i+5]) == "false":
		return i + 5
	}
	return -1
}

// skipString returns the index after the closing quote of the string whose first byte is b[i], or -1.
func skipString(b []byte, i int) int {
	for {
		i = special(b, i)
		switch {
		case i >= len(b) || b[i] < ' ':
			return -1
		case b[i] == '"':
			return i + 1
		}
		if i = skipEscape(b, i); i < 0 {
			return -1
		}
	}
}

// skipEscape returns the index after the escape at b[i], or -1.
func skipEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if hex4(b, i+2) >= 0 {
			return i + 6
		}
	}
	return -1
}

// hex4 returns the value of four hexadecimal digits at b[i], or -1.
func hex4(b []byte, i int) rune {
	if i+4 > len(b) {
		return -1
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// Results of skip other than an index.
const (
	badSyntax = -1
	tooDeep   = -2
)

// skip checks the JSON value at b[i] (white space before it allowed) and returns the index after it, or badSyntax, or
// tooDeep if more than room containers are open at once. It keeps its own stack, so that no input exhausts Go's.
func (d *Decoder) skip(b []byte, i, room int) int {
	open := d.open[:0]
	for key := false; ; {
		i = space(b, i)
		if i >= len(b) {
			return badSyntax
		}
		if key {
			if i = skipKey(b, i); i < 0 {
				return badSyntax
			}
		}
		switch c := b[i]; c {
		case '{', '[':
			if len(open) >= room {
				return tooDeep
			}
			i = space(b, i+1)
			if i < len(b) && b[i] == c+2 { // '{'+2 is '}', '['+2 is ']'
				i++
				break
			}
			open = append(open, c)
			d.open = open
			key = c == '{'
			continue
		default:
			if i = skipScalar(b, i); i < 0 {
				return badSyntax
			}
		}
		for {
			if len(open) == 0 {
				return i
			}
			i = space(b, i)
			if i >= len(b) {
				return badSyntax
			}
			c, top := b[i], open[len(open)-1]
			i++
			if c == ',' {
				key = top == '{'
				break
			}
			if c != top+2 {
				return badSyntax
			}
			open = open[:len(open)-1]
		}
	}
}

// skipKey returns the index of the value of the member whose key begins at b[i], or -1.
func skipKey(b []byte, i int) int {
	if b[i] != '"' {
		return -1
	}
	if i = skipString(b, i+1); i < 0 {
		return -1
	}
	if i = space(b, i); i >= len(b) || b[i] != ':' {
		return -1
	}
	if i = space(b, i+1); i >= len(b) {
		return -1
	}
	return i
}

func skipScalar(b []byte, i int) int {
	switch c := b[i]; {
	case c == '"':
		return skipString(b, i+1)
	case c == '-' || isDigit(c):
		return schema.NumberEnd(b, i)
	default:
		return literal(b, i)
	}
}
