package decode

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tapline/tapline/schema"
)

// unescape resolves the string whose first byte is b[start] and whose first special byte is b[i], into the scratch
// buffer. It returns the text, the index of the closing quote (-1: not valid JSON), and why Postgres could not store
// the text: the first of a U+0000 or a surrogate without its other half (which becomes U+FFFD here).
func (d *Decoder) unescape(b []byte, start, i int) (text []byte, end int, bad schema.Reason) {
	out := d.scratch
	from := len(out)
	for {
		out = append(out, b[start:i]...)
		if i >= len(b) || b[i] < ' ' {
			return nil, -1, ""
		}
		if b[i] == '"' {
			d.scratch = out
			return out[from:len(out):len(out)], i, bad
		}
		if i+1 >= len(b) {
			return nil, -1, ""
		}
		if c := b[i+1]; c != 'u' {
			if c = plainEscape(c); c == 0 {
				return nil, -1, ""
			}
			out = append(out, c)
			start = i + 2
		} else {
			r := hex4(b, i+2)
			if r < 0 {
				return nil, -1, ""
			}
			start = i + 6
			if utf16.IsSurrogate(r) {
				r, start = surrogate(b, r, start)
			}
			if r == 0 && bad == "" {
				bad = schema.NULCharacter
			} else if r < 0 {
				r = utf8.RuneError
				if bad == "" {
					bad = schema.InvalidUnicode
				}
			}
			out = utf8.AppendRune(out, r)
		}
		i = special(b, start)
	}
}

// surrogate joins the half r with the escape at b[i] and returns the index after both; the rune is -1 if they are no pair.
func surrogate(b []byte, r rune, i int) (rune, int) {
	if i+1 < len(b) && b[i] == '\\' && b[i+1] == 'u' {
		if whole := utf16.DecodeRune(r, hex4(b, i+2)); whole != utf8.RuneError {
			return whole, i + 6
		}
	}
	return -1, i
}

// plainEscape returns the byte that a one-letter escape stands for, or 0.
func plainEscape(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}
