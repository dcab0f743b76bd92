package schema

import (
	"math"
	"math/big"
	"strconv"
	"unsafe"
)

// maxDigits is the longest integer that is kept (rule 10): numeric holds more, but a longer number is no measurement.
const maxDigits = 38

// maxExactInt is 2^53: every integer up to it has a double of its own.
const maxExactInt = 1 << 53

// decimal is a JSON number literal taken apart: digits * 10^exp, without leading and trailing zeros among the digits.
type decimal struct {
	sig     uint64 // the digits, valid for count <= 19
	count   int    // how many digits; 0 is the number zero
	exp     int    // power of ten of the last digit
	neg     bool
	integer bool // the literal has neither fraction nor exponent
}

// parseDecimal takes a literal apart that is known to follow the JSON grammar.
func parseDecimal(lit []byte) decimal {
	d := decimal{integer: true}
	i := 0
	if i < len(lit) && lit[i] == '-' {
		d.neg = true
		i++
	}
	zeros, point := 0, 0 // zeros that may turn out to be trailing; digits after the point
	seenPoint := false
	for ; i < len(lit); i++ {
		c := lit[i]
		if c == '.' {
			seenPoint, d.integer = true, false
			continue
		}
		if c|0x20 == 'e' {
			d.integer = false
			break
		}
		if seenPoint {
			point++
		}
		if c == '0' {
			zeros++
			continue
		}
		if d.count == 0 {
			zeros = 0 // leading
		}
		for ; zeros > 0; zeros-- {
			d.digit(0)
		}
		d.digit(uint64(c - '0'))
	}
	d.exp = zeros - point
	if i < len(lit) {
		d.exp += exponent(lit[i+1:])
	}
	if d.count == 0 {
		d.exp = 0
	}
	return d
}

func (d *decimal) digit(v uint64) {
	d.count++
	if d.count <= 19 {
		d.sig = d.sig*10 + v
	}
}

// exponent reads what stands behind e; it is cut at a million, far beyond every type's range.
func exponent(s []byte) int {
	neg, n := false, 0
	for _, c := range s {
		switch {
		case c == '-':
			neg = true
		case c >= '0' && c <= '9' && n < 1_000_000:
			n = n*10 + int(c-'0')
		}
	}
	if neg {
		return -n
	}
	return n
}

func (d decimal) integral() bool { return d.exp >= 0 }

// int64 returns the value if it is a whole number in bigint's range.
func (d decimal) int64() (int64, bool) {
	if d.count == 0 {
		return 0, true
	}
	if d.exp < 0 || d.count+d.exp > 19 {
		return 0, false
	}
	v := d.sig
	for range d.exp {
		v *= 10 // at most 19 digits: below 10^19 < 2^64
	}
	if d.neg {
		return -int64(v), v <= 1<<63
	}
	return int64(v), v < 1<<63
}

// parseInt reads a literal without fraction and exponent. The common case of parseDecimal, three times as fast.
func parseInt(lit []byte) (int64, bool) {
	s := lit
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	var v int64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if len(s) != len(lit) {
		v = -v
	}
	return v, true
}

// parseFloat returns the nearest double, and false if it is not finite or if a number that is not zero became zero
// (rule 12).
func parseFloat(lit []byte, d decimal) (float64, bool) {
	f, err := strconv.ParseFloat(view(lit), 64)
	return f, err == nil && (f != 0 || d.count == 0)
}

// exactDouble returns the double that equals the whole number lit, if there is one (rule 11).
func exactDouble(lit []byte, d decimal) (float64, bool) {
	if v, ok := d.int64(); ok {
		if v >= -maxExactInt && v <= maxExactInt {
			if v == 0 && d.neg {
				return 0, true // the integer -0 is 0; only -0.0 is the double -0
			}
			return float64(v), true
		}
	}
	f, err := strconv.ParseFloat(view(lit), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, false
	}
	want, ok := new(big.Int).SetString(string(lit), 10)
	if !ok {
		return 0, false
	}
	got, _ := new(big.Float).SetFloat64(f).Int(nil)
	return f, got.Cmp(want) == 0
}

// plainNumeric returns the literal without exponent, as numeric's text, if it has at most 38 digits on either side of
// the point. The literal itself is returned if it has no exponent.
func plainNumeric(lit []byte, d decimal) ([]byte, bool) {
	if d.count+d.exp > maxDigits || d.exp < -maxDigits {
		return nil, false
	}
	if d.count == 0 && d.integer {
		return []byte("0"), true
	}
	for _, c := range lit {
		if c|0x20 == 'e' {
			r, ok := new(big.Rat).SetString(string(lit))
			if !ok {
				return nil, false
			}
			return []byte(r.FloatString(max(0, -d.exp))), true
		}
	}
	return lit, true
}

// isJSONNumber reports whether s follows the grammar of JSON numbers: the canonical numbers that a string may be cast
// from (rule 11: "1e3" yes, "03" no).
func isJSONNumber(s []byte) bool { return NumberEnd(s, 0) == len(s) }

// NumberEnd returns the index after the JSON number that begins at b[i], or -1 if none does.
func NumberEnd(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && b[i] >= '1' && b[i] <= '9':
		i = skipDigits(b, i)
	default:
		return -1
	}
	if i < len(b) && b[i] == '.' {
		from := i + 1
		if i = skipDigits(b, from); i == from {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from := i
		if i = skipDigits(b, from); i == from {
			return -1
		}
	}
	return i
}

func skipDigits(s []byte, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

// view returns b as a string without a copy; the string must not outlive b.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
