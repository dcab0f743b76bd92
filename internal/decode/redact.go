package decode

import "bytes"

// Redact returns raw with the value after any writeKey key replaced by "***"; raw itself if there is none. raw need
// not be JSON: after a syntax error it is not known what is inside a string, so every quote may begin a key.
func Redact(raw []byte) []byte {
	if !bytes.Contains(raw, []byte("riteKey")) && !bytes.Contains(raw, []byte(`\u`)) {
		return raw
	}
	var out []byte
	done := 0
	for i := 0; i < len(raw); i++ {
		if raw[i] != '"' {
			continue
		}
		start := secretAfter(raw, i+1)
		if start < 0 {
			continue
		}
		out = append(out, raw[done:start]...)
		out = append(out, `"***"`...)
		done = secretEnd(raw, start)
		if i = done - 1; raw[i] == '"' {
			i-- // in broken JSON the quote that closes this value may be the one that opens the next key
		}
	}
	if out == nil {
		return raw
	}
	return append(out, raw[done:]...)
}

// redactBroken is Redact for a record that could not be read: there a key may also stand in single quotes or in none.
func redactBroken(raw []byte) []byte {
	raw = Redact(raw)
	var out []byte
	done := 0
	for i := 0; ; {
		n := bytes.Index(raw[i:], []byte("writeKey"))
		if n < 0 {
			break
		}
		i += n + len("writeKey")
		start := space(raw, i)
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

// brokenEnd is secretEnd for values that may stand in single quotes.
func brokenEnd(raw []byte, i int) int {
	if raw[i] != '\'' {
		return secretEnd(raw, i)
	}
	if end := bytes.IndexByte(raw[i+1:], '\''); end >= 0 {
		return i + end + 2
	}
	return len(raw)
}

// secretAfter returns the index of the value if the key writeKey begins at raw[i], else -1.
func secretAfter(raw []byte, i int) int {
	for _, want := range []byte("writeKey") {
		switch {
		case i < len(raw) && raw[i] == want:
			i++
		case i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' && hex4(raw, i+2) == rune(want):
			i += 6
		default:
			return -1
		}
	}
	if i >= len(raw) || raw[i] != '"' {
		return -1
	}
	if i = space(raw, i+1); i >= len(raw) || raw[i] != ':' {
		return -1
	}
	if i = space(raw, i+1); i >= len(raw) {
		return -1
	}
	return i
}

// secretEnd returns the index after the value that begins at raw[i]: after the closing quote or bracket, or, outside
// these, before what separates values. A value that is cut goes on to the end.
func secretEnd(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		return stringEnd(raw, i)
	case '{', '[':
		depth := 0
		for i < len(raw) {
			switch raw[i] {
			case '"':
				i = stringEnd(raw, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			i++
			if depth == 0 {
				return i
			}
		}
		return i
	}
	for i++; i < len(raw) && raw[i] != ',' && raw[i] != '}' && raw[i] != ']' && raw[i] != '"'; {
		i++
	}
	return i
}

// stringEnd returns the index after the string whose opening quote is raw[i], valid or not.
func stringEnd(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}
