package decode

import "github.com/tapline/tapline/schema"

const (
	second = 1_000_000
	day    = 86_400
)

// ParseTime reads a time of an envelope in any of rule 13's forms: RFC 3339, leniently (T, t or a space; Z, z, an
// offset with or without colon, or no zone for UTC; month and day without leading zero; a comma for the point), a date
// alone, or seconds (10 digits, a fraction allowed) or milliseconds (13 digits) since 1970. number says that text is a
// JSON number: those are never dates. Fractions are cut to microseconds.
func ParseTime(text []byte, number bool) (schema.Micros, bool) {
	n := digits(text, 0)
	switch {
	case n == 10:
		micros, i, ok := fraction(text, n, '.', '.')
		if !ok || i != len(text) {
			return schema.NoTime, false
		}
		return schema.Micros(decimal(text[:n])*second + micros), true
	case n == 13 && len(text) == n:
		return schema.Micros(decimal(text) * 1_000), true
	case number:
		return schema.NoTime, false
	}
	days, i, ok := date(text)
	if !ok {
		return schema.NoTime, false
	}
	if i == len(text) {
		return schema.Micros(days * day * second), true
	}
	if c := text[i]; c != 'T' && c != 't' && c != ' ' {
		return schema.NoTime, false
	}
	secs, i, ok := clockTime(text, i+1)
	if !ok {
		return schema.NoTime, false
	}
	micros, i, ok := fraction(text, i, '.', ',')
	if !ok {
		return schema.NoTime, false
	}
	offset, ok := zone(text[i:])
	if !ok {
		return schema.NoTime, false
	}
	return schema.Micros((days*day+secs-offset)*second + micros), true
}

// decimal returns the value of at most 18 digits.
func decimal(text []byte) int64 {
	var n int64
	for _, c := range text {
		n = n*10 + int64(c-'0')
	}
	return n
}

// date reads YYYY-M-D at the beginning of text: days since 1970 and the index after it.
func date(text []byte) (days int64, i int, ok bool) {
	if digits(text, 0) != 4 {
		return 0, 0, false
	}
	month, i, ok := afterDash(text, 4)
	if !ok {
		return 0, 0, false
	}
	dom, i, ok := afterDash(text, i)
	if !ok {
		return 0, 0, false
	}
	days, ok = schema.CivilDays(int(decimal(text[:4])), int(month), int(dom))
	return days, i, ok
}

// afterDash reads a dash and one or two digits.
func afterDash(text []byte, i int) (int64, int, bool) {
	if i >= len(text) || text[i] != '-' {
		return 0, 0, false
	}
	end := digits(text, i+1)
	if n := end - i - 1; n < 1 || n > 2 {
		return 0, 0, false
	}
	return decimal(text[i+1 : end]), end, true
}

// clockTime reads hh:mm:ss at text[i] as seconds since midnight. There is neither hour 24 nor second 60.
func clockTime(text []byte, i int) (int64, int, bool) {
	if len(text) < i+8 || text[i+2] != ':' || text[i+5] != ':' {
		return 0, 0, false
	}
	h, ok1 := two(text, i)
	m, ok2 := two(text, i+3)
	s, ok3 := two(text, i+6)
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || s > 59 {
		return 0, 0, false
	}
	return h*3600 + m*60 + s, i + 8, true
}

// two reads exactly two digits at text[i], which must be there.
func two(text []byte, i int) (int64, bool) {
	if !isDigit(text[i]) || !isDigit(text[i+1]) {
		return 0, false
	}
	return int64(text[i]-'0')*10 + int64(text[i+1]-'0'), true
}

// fraction reads a point (or the other one) and digits at text[i], if there is a point: microseconds, the rest is cut.
func fraction(text []byte, i int, point, other byte) (micros int64, end int, ok bool) {
	if i >= len(text) || (text[i] != point && text[i] != other) {
		return 0, i, true
	}
	end = digits(text, i+1)
	if end == i+1 {
		return 0, 0, false
	}
	for n := range 6 {
		micros *= 10
		if i+1+n < end {
			micros += int64(text[i+1+n] - '0')
		}
	}
	return micros, end, true
}

// zone reads the whole of text as Z, an offset, or nothing, as seconds east of UTC.
func zone(text []byte) (int64, bool) {
	if len(text) == 0 || (len(text) == 1 && text[0]|0x20 == 'z') {
		return 0, true
	}
	if len(text) != 5 && (len(text) != 6 || text[3] != ':') || (text[0] != '+' && text[0] != '-') {
		return 0, false
	}
	h, ok1 := two(text, 1)
	m, ok2 := two(text, len(text)-2)
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	if text[0] == '-' {
		return -(h*3600 + m*60), true
	}
	return h*3600 + m*60, true
}
