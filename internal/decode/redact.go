package decode

import "bytes"

// secretName is the key whose values are never kept.
const secretName = "writeKey"

// Redact returns raw with the value after any writeKey key replaced by ***; raw itself if there is none. raw need not be
// JSON: after a syntax error it is not known what is inside a string, so every quote may begin a key. Nor need the key be
// one of raw's own: JSON that is put into a string has its quotes escaped, and each time it is put into another once more.
// What is valid JSON stays so.
func Redact(raw []byte) []byte {
	if !maySecret(raw) {
		return raw
	}
	var out []byte
	done := 0
	for i := 0; i < len(raw); {
		q := symbolAt(raw, i)
		i = q.end
		if q.char != '"' {
			continue
		}
		s, ok := secretAt(raw, i)
		if !ok {
			continue
		}
		out = s.hide(append(out, raw[done:s.start]...))
		done, i = s.end, s.again
	}
	if out == nil {
		return raw
	}
	return append(out, raw[done:]...)
}

// maySecret reports whether it is worth a closer look: there is the name, or something by which it may be disguised.
func maySecret(raw []byte) bool {
	return bytes.Contains(raw, []byte("riteKey")) || bytes.Contains(raw, []byte(`\u`))
}

// redactBroken is Redact for a record that could not be read: there a key may also stand in single quotes or in none, and
// be followed by an equals sign.
func redactBroken(raw []byte) []byte {
	raw = Redact(raw)
	if !maySecret(raw) {
		return raw
	}
	var out []byte
	done := 0
	for i := 0; i < len(raw); {
		after := afterName(raw, i)
		if after < 0 {
			i = symbolAt(raw, i).end
			continue
		}
		i = after
		start := space(raw, after)
		if start < len(raw) && raw[start] == '\'' {
			start = space(raw, start+1)
		}
		if start >= len(raw) || raw[start] != ':' && raw[start] != '=' {
			continue
		}
		if start = space(raw, start+1); start >= len(raw) {
			break
		}
		out = append(append(out, raw[done:start]...), `"***"`...)
		done = brokenEnd(raw, start)
		i = done
	}
	if out == nil {
		return raw
	}
	return append(out, raw[done:]...)
}

// brokenEnd is valueEnd for values that may stand in single quotes.
func brokenEnd(raw []byte, i int) int {
	if raw[i] != '\'' {
		end, _ := valueEnd(raw, i, quote{width: 1})
		return end
	}
	if end := bytes.IndexByte(raw[i+1:], '\''); end >= 0 {
		return i + end + 2
	}
	return len(raw)
}

// secret is the value of a write key.
type secret struct {
	start, end int
	again      int    // where to go on: in broken JSON the quote that closes the value may be the one that opens the next key
	quote      []byte // as quotes look where it stands
}

func (s *secret) hide(out []byte) []byte {
	return append(append(append(out, s.quote...), "***"...), s.quote...)
}

// secretAt returns the value of the key writeKey if that begins, after its quote, at raw[i].
func secretAt(raw []byte, i int) (secret, bool) {
	closing := afterName(raw, i)
	if closing < 0 {
		return secret{}, false
	}
	sym := symbolAt(raw, closing)
	if sym.char != '"' {
		return secret{}, false
	}
	q, after := quote{level: sym.level, width: 1}, sym.end
	if bytes.HasSuffix(raw[:i], []byte(`""`)) && after < len(raw) && raw[after] == '"' {
		q.width = 2 // as in a field of a CSV
		after++
	}
	colon := symbolAt(raw, blank(raw, after))
	if colon.char != ':' {
		return secret{}, false
	}
	start := blank(raw, colon.end)
	if start >= len(raw) {
		return secret{}, false
	}
	if first := symbolAt(raw, start); first.char == '"' && first.level < q.level {
		return secret{}, false // the end of the string that holds the key
	}
	end, again := valueEnd(raw, start, q)
	return secret{start: start, end: end, again: again, quote: raw[closing:after]}, true
}

// afterName returns the index after the name writeKey at raw[i], or -1.
func afterName(raw []byte, i int) int {
	for _, want := range []byte(secretName) {
		if i >= len(raw) || raw[i] != want && raw[i] != '\\' {
			return -1
		}
		s := symbolAt(raw, i)
		if s.char != want {
			return -1
		}
		i = s.end
	}
	return i
}

// valueEnd returns the index after the value that begins at raw[i], whose quotes are like q: after the closing quote or
// bracket, or, outside these, before what separates values. A value that is cut goes on to the end of the string that
// holds it. again is where that closing quote begins.
func valueEnd(raw []byte, i int, q quote) (end, again int) {
	first := symbolAt(raw, i)
	switch first.char {
	case '"':
		q.level = first.level
		return stringEnd(raw, q.opened(raw, first.end), q)
	case '{', '[':
		end = containerEnd(raw, i, q)
		return end, end
	}
	for i = first.end; i < len(raw); {
		s := symbolAt(raw, i)
		if s.char == ',' || s.char == '}' || s.char == ']' || s.char == '"' {
			return i, i
		}
		i = s.end
	}
	return len(raw), len(raw)
}

// containerEnd returns the index after the object or array that begins at raw[i].
func containerEnd(raw []byte, i int, q quote) int {
	for depth := 0; i < len(raw); {
		s := symbolAt(raw, i)
		switch {
		case s.char == '"' && s.level < q.level:
			return i
		case s.char == '"' && s.level == q.level:
			i, _ = stringEnd(raw, q.opened(raw, s.end), q)
			continue
		case s.char == '{', s.char == '[':
			depth++
		case s.char == '}', s.char == ']':
			depth--
		}
		if i = s.end; depth == 0 {
			return i
		}
	}
	return i
}

// stringEnd returns the index after the string whose content begins at raw[i], and where its closing quote begins: the
// first quote of its own level. One of a level below ends the string that holds this one.
func stringEnd(raw []byte, i int, q quote) (end, closing int) {
	for i < len(raw) {
		s := symbolAt(raw, i)
		switch {
		case s.char != '"' || s.level > q.level:
			i = s.end
		case s.level < q.level:
			return i, i
		default:
			return q.opened(raw, s.end), i
		}
	}
	return len(raw), len(raw)
}
