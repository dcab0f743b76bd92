package decode

import "math/bits"

// symbol is one character of JSON that may stand in strings of other JSON, with the escapes that this takes:
//
//	level 0  "writeKey"
//	level 1  \"writeKey\"          or \u0022writeKey\u0022
//	level 2  \\\"writeKey\\\"      or \\u0022writeKey\\u0022 ...
type symbol struct {
	char  byte // white space as a space; 0 if it is beyond ASCII
	level int  // of a quote: how many strings it is inside of
	end   int  // the index after it
}

// symbolAt returns the symbol at raw[i], the backslashes before it included.
func symbolAt(raw []byte, i int) symbol {
	run := 0 // of backslashes
	for i < len(raw) && raw[i] == '\\' {
		i++
		run++
		for i < len(raw) && raw[i] == 'u' && hex4(raw, i+1) == '\\' {
			run += run & -run // the escape stands for as many as would be needed at its level
			i += 5
		}
	}
	if i >= len(raw) {
		return symbol{end: len(raw)}
	}
	s := symbol{char: raw[i], level: plainLevel(run), end: i + 1}
	switch {
	case run == 0:
	case s.char == 'n', s.char == 't', s.char == 'r':
		s.char = ' '
	case s.char == 'u' && hex4(raw, i+1) >= 0:
		s = symbol{level: unicodeLevel(run), end: i + 5}
		if r := hex4(raw, i+1); r < 0x80 {
			s.char = byte(r)
		}
	case s.char >= 'a' && s.char <= 'z', s.char >= 'A' && s.char <= 'Z':
		s.char = 0
	}
	if s.char == '\n' || s.char == '\t' || s.char == '\r' {
		s.char = ' '
	}
	return s
}

// plainLevel is the level of a quote after that many backslashes: each level makes 2n+1 of n, and every backslash of the
// string's own, before the quote, adds an even number at its level.
func plainLevel(run int) int { return bits.TrailingZeros(^uint(run)) }

// unicodeLevel is the level of a quote that is written \u0022 after that many backslashes, the escape's included.
func unicodeLevel(run int) int {
	level := 1
	for ; run&1 == 0; run >>= 1 {
		level++
	}
	return level + plainLevel(run>>1)
}

// blank returns the index of the first symbol at or after i that is not white space.
func blank(raw []byte, i int) int {
	for i < len(raw) {
		s := symbolAt(raw, i)
		if s.char != ' ' {
			break
		}
		i = s.end
	}
	return i
}

// quote is how strings are quoted somewhere: at which level, and with how many characters (two in a field of a CSV).
type quote struct{ level, width int }

// opened returns the index after a quote whose first character ends at i.
func (q quote) opened(raw []byte, i int) int {
	for n := 1; n < q.width && i < len(raw) && raw[i] == '"'; n++ {
		i++
	}
	return i
}
