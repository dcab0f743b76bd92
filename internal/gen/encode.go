package gen

// encoder writes records down as lines of one kind of file.
type encoder interface {
	// header appends the line before the first record, if there is one.
	header(dst []byte) []byte
	// record appends the record's line, with its line end.
	record(dst []byte, r *record) []byte
}

// newEncoder returns the encoder of g's kind for a file with the records of one event, or of all: numEvents.
func newEncoder(g *generator, used *usage, file event) encoder {
	switch g.opts.Kind {
	case SegmentCSV:
		return &segmentCSV{g: g, used: used, file: file}
	case CleverTapCSV:
		return &cleverTapCSV{g: g, used: used, file: file}
	case CleverTap:
		return &cleverTapJSON{g: g, keys: quotedKeys()}
	}
	return &segmentJSON{g: g, keys: quotedKeys()}
}

// quotedKeys are the property names with what stands around them in JSON.
func quotedKeys() *[numKeys]string {
	var keys [numKeys]string
	for k, name := range keyNames {
		keys[k] = string(append(appendQuoted(nil, []byte(name)), ':'))
	}
	return &keys
}

// appendQuoted appends text as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendProps appends the properties from the first session one on, or those before it, as "name":value,...
func appendProps(dst []byte, r *record, keys *[numKeys]string, session, cleverTap bool) []byte {
	first := true
	for _, p := range r.props {
		if (p.key >= firstSession) != session {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, keys[p.key]...)
		dst = appendJSON(dst, r, p, cleverTap)
	}
	return dst
}

func appendJSON(dst []byte, r *record, p prop, cleverTap bool) []byte {
	value := r.value(p)
	switch p.kind {
	case plainText:
		dst = append(dst, '"')
		dst = append(dst, value...)
		return append(dst, '"')
	case freeText:
		return appendQuoted(dst, value)
	case date:
		dst = append(dst, '"')
		dst = appendDate(dst, value, cleverTap)
		return append(dst, '"')
	}
	return append(dst, value...)
}

// appendDate appends epoch seconds as CleverTap's or as Segment's kind of date.
func appendDate(dst, seconds []byte, cleverTap bool) []byte {
	if cleverTap {
		return append(append(dst, "$D_"...), seconds...)
	}
	var n int64
	for _, c := range seconds {
		n = n*10 + int64(c-'0')
	}
	return appendISO(dst, n*second)
}

// appendCell appends text as a CSV cell, quoted where RFC 4180 asks for it.
func appendCell(dst []byte, text string) []byte {
	quote := false
	for i := range len(text) {
		if c := text[i]; c == ',' || c == '"' || c == '\n' || c == '\r' || c == ' ' && (i == 0 || i == len(text)-1) {
			quote = true
			break
		}
	}
	if !quote {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for i := range len(text) {
		if text[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}
